// Memory for batches of blocks that are read from the store and sent: each batch has one piece, which is used again when all of it has left. Fresh memory
// for each block costs more than reading it: pages are found for it, zeroed and collected.

import type { Bytes } from '../lib/units.ts'

/** Pieces kept for later: of peers that are served at once few are read for at the same moment. */
const MAX_SPARE_PIECES = 3

export interface BatchBytes {
  /** So many bytes of the piece; fresh ones when it has no more. */
  readonly take: (bytes: Bytes) => Uint8Array
  /** Nothing looks at what was taken any more. To be called once at most; a piece that is never given back is collected as all memory is. */
  readonly giveBack: () => void
}

export class BatchMemory {
  readonly #pieceBytes: Bytes
  readonly #spare: ArrayBuffer[] = []

  constructor(pieceBytes: Bytes) {
    this.#pieceBytes = pieceBytes
  }

  lend(): BatchBytes {
    const piece = this.#spare.pop() ?? new ArrayBuffer(this.#pieceBytes)
    let used = 0
    const take = (bytes: Bytes): Uint8Array => {
      if (used + bytes > piece.byteLength) return new Uint8Array(bytes)
      used += bytes
      return new Uint8Array(piece, used - bytes, bytes)
    }
    const giveBack = (): void => {
      if (this.#spare.length < MAX_SPARE_PIECES) this.#spare.push(piece)
    }
    return { take, giveBack }
  }
}
