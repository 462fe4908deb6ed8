// The original dataset out of a protected one, whatever K rows of each step are here: it becomes a dataset of its own in the store.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import { mapBounded } from '../lib/mapbounded.ts'
import type { Seconds } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import { DIGEST_BYTES, equalCids } from '../protocol/cid.ts'
import { plainManifest } from '../protocol/describeupload.ts'
import type { PlainManifest, ProtectedManifest, VerifiableManifest } from '../protocol/manifest.ts'
import { treeCid } from '../protocol/merkletree.ts'
import type { HeldTrees } from '../storage/heldtrees.ts'
import { treesOf } from '../storage/treeholder.ts'
import { nodeChanges } from '../storage/treenodes.ts'
import type { Rank } from '../workers/rankqueue.ts'
import { layoutOf } from './codelayout.ts'
import { stepGroups } from './protectblocks.ts'
import type { RecoverParts } from './recoversteps.ts'
import { recoverSteps, requireRows } from './recoversteps.ts'
import { treeOver } from './treeover.ts'

/** Groups of steps under way at once: one is read and decoded while the other is stored. Nothing here waits for a computation, so more only costs memory. */
const GROUPS_IN_FLIGHT = 2

export interface DecodeOptions extends AbortOptions {
  readonly rank: Rank
  /** Of the blocks and the manifest. */
  readonly expiry: Seconds
  /** Called with the number of blocks done since the last call. */
  readonly advance: (blocks: number) => void
}

export interface DecodedDataset {
  /** Of the plain manifest. */
  readonly cid: Cid
  readonly manifest: PlainManifest
  readonly blocks: number
  /** Those of them that were computed, because the store did not have them. */
  readonly recoveredBlocks: number
}

/**
 * Data reference §5.2. All in one commit at the end, as an upload.
 * @throws CodexError `erasure/too-few-rows` naming the step, `erasure/wrong-original-tree`, as `RepoStore.putMany`, the signal's reason: nothing is
 * stored then
 */
export async function decodeDataset(
  { trees, ...parts }: RecoverParts & { readonly trees: HeldTrees },
  manifest: ProtectedManifest | VerifiableManifest,
  options: DecodeOptions,
): Promise<DecodedDataset> {
  const layout = layoutOf(manifest)
  const { filename, mimetype, originalTreeCid, originalDatasetSize } = manifest
  const rows = Array.from({ length: layout.ecK }, (_, row) => row)
  await requireRows(parts.repo, manifest, rows, options)
  return trees.grow(options, async (growth) => {
    const own = { ...options, signal: growth.signal }
    const treeId = await growth.begin()
    const digests = new Uint8Array(layout.originalBlocks * DIGEST_BYTES)
    let recoveredBlocks = 0
    await mapBounded(stepGroups(layout.steps, layout.ecK, manifest.blockSize), GROUPS_IN_FLIGHT, async (group) => {
      growth.signal.throwIfAborted()
      const steps = await recoverSteps(parts, manifest, rows, group, own)
      const found = steps.flat().filter(({ index }) => index < layout.originalBlocks)
      const indices = found.map(({ index }) => index)
      await parts.repo.putMany(
        found.map(({ block }) => block),
        { expiry: options.expiry, leaves: { treeId, indices }, durability: 'relaxed' },
      )
      for (const { index, block, isRebuilt } of found) {
        digests.set(block.cid.digest, index * DIGEST_BYTES)
        if (isRebuilt) recoveredBlocks++
      }
      options.advance(found.length)
    })
    const tree = await treeOver(digests, growth)
    if (!equalCids(treeCid(tree.root), originalTreeCid)) throw wrongTree(originalTreeCid, treeCid(tree.root))
    const plain = plainManifest(originalTreeCid, originalDatasetSize, {
      ...(filename !== undefined && { filename }),
      ...(mimetype !== undefined && { mimetype }),
    })
    await growth.store(nodeChanges(treeId, tree))
    const grown = { treeId, cid: originalTreeCid, leafCount: tree.leafCount }
    const [cid] = await growth.finish([grown], [{ manifest: plain, holds: treesOf(plain) }], options.expiry)
    return { cid: cid as Cid, manifest: plain, blocks: tree.leafCount, recoveredBlocks }
  })
}

function wrongTree(expected: Cid, found: Cid): CodexError {
  return new CodexError(
    'erasure/wrong-original-tree',
    `expected the decoded blocks to be those of tree ${expected}, found tree ${found}: the manifest's parts do not belong together`,
    { detail: { expected: String(expected), found: String(found) } },
  )
}
