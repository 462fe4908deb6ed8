// Keeps what there is of a dataset until a later time: its blocks, and the manifest last.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Seconds } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import type { Manifest } from '../protocol/manifest.ts'
import { blocksCount } from '../protocol/manifest.ts'
import { haveBlocks } from './findblocks.ts'
import type { RepoStore } from './repostore.ts'
import { RECORDS_PER_PAGE } from './storeparts.ts'

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
  let prolonged = 0
  for (let first = 0; first < total; first += RECORDS_PER_PAGE) {
    signal.throwIfAborted()
    const indices = Array.from({ length: Math.min(RECORDS_PER_PAGE, total - first) }, (_, i) => first + i)
    prolonged += await prolongBlocks(repo, manifest.treeCid, indices, expiry)
  }
  await repo.ensureExpiry([cid], expiry)
  return { prolongedBlocks: prolonged, missingBlocks: total - prolonged }
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
