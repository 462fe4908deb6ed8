// Keeps what there is of a dataset until a later time: its blocks, and the manifest last.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Seconds } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import type { Manifest } from '../protocol/manifest.ts'
import { blocksCount } from '../protocol/manifest.ts'
import { haveBlocks } from './findblocks.ts'
import type { LeafRange } from './presentleaves.ts'
import { presentLeaves } from './presentleaves.ts'
import type { RepoStore } from './repostore.ts'
import { checkExpiry } from './repostore.ts'

/** Blocks of the dataset that are kept until then, and those the store does not have. */
export interface Prolonged {
  readonly prolongedBlocks: number
  readonly missingBlocks: number
}

/**
 * Data reference §12.3, and the manifest itself, which the reference leaves to expire. Never shortens. The blocks come first, so that a manifest
 * that is kept never names blocks that were let go meanwhile.
 * @throws CodexError `store/bad-expiry`, `store/block-missing` for the manifest, `store/corrupted-record`, the signal's reason; what was kept longer by then
 * stays so
 */
export async function prolongDataset(
  repo: RepoStore,
  cid: Cid,
  manifest: Manifest,
  expiry: Seconds,
  { signal }: AbortOptions,
): Promise<Prolonged> {
  const total = blocksCount(manifest)
  const prolonged = await prolongLeaves(repo, manifest.treeCid, { first: 0, end: total }, expiry, { signal })
  await repo.ensureExpiry([cid], expiry)
  return { prolongedBlocks: prolonged, missingBlocks: total - prolonged }
}

/**
 * The same for the blocks at some places of a tree alone.
 * @returns how many there are
 * @throws CodexError `store/bad-expiry`, the signal's reason; what was kept longer by then stays so
 */
export async function prolongLeaves(
  repo: RepoStore,
  tree: Cid,
  range: LeafRange,
  expiry: Seconds,
  { signal }: AbortOptions,
): Promise<number> {
  checkExpiry(expiry)
  let prolonged = 0
  for await (const indices of presentLeaves(repo, tree, range, { signal }))
    prolonged += await prolongBlocks(repo, tree, indices, expiry)
  return prolonged
}

async function prolongBlocks(repo: RepoStore, tree: Cid, indices: readonly number[], expiry: Seconds): Promise<number> {
  for (;;) {
    const here = await haveBlocks(repo, tree, indices)
    const held = indices.filter((_, i) => here[i])
    const cids = (await repo.getLeaves(tree, held)).filter((cid) => cid !== undefined)
    try {
      await repo.ensureExpiry(cids, expiry)
      return cids.length
    } catch (error) {
      // One of them went since we looked; then it is not counted the next time.
      if (!CodexError.is(error, 'store/block-missing')) throw error
    }
  }
}
