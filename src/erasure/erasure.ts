// The seam for the erasure code: rows of blocks in, missing rows out, computed elsewhere. It knows no dataset and no slot.

import type { AbortOptions } from '../lib/abort.ts'
import type { Rank } from '../workers/rankqueue.ts'

export interface ErasureOptions extends AbortOptions {
  readonly rank: Rank
}

/** What is the same in all steps of a dataset with the same rows here and the same rows wanted. */
export interface ErasurePattern {
  /** K */
  readonly dataCount: number
  /** M */
  readonly parityCount: number
  /** The K rows that are given, ascending. All data rows when encoding. */
  readonly given: readonly number[]
  /** Rows to compute, none of them given. */
  readonly wanted: readonly number[]
}

/** Data reference §5.3 to §5.6: Leopard, bit for bit. */
export interface Erasure {
  /**
   * Computes the wanted rows of several steps. `steps[s][i]` is the block of row `pattern.given[i]` of step `s`, all of one size; they stay
   * the caller's and unchanged until the promise settles. `[s][j]` of the answer is the block of row `pattern.wanted[j]`.
   * @throws CodexError `erasure/*` for impossible patterns and blocks of unequal size, `worker/*`, the signal's reason
   */
  compute(
    pattern: ErasurePattern,
    steps: readonly (readonly Uint8Array[])[],
    options: ErasureOptions,
  ): Promise<Uint8Array[][]>
}
