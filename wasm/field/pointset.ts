// Points that stay in the kernel: those at infinity left out, each of the others with its index. Converted once, for many sums.

import type { Group } from './kernelexports.ts'
import {
  checkNumbers,
  countOf,
  flag,
  type KernelParts,
  lending,
  NUMBER_BYTES,
  type NumberForm,
  pointBytes,
  residentBytes,
} from './kernelparts.ts'
import type { Sliced } from './sliced.ts'

/** Points converted in one slice: a few milliseconds in G2. */
const SLICE_POINTS = 8192

export class PointSet {
  readonly group: Group
  /** Those at infinity included. */
  readonly count: number
  /** Those that are in memory. */
  readonly finite: number
  /** Of the points, one after the other. */
  readonly points: number
  /** Of their indices, four bytes each. */
  readonly indices: number
  readonly #parts: KernelParts
  #isFree = false

  private constructor(
    parts: KernelParts,
    shape: { readonly group: Group; readonly count: number; readonly finite: number },
    areas: { readonly points: number; readonly indices: number },
  ) {
    this.#parts = parts
    this.group = shape.group
    this.count = shape.count
    this.finite = shape.finite
    this.points = areas.points
    this.indices = areas.indices
  }

  /** @throws CodexError `field/wrong-size`, `field/not-an-element` or `field/out-of-memory`; nothing stays lent then */
  static *place(parts: KernelParts, group: Group, bytes: Uint8Array, form: NumberForm): Sliced<PointSet> {
    const { heap } = parts
    const count = countOf(bytes, pointBytes(group), `points of G${group}`)
    const areas: number[] = []
    try {
      const finite = countFinite(bytes, pointBytes(group))
      // The lane behind the last point may write a point more.
      const points = heap.lend(residentBytes(group) * (finite + 1))
      areas.push(points)
      const indices = heap.lend(4 * (finite + 1))
      areas.push(indices)
      yield* enter(parts, group, bytes, form, points, indices)
      const set = new PointSet(parts, { group, count, finite }, { points, indices })
      areas.length = 0
      return set
    } finally {
      areas.forEach((area) => heap.takeBack(area))
    }
  }

  /** Gives the memory back; once. */
  free(): void {
    if (this.#isFree) return
    this.#isFree = true
    this.#parts.heap.takeBack(this.points)
    this.#parts.heap.takeBack(this.indices)
  }
}

function* enter(
  parts: KernelParts,
  group: Group,
  bytes: Uint8Array,
  form: NumberForm,
  points: number,
  indices: number,
): Sliced<void> {
  const size = pointBytes(group)
  const { exports, heap } = parts
  yield* lending(parts, [size * (SLICE_POINTS + 1)], function* (input = 0) {
    let written = 0
    for (let from = 0; from < bytes.length; from += size * SLICE_POINTS) {
      const piece = bytes.subarray(from, from + size * SLICE_POINTS)
      heap.bytes.set(piece, input)
      heap.bytes.fill(0, input + piece.length, input + piece.length + size)
      checkNumbers(parts, 'Q', input, piece.length / NUMBER_BYTES, from / NUMBER_BYTES)
      const place = points + residentBytes(group) * written
      const placeOfIndices = indices + 4 * written
      const isFile = flag(form === 'file')
      written += exports.enterFinite(group, input, piece.length / size, place, placeOfIndices, from / size, isFile)
      yield
    }
  })
}

function countFinite(bytes: Uint8Array, size: number): number {
  let count = 0
  for (let from = 0; from < bytes.length; from += size) {
    let at = from
    while (at < from + size && bytes[at] === 0) at++
    if (at < from + size) count++
  }
  return count
}
