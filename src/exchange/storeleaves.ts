// The ordinary sink of a fetch: blocks and their leaves into the RepoStore, so that they can be served on with their proofs.

import type { Seconds } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import type { RepoStore } from '../storage/repostore.ts'
import type { LeafSink } from './fetchleaves.ts'

/**
 * Blocks first, then their leaves: a leaf never names a block that is not there. The commit of the leaves is the strict one, and makes the blocks
 * before it durable; what a power cut takes between the two is fetched again.
 */
export function storeLeaves(
  repo: Pick<RepoStore, 'putMany' | 'putLeaves' | 'defaultExpiry'>,
  treeCid: Cid,
  leafCount: number,
  { expiry }: { readonly expiry?: Seconds | undefined } = {},
): LeafSink {
  return async (leaves) => {
    const blocks = leaves.map(({ block }) => block)
    await repo.putMany(blocks, { expiry: expiry ?? repo.defaultExpiry(), durability: 'relaxed' })
    const entries = leaves.map(({ index, block, proof }) => ({ index, blockCid: block.cid, path: proof.path }))
    await repo.putLeaves(treeCid, leafCount, entries)
  }
}
