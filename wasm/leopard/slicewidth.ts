// How many columns a program takes at a time.

import { GROUP_BYTES } from './leopardshape.ts'

/** Rows of a slice should stay in the second cache, with room to spare: it has 256 KiB or more nearly anywhere. */
const NEAR_BYTES = 128 * 1024
/** What codes of very many rows may take instead, before their slices get narrow; bounds the memory of all codes. */
const FAR_BYTES = 4 * 1024 * 1024
/** Wider slices gain nothing. */
const MAX_WIDTH_BYTES = 16 * 1024
/** Narrower slices spend their time in calls for row after row. */
const MIN_WIDTH_BYTES = 1024

/** An odd multiple of 64 bytes, so that rows do not all begin in the same sets of the cache. */
export function sliceWidth(rows: number): number {
  const near = Math.min(MAX_WIDTH_BYTES, NEAR_BYTES / rows)
  const width = Math.max(near, Math.min(MIN_WIDTH_BYTES, FAR_BYTES / rows))
  const groups = Math.floor(width / GROUP_BYTES)
  return GROUP_BYTES * (groups % 2 === 0 ? Math.max(1, groups - 1) : groups)
}
