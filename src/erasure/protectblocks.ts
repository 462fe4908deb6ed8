// The long part of protecting: original blocks -> parity -> leaves of the protected tree. While some steps are read others are encoded, hashed
// and stored. It makes no dataset: the manifest and the commit that counts are its caller's.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import { mapBounded } from '../lib/mapbounded.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import { DIGEST_BYTES } from '../protocol/cid.ts'
import type { PlainManifest } from '../protocol/manifest.ts'
import type { MerkleTree } from '../protocol/merkletree.ts'
import { findBlocks } from '../storage/findblocks.ts'
import { firstMissingLeaf } from '../storage/presentleaves.ts'
import { PUT_GROUP_BYTES } from '../storage/putgatherer.ts'
import type { RepoStore } from '../storage/repostore.ts'
import type { VerifiedBlock } from '../storage/verifiedblock.ts'
import { EMPTY_BLOCK, hashBlocks } from '../storage/verifiedblock.ts'
import type { Rank } from '../workers/rankqueue.ts'
import type { CodeLayout } from './codelayout.ts'
import { isPadding } from './codelayout.ts'
import type { Erasure } from './erasure.ts'
import { treeOver } from './treeover.ts'

/** Groups of steps under way at once: one is read or encoded, one is stored, and one is there when a worker has nothing to do. */
export const GROUPS_IN_FLIGHT = 3

/** All rows of some neighbouring steps. */
export interface ProtectedSteps {
  readonly firstStep: number
  /** `rows[r][i]` is the block of row r and step `firstStep + i`; padding is the empty block. */
  readonly rows: readonly (readonly VerifiedBlock[])[]
}

export interface ProtectBlocksOptions extends AbortOptions {
  readonly rank: Rank
  /** The leaves of the protected tree are stored under this number. */
  readonly treeId: number
  /** Every block is kept at least until then, those of the original data too. */
  readonly expiry: Seconds
  /** What else is to be done with the blocks while they are in memory; waited for. Called for several groups at a time. */
  readonly visit: (steps: ProtectedSteps) => Promise<void>
}

/**
 * Data reference §5.1. Memory holds {@link GROUPS_IN_FLIGHT} groups of steps of at most {@link PUT_GROUP_BYTES} (or one step each), and 32 bytes for each
 * block. Commits are relaxed, for the strict one that makes a dataset of it comes last.
 * @returns the tree over all blocks, parity and padding included
 * @throws CodexError `dataset/block-missing` and `dataset/block-damaged` naming the index, as `RepoStore.putMany`, `erasure/*`, `worker/*`, what `visit`
 * throws, the signal's reason; what was stored by then stays under the number
 */
export async function protectBlocks(
  { repo, erasure }: { readonly repo: RepoStore; readonly erasure: Erasure },
  manifest: PlainManifest,
  layout: CodeLayout,
  options: ProtectBlocksOptions,
): Promise<MerkleTree> {
  // How many blocks there are only the manifest says: nothing is made room for that is not here.
  const all = { first: 0, end: layout.originalBlocks }
  const missing = await firstMissingLeaf(repo, manifest.treeCid, all, options)
  if (missing !== undefined) {
    const [how] = await findBlocks(repo, manifest.treeCid, [missing], manifest.blockSize)
    if (how === 'missing' || how === 'damaged') throw notThere(how, missing, manifest.treeCid.toString())
  }
  const digests = new Uint8Array(layout.totalBlocks * DIGEST_BYTES)
  await mapBounded(stepGroups(layout.steps, layout.rows, manifest.blockSize), GROUPS_IN_FLIGHT, async (group) => {
    options.signal.throwIfAborted()
    const data = await readData(repo, manifest, layout, group)
    const parity = await encode({ repo, erasure }, manifest.blockSize, layout, data, options)
    const rows = [...data, ...parity]
    const indices = rows.flatMap((row, r) => row.map((_, i) => r * layout.steps + group.firstStep + i))
    const blocks = rows.flat()
    const store = (): Promise<unknown> =>
      repo.putMany(blocks, {
        expiry: options.expiry,
        leaves: { treeId: options.treeId, indices },
        durability: 'relaxed',
      })
    // Not Promise.all: when one fails the other must not go on behind the caller's back.
    await mapBounded([store, () => options.visit({ firstStep: group.firstStep, rows })], 2, (act) => act())
    blocks.forEach(({ cid }, i) => digests.set(cid.digest, (indices[i] as number) * DIGEST_BYTES))
  })
  return treeOver(digests, options)
}

/** Neighbouring steps that are worked on together. */
export interface StepGroup {
  readonly firstStep: number
  readonly count: number
}

/** All steps, in groups of which `rows` blocks a step fit into one put. */
export function stepGroups(steps: number, rows: number, blockSize: Bytes): StepGroup[] {
  const perGroup = Math.max(1, Math.floor(PUT_GROUP_BYTES / (rows * blockSize)))
  return Array.from({ length: Math.ceil(steps / perGroup) }, (_, i) => ({
    firstStep: i * perGroup,
    count: Math.min(perGroup, steps - i * perGroup),
  }))
}

async function readData(
  repo: RepoStore,
  { treeCid, blockSize }: PlainManifest,
  layout: CodeLayout,
  { firstStep, count }: StepGroup,
): Promise<VerifiedBlock[][]> {
  const places = Array.from({ length: layout.ecK * count }, (_, i) => {
    const row = Math.floor(i / count)
    return row * layout.steps + firstStep + (i % count)
  })
  const indices = places.filter((index) => !isPadding(layout, index))
  const found = await findBlocks(repo, treeCid, indices, blockSize)
  const blocks = new Map<number, VerifiedBlock>()
  for (const [i, index] of indices.entries()) {
    const block = found[i] ?? 'missing'
    if (block === 'missing' || block === 'damaged') throw notThere(block, index, treeCid.toString())
    blocks.set(index, block)
  }
  return Array.from({ length: layout.ecK }, (_, row) =>
    places.slice(row * count, (row + 1) * count).map((index) => blocks.get(index) ?? EMPTY_BLOCK),
  )
}

async function encode(
  { repo, erasure }: { readonly repo: RepoStore; readonly erasure: Erasure },
  blockSize: Bytes,
  { ecK, ecM, rows }: CodeLayout,
  data: readonly (readonly VerifiedBlock[])[],
  { rank, signal }: ProtectBlocksOptions,
): Promise<VerifiedBlock[][]> {
  if (ecM === 0) return []
  const zeros = new Uint8Array(blockSize)
  const steps = (data[0] ?? []).map((_, i) =>
    data.map((row) => {
      const { bytes } = row[i] as VerifiedBlock
      return bytes.length === 0 ? zeros : bytes
    }),
  )
  const all = Array.from({ length: rows }, (_, row) => row)
  const pattern = { dataCount: ecK, parityCount: ecM, given: all.slice(0, ecK), wanted: all.slice(ecK) }
  const computed = await erasure.compute(pattern, steps, { rank, signal })
  const byRow = pattern.wanted.flatMap((_, j) => computed.map((step) => step[j] as Uint8Array))
  const blocks = await hashBlocks(repo.parts.hasher, byRow)
  return pattern.wanted.map((_, j) => blocks.slice(j * steps.length, (j + 1) * steps.length))
}

function notThere(how: 'missing' | 'damaged', index: number, tree: string): CodexError {
  const what = how === 'missing' ? 'is not in the store' : 'is damaged on disk'
  return new CodexError(`dataset/block-${how}`, `block ${index} of the dataset ${what}: store the file again`, {
    detail: { index, treeCid: tree },
  })
}
