// Repairing one slot: what is missing of it is computed from any K rows of each step, and counts once the slot's root has come out right.

import { layoutOf } from '../erasure/codelayout.ts'
import { GROUPS_IN_FLIGHT, stepGroups } from '../erasure/protectblocks.ts'
import type { RowSource } from '../erasure/rowsource.ts'
import { recoverSteps, requireRows } from '../erasure/recoversteps.ts'
import { mapBounded } from '../lib/mapbounded.ts'
import type { Cid } from '../protocol/cid.ts'
import { blocksCount } from '../protocol/manifest.ts'
import type { VerifiedBlock } from '../storage/verifiedblock.ts'
import { adoptLeaves } from '../storage/adoptleaves.ts'
import { prolongLeaves } from '../storage/prolongdataset.ts'
import type { RepoStore } from '../storage/repostore.ts'
import { RECORDS_PER_PAGE } from '../storage/storeparts.ts'
import { expectTree } from './expecttree.ts'
import { keptUntil } from './keptuntil.ts'
import { loadVerifiable } from './loadmanifest.ts'
import { provePlaces } from './proveplaces.ts'
import { checkSlotIndex, slotRange } from './slotgeometry.ts'
import { SlotsBuilder, checkRoot } from './slotsbuilder.ts'
import { SlotsMeter } from './slotsprogress.ts'
import type { ExpiryOption, HoldingOption, RequestOption, SlotsJob, SlotsParts } from './slotsparts.ts'

export interface SlotRepair {
  readonly index: number
  /** Of the slot. */
  readonly blocks: number
  /** Those of them that were computed, or came from the source, because the store did not have them. */
  readonly rebuiltBlocks: number
}

export interface SourceOption {
  /** Gives rows of other slots that the store does not have; they are not stored. By default only what is here is used. */
  readonly source?: RowSource | undefined
  /** Called with rebuilt blocks and their places before they are stored: who has space set aside for them stores them himself. */
  readonly pay?: ((blocks: readonly VerifiedBlock[], indices: readonly number[]) => Promise<unknown>) | undefined
}

/**
 * Data reference §5.2, last paragraph. Memory holds some groups of K rows, never the dataset. Rebuilt blocks are leaves of a tree of their own until all of
 * the slot is verified; then they take their places. The slot's tree is stored too, where it was missing. With `expiry` all
 * blocks of the slot are kept until then, those that were here too. They are served to others where {@link provePlaces} succeeds.
 * @throws CodexError `erasure/too-few-rows` naming the step, `slots/wrong-root`, `slots/tree-disagrees`, as `loadVerifiable`, `keptUntil` and `RepoStore.putMany`, the signal's reason. No leaf is
 * added then; the bytes of a block whose leaf was there all the time may stay, since they are what it says
 */
export async function repairSlot(
  parts: SlotsParts,
  cid: Cid,
  index: number,
  {
    expiry: wanted,
    merkleRoot,
    source,
    pay,
    holdsDataset = true,
    ...job
  }: SlotsJob & ExpiryOption & RequestOption & HoldingOption & SourceOption,
): Promise<SlotRepair> {
  const { repo, datasets } = parts
  const { manifest, geometry } = await loadVerifiable(parts, cid, { ...job, merkleRoot })
  checkSlotIndex(index, geometry.slotCount)
  await expectTree(repo, manifest)
  // What others have, only asking tells.
  if (source === undefined) await requireRows(repo, manifest, [index], job)
  const expiry = await keptUntil(repo, cid, wanted)
  const { steps, ecK } = layoutOf(manifest)
  return datasets.trees.grow(job, async (growth) => {
    const own = { ...job, signal: growth.signal }
    const builder = new SlotsBuilder(parts, own)
    const meter = new SlotsMeter('repairing', { slots: [index], blocks: steps }, job.progress)
    const treeId = await growth.begin()
    const pieces = new Map<number, Uint8Array>()
    let rebuiltBlocks = 0
    await mapBounded(stepGroups(steps, ecK, manifest.blockSize), GROUPS_IN_FLIGHT, async (group) => {
      growth.signal.throwIfAborted()
      const found = (await recoverSteps({ ...parts, source }, manifest, [index], group, own)).flat()
      // Padding is there without being stored, but perhaps not its leaf.
      const fresh = found.filter(({ block, isRebuilt }) => isRebuilt || block.bytes.length === 0)
      const indices = fresh.map((each) => each.index)
      const blocks = fresh.map(({ block }) => block)
      const store = async (): Promise<void> => {
        await pay?.(blocks, indices)
        await repo.putMany(blocks, { expiry, leaves: { treeId, indices }, durability: 'relaxed' })
      }
      const hash = async (): Promise<void> => {
        const hashes = await builder.hasher.hash(
          found.map(({ block }) => block),
          (from, to) => meter.advanceSlot(0, to - from),
        )
        pieces.set(group.firstStep, hashes)
      }
      await mapBounded([store, hash], 2, (act) => act())
      rebuiltBlocks += found.filter(({ isRebuilt }) => isRebuilt).length
    })
    const nodes = await builder.hasher.nodes(await builder.hasher.leaves(pieces, geometry.paddedBlocks))
    checkRoot(manifest, index, nodes)
    const root = manifest.slotRoots[index] as Cid
    const hasTree = await builder.hasTree(root, geometry.paddedBlocks)
    const trees = hasTree ? [] : [await builder.grow(growth, nodes)]
    const holds = holdsDataset ? [manifest.treeCid, root] : [root]
    // Of a dataset whose rows others have there may be nothing here yet; otherwise it was here a moment ago.
    const leafCount = source === undefined ? undefined : blocksCount(manifest)
    const adopted: number[] = []
    const moved = (indices: readonly number[]): void => void adopted.push(...indices)
    try {
      await adoptLeaves(repo.parts, treeId, manifest.treeCid, { signal: growth.signal, leafCount, moved })
      await provePlaces(repo, manifest, index, { source, signal: growth.signal })
      if (wanted !== undefined) await prolongLeaves(repo, manifest.treeCid, slotRange(manifest, index), wanted, growth)
      await growth.finish(trees, [{ manifest, holds }], expiry)
    } catch (error) {
      await takeBack(repo, manifest.treeCid, adopted)
      throw error
    }
    return { index, blocks: steps, rebuiltBlocks }
  })
}

/** As it was before; places that cannot be taken back now hold true blocks, which the next repair finds. */
async function takeBack(repo: RepoStore, tree: Cid, indices: readonly number[]): Promise<void> {
  try {
    for (let at = 0; at < indices.length; at += RECORDS_PER_PAGE)
      await repo.dropLeaves(tree, indices.slice(at, at + RECORDS_PER_PAGE))
  } catch (error) {
    repo.parts.log.warn('blocks of a slot whose repair failed stay where they are', { error })
  }
}
