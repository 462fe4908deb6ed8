// Scalars that stay in the kernel, 32 bytes each, for several sums of products. Sums recode them in place as they need; they know how
// they lie at present.

import { checkNumbers, countOf, type KernelParts, NUMBER_BYTES, SLICE_NUMBERS } from './kernelparts.ts'
import type { Sliced } from './sliced.ts'

export class ScalarSet {
  readonly count: number
  readonly address: number
  readonly #parts: KernelParts
  /** Of the digits they are recoded to, 0 for none. */
  #width = 0
  #isFree = false

  /** @param address of scalars below the order, in an area that was lent for them */
  constructor(parts: KernelParts, address: number, count: number) {
    this.#parts = parts
    this.address = address
    this.count = count
  }

  /** @throws CodexError `field/wrong-size`, `field/not-an-element` or `field/out-of-memory`; nothing stays lent then */
  static *place(parts: KernelParts, bytes: Uint8Array): Sliced<ScalarSet> {
    const count = countOf(bytes, NUMBER_BYTES, 'scalars')
    const set = new ScalarSet(parts, parts.heap.lend(bytes.length), count)
    let isDone = false
    try {
      for (let from = 0; from < count; from += SLICE_NUMBERS) {
        const piece = bytes.subarray(NUMBER_BYTES * from, NUMBER_BYTES * (from + SLICE_NUMBERS))
        parts.heap.bytes.set(piece, set.address + NUMBER_BYTES * from)
        checkNumbers(parts, 'R', set.address + NUMBER_BYTES * from, piece.length / NUMBER_BYTES, from)
        yield
      }
      isDone = true
      return set
    } finally {
      if (!isDone) set.free()
    }
  }

  /** Brings them into signed digits of that width; 0: as they came. A millisecond for 2^17. */
  recode(width: number): void {
    if (width !== this.#width) this.#parts.exports.recode(this.address, this.count, this.#width, width)
    this.#width = width
  }

  /** A copy, as they came. */
  read(): Uint8Array {
    this.recode(0)
    return this.#parts.heap.bytes.slice(this.address, this.address + NUMBER_BYTES * this.count)
  }

  /** Gives the memory back; once. */
  free(): void {
    if (this.#isFree) return
    this.#isFree = true
    this.#parts.heap.takeBack(this.address)
  }
}
