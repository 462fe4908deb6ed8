// What transforms cost, so that a coder can tell which way is shorter and how much one call may do. Measured, rounded up.

/** Copying into the kernel's memory or out of it, or adding, with the caches of a machine of half the speed of ours. */
export const NS_PER_BYTE_COPIED = 0.4
/** One row of a butterfly, the same. */
export const NS_PER_BYTE_TRANSFORMED = { 8: 0.2, 16: 0.4 } as const

/** Rows that go through the butterflies of one transform over `size` rows: half of them are multiplied. */
export function rowsTransformed(size: number): number {
  return size * Math.log2(size)
}
