// How many columns a program takes at a time. Measured, not derived.

import { GROUP_BYTES } from './leopardshape.ts'

/** Rows of a slice should stay in the second cache: of 1 MiB where this was measured, of 256 KiB nearly anywhere. */
const ROWS_BYTES = 256 * 1024
/** Wider slices gain nothing; narrower ones spend their time in calls. */
const MAX_WIDTH_BYTES = 16 * 1024

/** An odd multiple of 64 bytes, so that rows do not all begin in the same sets of the cache. */
export function sliceWidth(rows: number): number {
  const groups = Math.floor(Math.min(MAX_WIDTH_BYTES, ROWS_BYTES / rows) / GROUP_BYTES)
  return GROUP_BYTES * (groups % 2 === 0 ? Math.max(1, groups - 1) : groups)
}
