// Sums of scalars times points: lays out the buckets and runs the kernel's passes over the windows, slice by slice. What a pass does is
// said in assembly/buckets.ts.
//
// Memory while it runs, beside points and scalars: all windows' buckets; for one window its sorted entries and its bounds; for one
// slice its sums. For 2^17 points of G1 that is 9 MiB, for 2^17 of G2 16 MiB.

import { assert, CodexError } from '../../src/lib/errors.ts'
import type { Group } from './kernelexports.ts'
import { flag, type KernelParts, lending, type NumberForm, pointBytes, residentBytes } from './kernelparts.ts'
import type { PointSet } from './pointset.ts'
import type { ScalarSet } from './scalarset.ts'
import type { Sliced } from './sliced.ts'

/** Scalars are below 2^254; signed digits need a bit more. */
const SCALAR_BITS = 255
const MIN_WIDTH = 2
const MAX_WIDTH = 15
/** Entries summed in one slice: about as many additions. In G2 each takes three times as long. */
const SLICE_ENTRIES = { 1: 16_384, 2: 8192 } as const
/** Additions to the sums of runs in one slice. */
const SLICE_RUNS = 16_384

export interface SumOptions {
  /** Of the scalar that belongs to the first point of the set. */
  readonly offset?: number
  /** Only these digits of the scalars, counted from 0: from the first to before the last. */
  readonly windows?: readonly [number, number]
  /** Bits of a digit. */
  readonly width?: number
  /** Of the result. */
  readonly form?: NumberForm
}

/** How many windows there are for digits of `width` bits. */
export function windowCount(width: number): number {
  return Math.ceil(SCALAR_BITS / width)
}

/**
 * The width that costs least: each point six products per window, each bucket twice as many. Measured times follow it closely.
 */
export function widthFor(count: number): number {
  let best = MIN_WIDTH
  const costOf = (width: number): number => windowCount(width) * (count + 2 * 2 ** (width - 1))
  for (let width = MIN_WIDTH; width <= MAX_WIDTH; width++) if (costOf(width) < costOf(best)) best = width
  return best
}

interface Plan {
  readonly group: Group
  readonly width: number
  readonly first: number
  readonly last: number
  /** Of one window. */
  readonly buckets: number
  /** Of one window; each has `runLength` buckets. */
  readonly runs: number
  readonly runLength: number
}

/**
 * The sum of `scalars[offset + i] * points[i]`, affine, as bytes.
 * @throws CodexError `field/wrong-size` where there are fewer scalars than points, or windows that are not, `field/out-of-memory`
 */
export function* sumOfProducts(
  parts: KernelParts,
  points: PointSet,
  scalars: ScalarSet,
  { offset = 0, width = widthFor(points.finite), windows = [0, windowCount(width)], form = 'plain' }: SumOptions,
): Sliced<Uint8Array> {
  checkRange(points, scalars, offset)
  const plan = planOf(points.group, width, windows)
  const size = residentBytes(plan.group)
  const count = plan.last - plan.first
  const sizes = [
    size * plan.buckets * count,
    2 * size * plan.runs * count + 2 * size * count + 2 * size,
    pointBytes(plan.group) * 2,
  ]
  return yield* lending(parts, sizes, function* (buckets = 0, runs = 0, output = 0) {
    const { exports, heap } = parts
    exports.clearPoints(plan.group, buckets, plan.buckets * count)
    yield* fillBuckets(parts, points, { scalars, offset }, plan, buckets)
    const sum = yield* sumBuckets(parts, plan, buckets, runs)
    exports.leavePoints(plan.group, sum, 1, output, flag(form === 'file'))
    return heap.bytes.slice(output, output + pointBytes(plan.group))
  })
}

function checkRange(points: PointSet, scalars: ScalarSet, offset: number): void {
  if (Number.isSafeInteger(offset) && offset >= 0 && offset + points.count <= scalars.count) return
  throw new CodexError(
    'field/wrong-size',
    `expected a scalar for each of ${points.count} points from ${offset} on, found ${scalars.count}`,
    { detail: { offset, points: points.count, scalars: scalars.count } },
  )
}

function planOf(group: Group, width: number, [first, last]: readonly [number, number]): Plan {
  assert(Number.isInteger(width) && width >= MIN_WIDTH && width <= MAX_WIDTH, 'digits have from 2 to 15 bits')
  if (!(Number.isInteger(first) && Number.isInteger(last) && first >= 0 && first < last && last <= windowCount(width)))
    throw new CodexError(
      'field/wrong-size',
      `expected windows from 0 to ${windowCount(width)}, found ${first} to ${last}`,
      { detail: { first, last, windows: windowCount(width) } },
    )
  const buckets = 2 ** (width - 1)
  const runLength = 2 ** Math.ceil((width - 1) / 2)
  return { group, width, first, last, buckets, runLength, runs: buckets / runLength }
}

/** Window by window: sorts, then sums what falls into each bucket. */
function* fillBuckets(
  parts: KernelParts,
  points: PointSet,
  { scalars, offset }: { readonly scalars: ScalarSet; readonly offset: number },
  plan: Plan,
  buckets: number,
): Sliced<void> {
  const { exports } = parts
  const { group, width } = plan
  const size = residentBytes(group)
  const slice = SLICE_ENTRIES[group]
  const sizes = [4 * (plan.buckets + 3), 4 * (points.finite + 1), 4 * (2 * slice + 1), 12 * slice, size * slice]
  yield* lending(parts, sizes, function* (bounds = 0, entries = 0, list = 0, segments = 0, sums = 0) {
    for (let window = plan.first; window < plan.last; window++) {
      // Another sum may have recoded them between two slices.
      scalars.recode(width)
      const isTop = flag(window === windowCount(width) - 1)
      const { indices, finite } = points
      const from = scalars.address + 32 * offset
      const total = exports.sortWindow(
        group,
        points.points,
        indices,
        finite,
        from,
        width,
        window,
        isTop,
        bounds,
        entries,
      )
      const target = buckets + size * plan.buckets * (window - plan.first)
      yield
      let place = 0
      for (let first = 0; first < total; first += slice) {
        const last = Math.min(first + slice, total)
        place = exports.sumEntries(group, first, last, place, bounds, entries, target, list, segments, sums)
        yield
      }
    }
  })
}

/** Each window's buckets times their digits, and the windows together. Returns the address of the result. */
function* sumBuckets(parts: KernelParts, plan: Plan, buckets: number, areas: number): Sliced<number> {
  const { exports } = parts
  const { group, runs, runLength, width } = plan
  const size = residentBytes(group)
  const count = plan.last - plan.first
  const sums = areas
  const totals = sums + size * runs * count
  const outerSums = totals + size * runs * count
  const outerTotals = outerSums + size * count
  const result = outerTotals + size * count
  exports.clearPoints(group, areas, 2 * runs * count + 2 * count)
  const stepsPerSlice = Math.max(1, Math.floor(SLICE_RUNS / (2 * runs * count * group)))
  for (let index = runLength - 1, step = 1; index >= 0; index--, step++) {
    exports.sumRuns(group, buckets, runs * count, runLength, index, sums, totals)
    if (step % stepsPerSlice === 0) yield
  }
  // A bucket of run r counts runLength * r times more than its place in the run says.
  for (let index = runs - 1; index > 0; index--) {
    exports.sumRuns(group, sums, count, runs, index, outerSums, outerTotals)
    if (index % 64 === 0) yield
  }
  exports.foldRuns(group, totals, count, runs)
  exports.double(group, outerTotals, 1, count, Math.log2(runLength))
  exports.addStrided(group, totals, runs, outerTotals, 1, count)
  yield
  exports.joinWindows(group, totals, runs, count, width, result)
  yield
  if (plan.first > 0) exports.double(group, result, 1, 1, width * plan.first)
  return result
}
