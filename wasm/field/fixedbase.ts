// Many multiples of one point, for development setups: tables of its small multiples stay in the kernel, sums pass through. What a pass
// does is said in assembly/fixedbase.ts.

import { CodexError } from '../../src/lib/errors.ts'
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
import { windowCount } from './multiscalar.ts'
import type { Sliced } from './sliced.ts'

const MIN_WIDTH = 4
/** Tables of 22 windows times 2^11 points: 3.6 MB in G1, twice that in G2. */
const MAX_WIDTH = 12
/** Scalars whose sums are in the kernel at a time; what a batch of additions takes. */
const PIECE = 4096
/** Windows added in one slice. */
const SLICE_WINDOWS = { 1: 8, 2: 3 } as const

export class FixedBase {
  readonly group: Group
  readonly #parts: KernelParts
  readonly #table: number
  readonly #width: number
  #isFree = false

  private constructor(parts: KernelParts, group: Group, table: number, width: number) {
    this.#parts = parts
    this.group = group
    this.#table = table
    this.#width = width
  }

  /**
   * @param expected number of scalars: tables are the larger the more there are
   * @throws CodexError `field/wrong-size`, `field/not-an-element` or `field/out-of-memory`; nothing stays lent then
   */
  static *place(
    parts: KernelParts,
    group: Group,
    point: Uint8Array,
    { form, expected }: { readonly form: NumberForm; readonly expected: number },
  ): Sliced<FixedBase> {
    const { exports, heap } = parts
    if (countOf(point, pointBytes(group), `a point of G${group}`) !== 1)
      throw new CodexError('field/wrong-size', `expected one point, found ${point.length} bytes`)
    const width = widthFor(expected)
    const windows = windowCount(width)
    const table = heap.lend(residentBytes(group) * (windows * 2 ** (width - 1) + 1))
    let isDone = false
    try {
      yield* lending(parts, [2 * point.length, 2 * residentBytes(group)], function* (input = 0, base = 0) {
        heap.bytes.set(point, input)
        heap.bytes.fill(0, input + point.length, input + 2 * point.length)
        checkNumbers(parts, 'Q', input, point.length / NUMBER_BYTES)
        exports.enterAll(group, input, 1, base, flag(form === 'file'))
        exports.tabulateBases(group, base, table, width, windows)
        for (let known = 1; known < 2 ** (width - 1); known *= 2) {
          yield
          exports.tabulateMore(group, table, width, windows, known)
        }
      })
      isDone = true
      return new FixedBase(parts, group, table, width)
    } finally {
      if (!isDone) heap.takeBack(table)
    }
  }

  /**
   * The multiples by plain scalars, as affine points.
   * @throws CodexError `field/wrong-size`, `field/not-an-element` or `field/out-of-memory`
   */
  *multiples(scalars: Uint8Array, form: NumberForm): Sliced<Uint8Array> {
    const count = countOf(scalars, NUMBER_BYTES, 'scalars')
    const size = pointBytes(this.group)
    const result = new Uint8Array(size * count)
    const sizes = [NUMBER_BYTES * PIECE, residentBytes(this.group) * PIECE, size * (PIECE + 1)]
    const computePiece = this.#computePiece.bind(this)
    yield* lending(this.#parts, sizes, function* (input = 0, sums = 0, output = 0) {
      for (let from = 0; from < count; from += PIECE) {
        const piece = scalars.subarray(NUMBER_BYTES * from, NUMBER_BYTES * (from + PIECE))
        result.set(yield* computePiece(piece, from, form, { input, sums, output }), size * from)
      }
    })
    return result
  }

  *#computePiece(
    scalars: Uint8Array,
    first: number,
    form: NumberForm,
    { input, sums, output }: { readonly input: number; readonly sums: number; readonly output: number },
  ): Sliced<Uint8Array> {
    const { exports, heap } = this.#parts
    const count = scalars.length / NUMBER_BYTES
    const windows = windowCount(this.#width)
    heap.bytes.set(scalars, input)
    checkNumbers(this.#parts, 'R', input, count, first)
    exports.recode(input, count, 0, this.#width)
    exports.clearPoints(this.group, sums, count)
    for (let window = 0; window < windows; window++) {
      const isTop = flag(window === windows - 1)
      exports.addMultiples(this.group, this.#table, this.#width, window, isTop, input, count, sums)
      if (window % SLICE_WINDOWS[this.group] === 0) yield
    }
    exports.leavePoints(this.group, sums, count, output, flag(form === 'file'))
    return heap.bytes.slice(output, output + pointBytes(this.group) * count)
  }

  /** Gives the memory back; once. */
  free(): void {
    if (this.#isFree) return
    this.#isFree = true
    this.#parts.heap.takeBack(this.#table)
  }
}

/** What costs least: an addition per scalar and window, and one per table entry. */
function widthFor(expected: number): number {
  let best = MIN_WIDTH
  const costOf = (width: number): number => windowCount(width) * (expected + 2 ** (width - 1))
  for (let width = MIN_WIDTH; width <= MAX_WIDTH; width++) if (costOf(width) < costOf(best)) best = width
  return best
}
