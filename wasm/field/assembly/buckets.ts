// Multi-scalar multiplication by buckets: sorts the points of one window by their digits, sums each bucket as a tree of batched
// additions, and sums the buckets times their digits. It keeps only where it stands in a window; the loader says what is next.
//
// Bucket b of a window, from 0, holds the sum of the points whose digit is b + 1. An entry is a point's address, with its lowest
// bit set where the digit is negative.

import { digitOf } from './digits.ts'
import { addPair, addTo, copyPoint, flush, isInfinite, pointBytes, setInfinite } from './pointbatch.ts'

/**
 * Sorts by counting. `bounds` gets the place of each bucket's first entry and behind them the number of entries; there is room
 * for one more than buckets and that.
 * @param indices of the scalars, one per point
 * @returns the number of entries: points whose digit is not zero
 */
export function sortWindow(
  group: usize,
  points: usize,
  indices: usize,
  count: usize,
  scalars: usize,
  width: u32,
  window: u32,
  isTop: bool,
  bounds: usize,
  entries: usize,
): u32 {
  const buckets: usize = (<usize>1) << (width - 1)
  const size = pointBytes(group)
  memory.fill(bounds, 0, 4 * (buckets + 2))
  for (let i: usize = 0; i < count; i++) {
    const digit = digitOf(scalars + 32 * load<u32>(indices + 4 * i), width, window, isTop)
    if (digit == 0) continue
    const place = bounds + 4 * abs(digit)
    store<u32>(place, load<u32>(place, 4) + 1, 4)
  }
  // Counts stand two places further than their buckets, so that after the next loop each bound is its bucket's own.
  let total: u32 = 0
  for (let at = bounds, end = bounds + 4 * (buckets + 2); at < end; at += 4) {
    total += load<u32>(at)
    store<u32>(at, total)
  }
  for (let i: usize = 0; i < count; i++) {
    const digit = digitOf(scalars + 32 * load<u32>(indices + 4 * i), width, window, isTop)
    if (digit == 0) continue
    const place = bounds + 4 * abs(digit)
    const position = load<u32>(place)
    store<u32>(place, position + 1)
    store<u32>(entries + 4 * position, (<u32>(points + size * i)) | u32(digit < 0))
  }
  return total
}

export function clearPoints(group: usize, points: usize, count: usize): void {
  const size = pointBytes(group)
  for (let i: usize = 0; i < count; i++) setInfinite(points + size * i)
}

/**
 * Sums entries `first` to `last`, in order of buckets, into their buckets.
 * @param place bucket to begin with: where the call before ended, at first 0
 * @param list room for twice as many entries as there are, and one
 * @param segments room for three numbers of four bytes for each
 * @param sums room for as many points
 * @returns the bucket that the last entry is in
 */
export function sumEntries(
  group: usize,
  first: usize,
  last: usize,
  place: usize,
  bounds: usize,
  entries: usize,
  buckets: usize,
  list: usize,
  segments: usize,
  sums: usize,
): usize {
  const size = pointBytes(group)
  let bucket = place
  let end = segments
  let listed = list
  for (let at = first; at < last; bucket++) {
    const bound: usize = load<u32>(bounds + 4 * (bucket + 1))
    const stop = bound < last ? bound : last
    if (stop > at) {
      store<u32>(end, <u32>(buckets + size * bucket))
      store<u32>(end, <u32>listed, 4)
      const begin = listed
      if (!isInfinite(buckets + size * bucket)) {
        store<u32>(listed, <u32>(buckets + size * bucket))
        listed += 4
      }
      memory.copy(listed, entries + 4 * at, 4 * (stop - at))
      listed += 4 * (stop - at)
      store<u32>(end, <u32>((listed - begin) >> 2), 8)
      end += 12
      at = stop
    }
    if (stop < bound) break
  }
  let free = sums
  let isDone = false
  while (!isDone) {
    isDone = true
    for (let segment = segments; segment < end; segment += 12) {
      const count = load<u32>(segment, 8)
      if (count < 2) continue
      free = sumPairs(group, load<u32>(segment, 4), count, free)
      store<u32>(segment, (count + 1) >> 1, 8)
      if (count > 2) isDone = false
    }
    flush(group)
  }
  for (let segment = segments; segment < end; segment += 12)
    copyPoint(group, load<u32>(segment), load<u32>(load<u32>(segment, 4)))
  return bucket
}

/** Nothing anyone reads: what was loaded early has to go somewhere, or the compiler leaves the loads out. */
let touched: u32 = 0

/** Halves a list of entries in place. Returns the first place for a sum that is still free. */
function sumPairs(group: usize, list: usize, count: u32, sums: usize): usize {
  let free = sums
  const size = pointBytes(group)
  let to = list
  const end = list + 4 * (count & ~1)
  for (let from = list; from < end; from += 8) {
    const a: usize = load<u32>(from)
    const b: usize = load<u32>(from, 4)
    let sum: usize
    if (isInfinite(a)) sum = b
    else if (isInfinite(b)) sum = a
    else {
      sum = free
      free += size
      // Points lie anywhere, and this loop is short enough for many loads at once: by the time the batch is added they are in the
      // caches. Their beginnings were asked for above, their other ends are here.
      touched ^= load<u32>((a & ~7) + size - 8) ^ load<u32>((b & ~7) + size - 8)
      addPair(group, a, b, sum)
    }
    store<u32>(to, <u32>sum)
    to += 4
  }
  if (count & 1) store<u32>(to, load<u32>(end))
  return free
}

/**
 * One step of the sums over many runs of `length` buckets: adds bucket `index` of every run to its `sums`, and that to its
 * `totals`. From the last index to the first, `totals` ends as the sum of the buckets times their index, counted from 1.
 */
export function sumRuns(
  group: usize,
  buckets: usize,
  runs: usize,
  length: usize,
  index: usize,
  sums: usize,
  totals: usize,
): void {
  const size = pointBytes(group)
  for (let run: usize = 0; run < runs; run++) addTo(group, sums + size * run, buckets + size * (length * run + index))
  flush(group)
  for (let run: usize = 0; run < runs; run++) addTo(group, totals + size * run, sums + size * run)
  flush(group)
}

/** Sums each of `runs` runs of `length` points, a power of two, into its first point. */
export function foldRuns(group: usize, points: usize, runs: usize, length: usize): void {
  const size = pointBytes(group)
  for (let half = length >> 1; half > 0; half >>= 1) {
    for (let run: usize = 0; run < runs; run++)
      for (let i: usize = 0; i < half; i++) {
        const at = points + size * (length * run + i)
        addTo(group, at, at + size * half)
      }
    flush(group)
  }
}

/** Adds `count` points that lie a stride apart to others; strides in points. */
export function addStrided(
  group: usize,
  to: usize,
  toStride: usize,
  from: usize,
  fromStride: usize,
  count: usize,
): void {
  const size = pointBytes(group)
  for (let i: usize = 0; i < count; i++) addTo(group, to + size * toStride * i, from + size * fromStride * i)
  flush(group)
}

/** Doubles `count` points, a stride of points apart, `times` times. */
export function double(group: usize, points: usize, stride: usize, count: usize, times: u32): void {
  const size = pointBytes(group)
  for (let time: u32 = 0; time < times; time++) {
    for (let i: usize = 0; i < count; i++) {
      const point = points + size * stride * i
      addTo(group, point, point)
    }
    flush(group)
  }
}

/** The sum of the windows' sums, a stride of points apart, each worth 2^width of the one before; to `to`. */
export function joinWindows(group: usize, sums: usize, stride: usize, count: usize, width: u32, to: usize): void {
  const size = pointBytes(group)
  setInfinite(to)
  for (let i = count; i-- > 0;) {
    double(group, to, 1, 1, width)
    addTo(group, to, sums + size * stride * i)
    flush(group)
  }
}
