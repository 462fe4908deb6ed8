// Many multiples of one point, from tables of its small multiples: one batched addition per scalar and window. Tables are the loader's.
//
// The table has for each window, from the lowest, the multiples 1 to 2^(width - 1) of 2^(width * window) times the point.

import { digitOf } from './digits.ts'
import { addPair, addTo, copyPoint, flush, isInfinite, pointBytes } from './pointbatch.ts'

/** First of each window's multiples. The point lies at `base`, which is doubled throughout. */
export function tabulateBases(group: usize, base: usize, table: usize, width: u32, windows: u32): void {
  const size = pointBytes(group)
  for (let window: u32 = 0; window < windows; window++) {
    copyPoint(group, table + ((size * window) << (width - 1)), base)
    for (let i: u32 = 0; i < width; i++) {
      addTo(group, base, base)
      flush(group)
    }
  }
}

/** From the first `known` multiples of each window, a power of two, to twice as many. */
export function tabulateMore(group: usize, table: usize, width: u32, windows: u32, known: usize): void {
  const size = pointBytes(group)
  for (let window: u32 = 0; window < windows; window++) {
    const multiples = table + ((size * window) << (width - 1))
    const last = multiples + size * (known - 1)
    for (let i: usize = 0; i < known; i++) {
      const to = multiples + size * (known + i)
      if (isInfinite(last)) copyPoint(group, to, last)
      else addPair(group, last, multiples + size * i, to)
    }
  }
  flush(group)
}

/** Adds one window's multiples to `sums`. */
export function addMultiples(
  group: usize,
  table: usize,
  width: u32,
  window: u32,
  isTop: bool,
  scalars: usize,
  count: usize,
  sums: usize,
): void {
  const size = pointBytes(group)
  const multiples = table + ((size * window) << (width - 1))
  for (let i: usize = 0; i < count; i++) {
    const digit = digitOf(scalars + 32 * i, width, window, isTop)
    if (digit == 0) continue
    addTo(group, sums + size * i, (multiples + size * (abs(digit) - 1)) | usize(digit < 0))
  }
  flush(group)
}
