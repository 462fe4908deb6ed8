// How many columns a program takes at a time.

import { GROUP_BYTES } from './leopardshape.ts'

/** Rows of a slice should stay in the second cache, with room to spare: it has 256 KiB or more nearly anywhere. */
const ROWS_BYTES = 128 * 1024
/** Wider slices gain nothing; narrower ones spend their time in calls. */
const MAX_WIDTH_BYTES = 16 * 1024

/** An odd multiple of 64 bytes, so that rows do not all begin in the same sets of the cache. */
export function sliceWidth(rows: number): number {
  const groups = Math.floor(Math.min(MAX_WIDTH_BYTES, ROWS_BYTES / rows) / GROUP_BYTES)
  return GROUP_BYTES * (groups % 2 === 0 ? Math.max(1, groups - 1) : groups)
}
