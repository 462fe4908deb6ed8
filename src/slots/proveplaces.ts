// The proofs of a slot whose blocks were rebuilt here: they did not come with them as from peers, and without them nobody else can be given the blocks.

import type { RowSource } from '../erasure/rowsource.ts'
import type { AbortOptions } from '../lib/abort.ts'
import { DIGEST_BYTES } from '../protocol/cid.ts'
import type { Cid } from '../protocol/cid.ts'
import type { VerifiableManifest } from '../protocol/manifest.ts'
import { blocksCount } from '../protocol/manifest.ts'
import { putLeafPaths } from '../storage/putleafpaths.ts'
import type { RepoStore } from '../storage/repostore.ts'
import { RECORDS_PER_PAGE } from '../storage/storeparts.ts'
import type { LeafBeside } from './rangeproofs.ts'
import { rangeProofs } from './rangeproofs.ts'
import { slotRange } from './slotgeometry.ts'

/**
 * All blocks of the slot are in the store. Where the leaves beside the slot cannot be had, or the manifest names a tree that is not that of its slots, the slot
 * stays without: it is proven to the contract all the same, and not served.
 * @returns whether it is served from now on
 */
export async function provePlaces(
  repo: RepoStore,
  manifest: VerifiableManifest,
  slot: number,
  { source, signal }: AbortOptions & { readonly source?: RowSource | undefined },
): Promise<boolean> {
  const { treeCid } = manifest
  const { first, end } = slotRange(manifest, slot)
  const leafCount = blocksCount(manifest)
  const digests = await digestsOf(repo, treeCid, { first, end })
  if (digests === undefined) return false
  const beside = async (index: number): Promise<LeafBeside | undefined> =>
    index < 0 || index >= leafCount ? undefined : leafBeside(repo, treeCid, index, { source, signal })
  const [before, behind] = await Promise.all([beside(first - 1), beside(end)])
  const range = { root: treeCid.digest, leafCount, first, digests }
  const pathOf = await rangeProofs(range, { before, behind }, { signal })
  if (pathOf === undefined) {
    repo.parts.log.warn('a rebuilt slot cannot be served: the proofs of the blocks beside it are not to be had', {
      slot,
    })
    return false
  }
  for (let at = first; at < end; at += RECORDS_PER_PAGE) {
    signal.throwIfAborted()
    const indices = Array.from({ length: Math.min(RECORDS_PER_PAGE, end - at) }, (_, i) => at + i)
    await putLeafPaths(
      repo.parts,
      treeCid,
      indices.map((index) => ({ index, path: pathOf(index) })),
    )
  }
  return true
}

async function digestsOf(
  repo: RepoStore,
  tree: Cid,
  { first, end }: { readonly first: number; readonly end: number },
): Promise<Uint8Array | undefined> {
  const digests = new Uint8Array(DIGEST_BYTES * (end - first))
  for (let at = first; at < end; at += RECORDS_PER_PAGE) {
    const indices = Array.from({ length: Math.min(RECORDS_PER_PAGE, end - at) }, (_, i) => at + i)
    for (const [i, leaf] of (await repo.getLeaves(tree, indices)).entries()) {
      if (leaf === undefined) return undefined
      digests.set(leaf.digest, DIGEST_BYTES * (at + i - first))
    }
  }
  return digests
}

async function leafBeside(
  repo: RepoStore,
  tree: Cid,
  index: number,
  { source, signal }: AbortOptions & { readonly source?: RowSource | undefined },
): Promise<LeafBeside | undefined> {
  const [leaf] = await repo.getLeaves(tree, [index])
  const proof = await repo.getProof(tree, index)
  if (leaf !== undefined && proof !== undefined) return { digest: leaf.digest, path: proof.path }
  return source?.leaf?.(tree, index, { signal })
}
