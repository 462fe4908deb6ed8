// Whether a manifest and the store agree on how large the dataset's tree is: the numbers in a foreign manifest are only claims. No leaf is read.

import { CodexError } from '../lib/errors.ts'
import type { ProtectedManifest, VerifiableManifest } from '../protocol/manifest.ts'
import { blocksCount } from '../protocol/manifest.ts'
import type { RepoStore } from '../storage/repostore.ts'
import type { TreeRecord } from '../storage/treerecord.ts'
import { readTreeRecord } from '../storage/treerecord.ts'

type CodedManifest = ProtectedManifest | VerifiableManifest

/** False as well for a tree that is not in the store, and for one whose record is damaged. @throws what the Datastore throws */
export async function hasTreeOf(repo: RepoStore, manifest: CodedManifest): Promise<boolean> {
  return (await leafCountOf(repo, manifest)) === blocksCount(manifest)
}

/** A tree that is not here agrees with everything: its blocks will be missing. @throws CodexError `slots/tree-disagrees`, and what the Datastore throws */
export async function expectTree(repo: RepoStore, manifest: CodedManifest): Promise<void> {
  const [expected, found] = [blocksCount(manifest), await leafCountOf(repo, manifest)]
  if (found === undefined || found === expected) return
  throw new CodexError(
    'slots/tree-disagrees',
    `expected the tree ${manifest.treeCid} to have ${expected} blocks, as the manifest says, found ${found}: the manifest is not genuine`,
    { detail: { treeCid: String(manifest.treeCid), expectedBlocks: expected, foundBlocks: found } },
  )
}

async function leafCountOf(repo: RepoStore, { treeCid }: CodedManifest): Promise<number | undefined> {
  const record = await readTreeRecord(repo.parts.datastore, treeCid).catch((error: unknown): TreeRecord | undefined => {
    // Whoever reads its blocks finds them damaged.
    if (CodexError.is(error, 'store/corrupted-record')) return undefined
    throw error
  })
  return record?.leafCount
}
