// The seam between the block exchange and whatever carries its messages: a pipe in memory in tests, libp2p streams in a node.

import type { AbortOptions } from '../lib/abort.ts'
import type { Bytes, Seconds } from '../lib/units.ts'

export interface ReceiveOptions extends AbortOptions {
  /** Asked when a message begins: one that says it is longer ends the link with `exchange/message-too-long`. */
  readonly maxBytes: () => Bytes
}

/** A link to one peer, whose id the transport has proven. There is at most one per peer. */
export interface Link {
  /** Text of the peer's id. */
  readonly peerId: string
  /** Whether it was this node that called the peer. */
  readonly isDialled?: boolean | undefined
  /** Since when a message of the peer has begun and is not complete; undefined when none is. */
  readonly partialSince: Seconds | undefined
  /** Moves {@link Link.partialSince} forward, up to now: for so long nothing could come. */
  spare?(seconds: Seconds): void
  /** Held of the peer's unfinished messages; 0 for links that hold none. */
  readonly partialBytes?: Bytes | undefined
  /**
   * The peer's messages, whole, without their length prefix, on whatever streams they come. They are pulled: who does not pull lets the peer
   * wait. A message is borrowed until the next is pulled. To be called once. Ends when the peer has gone, rejects with what broke the link or with `signal.reason`.
   */
  messages(options: ReceiveOptions): AsyncIterable<Uint8Array>
  /**
   * Sends one message, given in pieces and borrowed until this settles well, which is when the transport has taken all of it and takes more. Calls do
   * not overlap. Rejects when the link is over; the pieces may be read even then.
   */
  send(chunks: readonly Uint8Array[], options: AbortOptions): Promise<void>
  /** Ends the link for good; a second call is a no-op. */
  close(reason?: Error): void
}
