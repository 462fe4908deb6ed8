// The seam to the network for JSON-RPC: one POST, one WebSocket. What is said over them is not known here.

import type { AbortOptions } from '../lib/abort.ts'
import type { CodexError } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'

export interface LineOptions extends AbortOptions {
  /** An answer or message longer than this ends the exchange. */
  readonly limitBytes: Bytes
}

export interface PostAnswer {
  readonly status: number
  readonly body: string
  /** The header `Retry-After` as it came. */
  readonly retryAfter: string | undefined
}

export interface SocketListener {
  message(text: string): void
  /** Once, however it ended, also when we closed it. Nothing follows. @param why `market/unreachable`, or `market/answer-too-long` for a message */
  closed(why: CodexError): void
}

export interface RpcSocket {
  /** Drops the text when the socket is closed. */
  send(text: string): void
  close(): void
}

/**
 * Errors: `market/unreachable` when no connection or no whole answer came about, `market/answer-too-long`; or the signal's reason.
 * Nothing of an exchange is left once its signal has aborted.
 */
export interface RpcLines {
  /** POSTs JSON. Any HTTP status is an answer. */
  post(url: string, body: string, options: LineOptions): Promise<PostAnswer>
  /** Settles once the socket is open. The signal counts until then; afterwards it is the caller's to close. */
  connect(url: string, listener: SocketListener, options: LineOptions): Promise<RpcSocket>
}
