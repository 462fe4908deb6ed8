// The seam for what takes a development setup its time: multiplying the generators by very many numbers. Computed by a kernel for real
// circuits; {@link slowSetupArithmetic} is its slow twin.

import type { AbortOptions } from '../lib/abort.ts'

export type Group = 'g1' | 'g2'

export interface SetupArithmetic {
  /**
   * The generator of `group` times each of `scalars`, in order.
   * @param scalars 32 little-endian bytes each, below the scalar order, one after the other; the caller's, unchanged until the promise
   *   settles
   * @returns 64 or 128 bytes each, as `pointbytes.ts` has them; all zero for the scalar zero
   */
  fixedBaseMany(group: Group, scalars: Uint8Array, options: AbortOptions): Promise<Uint8Array>
}
