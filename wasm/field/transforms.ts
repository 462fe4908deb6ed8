// Number-theoretic transforms: the table of roots, the order of passes, bytes in and out. What a pass does is said in assembly/transform.ts.

import { assert, CodexError } from '../../src/lib/errors.ts'
import {
  checkNumbers,
  countOf,
  ELEMENT_BYTES,
  flag,
  type KernelParts,
  lending,
  NUMBER_BYTES,
  SLICE_NUMBERS,
} from './kernelparts.ts'
import type { Sliced } from './sliced.ts'

/** Of a transform. */
export const MAX_SIZE = 2 ** 20
/** Butterflies of two levels in one slice: four products of vectors each. */
const SLICE_BUTTERFLIES = 2 ** 14
const ORDER = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001n

/** The roots of unity that all transforms of one kernel share; as many as the largest so far needs. */
export class RootTable {
  readonly #parts: KernelParts
  #table = 0
  #size = 0

  constructor(parts: KernelParts) {
    this.#parts = parts
  }

  /** Of entries; 0 before the first use. */
  get size(): number {
    return this.#size
  }

  /**
   * Makes sure that there are `size` entries, a power of two: half the elements of a transform, or as many as it has for {@link toOddPowers}.
   * @throws CodexError `field/out-of-memory`
   */
  *grow(size: number): Sliced<void> {
    if (size <= this.#size) return
    const { exports, heap } = this.#parts
    const before = this.#size === 0 ? undefined : this.#table
    const table = heap.lend(ELEMENT_BYTES * (size + 1))
    let isDone = false
    try {
      exports.firstRoot(table)
      for (let known = 1; known < size; known *= 2) {
        exports.doubleRoots(table, known)
        if (known >= SLICE_NUMBERS) yield
        // Other transforms may run between two slices, by the table before; they say so themselves.
      }
      isDone = true
    } finally {
      if (!isDone) heap.takeBack(table)
    }
    if (before !== undefined) heap.takeBack(before)
    this.#table = table
    this.#size = size
  }

  /** Before every pass: tells the kernel where the table is. */
  use(): void {
    this.#parts.exports.useRoots(this.#table)
  }
}

/** @throws CodexError `field/wrong-size` */
export function checkSize(size: number): void {
  if (size >= 1 && size <= MAX_SIZE && Number.isInteger(Math.log2(size))) return
  throw new CodexError('field/wrong-size', `expected a power of two of elements, at most ${MAX_SIZE}, found ${size}`, {
    detail: { size, maxSize: MAX_SIZE },
  })
}

/**
 * Values at the powers of the root of unity of order `n` from coefficients, both in order; or with `inverse` back.
 * @throws CodexError `field/wrong-size`, `field/not-an-element` or `field/out-of-memory`
 */
export function* transform(
  parts: KernelParts,
  roots: RootTable,
  bytes: Uint8Array,
  inverse: boolean,
): Sliced<Uint8Array> {
  const size = countOf(bytes, NUMBER_BYTES, 'numbers')
  checkSize(size)
  const { exports, heap, lanes } = parts
  yield* roots.grow(Math.max(1, size / 2))
  // A transform of one element leaves a lane empty.
  const vectors = Math.max(1, size / lanes)
  const sizes = [NUMBER_BYTES * lanes * vectors, ELEMENT_BYTES * lanes * vectors, NUMBER_BYTES * 2, ELEMENT_BYTES * 2]
  return yield* lending(parts, sizes, function* (numbers = 0, data = 0, share = 0, factors = 0) {
    heap.bytes.set(bytes, numbers)
    checkNumbers(parts, 'R', numbers, size)
    if (size === 1) return bytes.slice()
    yield
    for (let from = 0; from < vectors; from += SLICE_NUMBERS) {
      exports.enterReversed(numbers, data, from, Math.min(vectors, from + SLICE_NUMBERS), Math.log2(vectors))
      yield
    }
    yield* rise(parts, roots, data, size, inverse)
    placeShare(parts, size, share, factors)
    for (let from = 0; from < vectors; from += SLICE_NUMBERS) {
      const count = Math.min(SLICE_NUMBERS, vectors - from)
      const at = data + ELEMENT_BYTES * lanes * from
      const to = numbers + NUMBER_BYTES * from
      if (inverse) exports.leaveScaled(at, to, count, vectors, factors + ELEMENT_BYTES)
      else exports.leaveNumbers(1, at, to, count, 1, vectors, 0)
      yield
    }
    return heap.bytes.slice(numbers, numbers + bytes.length)
  })
}

/** 1 / size as a factor, and behind it as one that makes elements plain. */
export function placeShare({ exports, heap }: KernelParts, size: number, number: number, factors: number): void {
  const share = ORDER - (ORDER - 1n) / BigInt(size)
  const view = new DataView(heap.bytes.buffer)
  for (let word = 0; word < 4; word++)
    view.setBigUint64(number + 8 * word, BigInt.asUintN(64, share >> BigInt(64 * word)), true)
  exports.placeFactor(number, factors, factors + ELEMENT_BYTES)
}

/** From reversed order to order. */
export function* rise(
  parts: KernelParts,
  roots: RootTable,
  data: number,
  size: number,
  inverse: boolean,
): Sliced<void> {
  const vectors = size / parts.lanes
  for (const { width, isTwo } of passes(vectors).reverse())
    yield* runPass(parts, roots, 'risePass', { data, width, vectors, isTwo, inverse })
  yield* runCross(parts, data, vectors)
}

/** From order to reversed order. */
export function* fall(
  parts: KernelParts,
  roots: RootTable,
  data: number,
  size: number,
  inverse: boolean,
): Sliced<void> {
  const vectors = size / parts.lanes
  yield* runCross(parts, data, vectors)
  for (const { width, isTwo } of passes(vectors))
    yield* runPass(parts, roots, 'fallPass', { data, width, vectors, isTwo, inverse })
}

interface Pass {
  readonly data: number
  readonly width: number
  readonly vectors: number
  readonly isTwo: boolean
  readonly inverse: boolean
}

/** Of falling: two levels at a time, and the narrowest alone where one is left. */
function passes(vectors: number): Pick<Pass, 'width' | 'isTwo'>[] {
  const found: Pick<Pass, 'width' | 'isTwo'>[] = []
  for (let width = vectors; width > 1; width /= 4) found.push({ width, isTwo: width > 2 })
  return found
}

function* runPass(
  { exports }: KernelParts,
  roots: RootTable,
  name: 'risePass' | 'fallPass',
  { data, width, vectors, isTwo, inverse }: Pass,
): Sliced<void> {
  const count = vectors / (isTwo ? 4 : 2)
  for (let from = 0; from < count; from += SLICE_BUTTERFLIES) {
    const to = Math.min(count, from + SLICE_BUTTERFLIES)
    roots.use()
    exports[name](data, width, vectors / width, flag(isTwo), flag(inverse), from, to)
    yield
  }
}

function* runCross({ exports, lanes }: KernelParts, data: number, vectors: number): Sliced<void> {
  const bytes = ELEMENT_BYTES * lanes
  for (let from = 0; from < vectors; from += SLICE_NUMBERS) {
    exports.cross(data + bytes * from, data + bytes * Math.min(vectors, from + SLICE_NUMBERS))
    yield
  }
}

/**
 * From values at the powers of the root of unity of order `size` to `size` times those at the odd powers of the root of twice that
 * order, in place.
 */
export function* toOddPowers(parts: KernelParts, roots: RootTable, data: number, size: number): Sliced<void> {
  assert(roots.size >= size, 'the table of roots has one for each element')
  const { exports, lanes } = parts
  const vectors = size / lanes
  const bytes = ELEMENT_BYTES * lanes
  yield* fall(parts, roots, data, size, true)
  for (let from = 0; from < vectors; from += SLICE_NUMBERS) {
    roots.use()
    exports.shift(data + bytes * from, data + bytes * Math.min(vectors, from + SLICE_NUMBERS), from, vectors)
    yield
  }
  yield* rise(parts, roots, data, size, false)
}
