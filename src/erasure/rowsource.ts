// The seam for rows that the store does not have: whoever can get blocks of a protected dataset, from peers say. It decides nothing and stores nothing.

import type { AbortOptions } from '../lib/abort.ts'
import type { Cid } from '../protocol/cid.ts'
import type { VerifiedBlock } from '../storage/verifiedblock.ts'

export interface RowSource {
  /**
   * The blocks at these places of a tree, in order, each one proven to stand there; undefined for one that nobody has. Called again for other places
   * of the same step where some are undefined, never twice for one. The empty block may come without bytes.
   * @throws the signal's reason; anything else ends the work as well
   */
  blocks(tree: Cid, indices: readonly number[], options: AbortOptions): Promise<readonly (VerifiedBlock | undefined)[]>
  /**
   * One leaf with its proof, after all blocks were asked for; undefined where nobody has it.
   * @throws as `blocks`
   */
  leaf?(
    tree: Cid,
    index: number,
    options: AbortOptions,
  ): Promise<{ readonly digest: Uint8Array; readonly path: readonly Uint8Array[] } | undefined>
}
