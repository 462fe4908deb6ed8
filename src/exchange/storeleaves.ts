// The ordinary sink of a fetch: blocks, their leaves and their proofs into the RepoStore, so that they can be served on.

import type { Seconds } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import type { CommitOptions } from '../storage/datastore.ts'
import type { SetAside } from '../storage/putblocks.ts'
import { putProvenLeaves } from '../storage/putprovenleaves.ts'
import type { RepoStore } from '../storage/repostore.ts'
import type { LeafSink } from './fetchleaves.ts'

export interface StoreLeavesOptions {
  /** Keep them at least until then; the store's time to live by default. */
  readonly expiry?: Seconds | undefined
  /** Pays for what is really added; the free space does when there is none. */
  readonly setAside?: SetAside | undefined
  /** `relaxed` when a later strict commit makes all of it count, such as that of the manifest. */
  readonly durability?: CommitOptions['durability'] | undefined
}

/** @param leafCount leaves of the whole tree */
export function storeLeaves(
  repo: Pick<RepoStore, 'parts' | 'defaultExpiry'>,
  treeCid: Cid,
  leafCount: number,
  { expiry, setAside, durability }: StoreLeavesOptions = {},
): LeafSink {
  return async (leaves) => {
    const until = expiry ?? repo.defaultExpiry()
    const proven = leaves.map(({ index, block, proof }) => ({ index, block, path: proof.path, expiry: until }))
    await putProvenLeaves(repo.parts, treeCid, leafCount, proven, { setAside, durability })
  }
}
