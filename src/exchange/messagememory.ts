// Memory for messages that are read, one after the other, on whatever links: a message with blocks in it is large, its life is short, and the next one
// is as large. A few pieces for all links; who finds none gets fresh memory.

import type { Bytes } from '../lib/units.ts'
import { KiB } from '../lib/units.ts'

/** Pieces kept. Links take turns: a message is acted on at once, and given back. */
export const MAX_SPARE_PIECES = 4
/** Room for the blocks of one message as the network's nodes send them; longer ones get memory of their own. */
export const PIECE_BYTES: Bytes = 1536 * KiB
/** Below this fresh memory costs nothing. */
const SMALL_BYTES: Bytes = 64 * KiB

export class MessageMemory {
  readonly #spare: ArrayBuffer[] = []

  /** So many bytes, with anything in them. */
  take(length: Bytes): Uint8Array {
    if (length < SMALL_BYTES || length > PIECE_BYTES) return new Uint8Array(length)
    return new Uint8Array(this.#spare.pop() ?? new ArrayBuffer(PIECE_BYTES), 0, length)
  }

  /** What `take` gave is not looked at any more. To be called once at most. */
  giveBack({ buffer, length }: Uint8Array): void {
    if (length < SMALL_BYTES || buffer.byteLength !== PIECE_BYTES || !(buffer instanceof ArrayBuffer)) return
    if (this.#spare.length < MAX_SPARE_PIECES) this.#spare.push(buffer)
  }
}
