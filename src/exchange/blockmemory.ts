// Memory for blocks on their way from a peer into the store: places in one large piece that the hasher and the disk take without a copy, used again
// and again. Fresh memory for each block costs more than its hash: it is zeroed, found pages for, and collected.

import type { Bytes } from '../lib/units.ts'
import { BLOCK_SIZE } from '../protocol/block.ts'
import type { Hasher } from '../storage/hasher.ts'

export interface HeldBytes {
  readonly bytes: Uint8Array
  /** Ends the use of `bytes`: they become another block's. A second call is a no-op. */
  readonly free: () => void
}

export class BlockMemory {
  readonly #hasher: Pick<Hasher, 'memory'>
  readonly #places: number
  #piece: Uint8Array | undefined
  /** Places in the piece. The one freed last is used next: the caches know it, and the others may never cost memory at all. */
  #free: number[] = []

  /** @param places blocks of the usual size at once; what is larger, or comes when all are taken, gets memory of its own */
  constructor(hasher: Pick<Hasher, 'memory'>, places: number) {
    this.#hasher = hasher
    this.#places = places
  }

  /** Of the places, in use or not; 0 before the first block and after {@link trim}. */
  get bytes(): Bytes {
    return this.#piece?.length ?? 0
  }

  /** A copy of these bytes. */
  hold(bytes: Uint8Array): HeldBytes {
    if (bytes.length > BLOCK_SIZE || bytes.length === 0) return { bytes: bytes.slice(), free: NOTHING }
    const piece = this.#ready()
    const place = this.#free.pop()
    if (place === undefined) return { bytes: bytes.slice(), free: NOTHING }
    const held = piece.subarray(place * BLOCK_SIZE, place * BLOCK_SIZE + bytes.length)
    held.set(bytes)
    let isHeld = true
    const free = (): void => {
      // After a trim the place is of a piece that is no more.
      if (isHeld && this.#piece === piece) this.#free.push(place)
      isHeld = false
    }
    return { bytes: held, free }
  }

  /** Lets go of all memory, unless any of it is in use. */
  trim(): void {
    if (this.#free.length < this.#places) return
    this.#piece = undefined
    this.#free = []
  }

  #ready(): Uint8Array {
    if (this.#piece === undefined) {
      this.#piece = this.#hasher.memory(this.#places * BLOCK_SIZE, 'script')
      this.#free = Array.from({ length: this.#places }, (_, i) => this.#places - 1 - i)
    }
    return this.#piece
  }
}

const NOTHING = (): void => undefined
