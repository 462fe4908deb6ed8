// Builds what proves the slots of a dataset: hashes of stored blocks, slot trees, the verifiable manifest. Whatever it stores counts with one commit
// at the end, or is gone again.

import { CodexError } from '../lib/errors.ts'
import { mapBounded } from '../lib/mapbounded.ts'
import type { Seconds } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import { equalCids } from '../protocol/cid.ts'
import { checkManifest } from '../protocol/checkmanifest.ts'
import type { ProtectedManifest, VerifiableManifest } from '../protocol/manifest.ts'
import { findBlocks } from '../storage/findblocks.ts'
import type { FoundBlock } from '../storage/findblocks.ts'
import type { GrownTree, Growth } from '../storage/heldtrees.ts'
import type { VerifiedBlock } from '../storage/verifiedblock.ts'
import { prolongLeaves } from '../storage/prolongdataset.ts'
import type { LeafRange } from '../storage/presentleaves.ts'
import { firstMissingLeaf } from '../storage/presentleaves.ts'
import { holdersOf } from '../storage/holdersof.ts'
import { treesOf } from '../storage/treeholder.ts'
import { isWholeTree } from '../storage/wholetree.ts'
import { layoutOf } from '../erasure/codelayout.ts'
import { checkVerifiable } from './checkverifiable.ts'
import { expectTree } from './expecttree.ts'
import { ELEMENT_BYTES } from './fieldelements.ts'
import { CELL_SIZE, slotGeometry, slotRange } from './slotgeometry.ts'
import { HASH_BATCH_BLOCKS, SlotHasher, slotRootCid } from './slothasher.ts'
import { growSlotTree } from './slottrees.ts'
import { SlotsMeter } from './slotsprogress.ts'
import type { RequestOption, SlotsJob, SlotsParts } from './slotsparts.ts'

/** Batches of one slot that are read or hashed at once: more than workers need, so that they never wait for the disk. */
const BATCHES_IN_FLIGHT = 4
/** Slots at once: the end of one overlaps with the next; of small ones there are as many as make up for it. */
const MIN_SLOTS_IN_FLIGHT = 2
const MAX_SLOTS_IN_FLIGHT = 8

type CodedManifest = ProtectedManifest | VerifiableManifest

/** Takes the blocks of a batch as they were found; those that are no blocks are not hashed. */
type Inspect = (slot: number, firstBlock: number, found: readonly FoundBlock[]) => void

/** How long what is made stays. */
export interface Keeping {
  /** Of the manifest. */
  readonly expiry: Seconds
  /** Places in the dataset whose blocks are to be kept until then as well (data reference §12.3). */
  readonly keep?: LeafRange | undefined
}

/** For one job. */
export class SlotsBuilder {
  readonly #parts: SlotsParts
  readonly #job: SlotsJob
  readonly #hasher: SlotHasher

  constructor(parts: SlotsParts, job: SlotsJob) {
    this.#parts = parts
    this.#job = job
    this.#hasher = new SlotHasher(parts.poseidon2, job)
  }

  get hasher(): SlotHasher {
    return this.#hasher
  }

  /**
   * A protected dataset that is whole in the store becomes verifiable as well.
   * @throws CodexError `slots/block-missing` and `slots/block-damaged` naming slot and block, `slots/tree-disagrees`, as `Growth.finish`, the signal's reason: nothing is stored then
   */
  async build(
    manifest: ProtectedManifest,
    { expiry, keep, merkleRoot }: Keeping & RequestOption,
  ): Promise<{ cid: Cid; manifest: VerifiableManifest }> {
    await expectTree(this.#parts.repo, manifest)
    return this.#parts.datasets.trees.grow(this.#job, async (growth) => {
      const slots = Array.from({ length: layoutOf(manifest).rows }, (_, slot) => slot)
      const trees = await this.#eachSlot(manifest, slots, growth.signal, (nodes) => this.grow(growth, nodes))
      return this.finish(growth, manifest, trees, { expiry, keep, merkleRoot })
    })
  }

  /**
   * Hashes these slots, compares each with the root that the manifest says, and stores those of their trees that are missing, and the manifest with them.
   * `holds` are trees that stay as long as the manifest, all of which must be here then.
   * @throws CodexError `slots/wrong-root` naming the slot, `slots/tree-disagrees`, `dataset/tree-missing`, and as {@link SlotsBuilder.build}
   */
  async rebuild(
    manifest: VerifiableManifest,
    slots: readonly number[],
    { holds, expiry, keep }: Keeping & { readonly holds: readonly Cid[] },
  ): Promise<void> {
    const { repo, datasets } = this.#parts
    const { paddedBlocks } = slotGeometry(manifest)
    await expectTree(repo, manifest)
    await datasets.trees.grow(this.#job, async (growth) => {
      const trees = await this.#eachSlot(manifest, slots, growth.signal, async (nodes, slot) => {
        checkRoot(manifest, slot, nodes)
        const hasTree = await this.hasTree(manifest.slotRoots[slot] as Cid, paddedBlocks)
        return hasTree ? [] : [await this.grow(growth, nodes)]
      })
      await this.#prolong(manifest, { expiry, keep }, growth)
      await growth.finish(distinctTrees(trees.flat()), [{ manifest, holds }], expiry)
    })
  }

  /** The slots that have to be hashed: their tree is not in the store, not whole, or nothing says that it is one over blocks of this dataset. */
  async unbuilt(manifest: VerifiableManifest): Promise<number[]> {
    const unbuilt: number[] = []
    for (const slot of manifest.slotRoots.keys()) if (!(await this.isBuilt(manifest, slot))) unbuilt.push(slot)
    return unbuilt
  }

  /** Whether hashing it would tell nothing new. */
  async isBuilt(manifest: VerifiableManifest, slot: number): Promise<boolean> {
    const { paddedBlocks } = slotGeometry(manifest)
    const root = manifest.slotRoots[slot]
    return root !== undefined && (await this.hasTree(root, paddedBlocks)) && (await this.#wasChecked(manifest, slot))
  }

  hasTree(root: Cid, paddedBlocks: number): Promise<boolean> {
    return isWholeTree(this.#parts.repo.parts.datastore, root, paddedBlocks, this.#job)
  }

  /**
   * Anybody can write a root into a manifest. But whoever came to hold a slot's tree was compared with it before: where that one says the same of this
   * slot, of the same tree cut the same way, there is nothing left to compare. A root that stands for two slots tells nothing of either.
   */
  async #wasChecked(manifest: VerifiableManifest, slot: number): Promise<boolean> {
    const { repo, datasets } = this.#parts
    const root = manifest.slotRoots[slot] as Cid
    for (const cid of await holdersOf(repo.parts.datastore, root, this.#job)) {
      const holder = await datasets.manifest(cid).catch((error: unknown) => {
        if (CodexError.is(error)) return undefined
        throw error
      })
      if (holder?.kind !== 'verifiable' || !isCutAlike(manifest, holder)) continue
      const places = [...holder.slotRoots.keys()].filter((i) => equalCids(holder.slotRoots[i] as Cid, root))
      if (places.length === 1 && places[0] === slot) return true
    }
    return false
  }

  /** Stores a slot's tree. */
  grow(growth: Growth, nodes: Uint8Array): Promise<GrownTree> {
    return growSlotTree(growth, nodes, leafCountOf(nodes))
  }

  /**
   * Makes the verifiable manifest over the slots' trees and commits it, with the manifests and trees that belong to it.
   * @param trees of all slots, in order
   * `also` is the tree of the protected dataset, when it is new too.
   */
  async finish(
    growth: Growth,
    manifest: ProtectedManifest,
    trees: readonly GrownTree[],
    { also = [], expiry, keep, merkleRoot }: Keeping & RequestOption & { readonly also?: readonly GrownTree[] },
  ): Promise<{ cid: Cid; protectedCid: Cid; manifest: VerifiableManifest }> {
    const slotRoots = trees.map(({ cid }) => cid)
    const verifiable = checkManifest<VerifiableManifest>({
      ...manifest,
      kind: 'verifiable',
      verifyRoot: await this.#hasher.verifyRoot(slotRoots),
      slotRoots,
      cellSize: CELL_SIZE,
      verifiableStrategy: 'linear',
    })
    if (merkleRoot !== undefined) await checkVerifiable(this.#parts.poseidon2, verifiable, { ...this.#job, merkleRoot })
    await this.#prolong(manifest, { expiry, keep }, growth)
    const manifests = [verifiable, manifest].map((each) => ({ manifest: each, holds: treesOf(each) }))
    const [cid, protectedCid] = await growth.finish([...also, ...distinctTrees(trees)], manifests, expiry)
    return { cid: cid as Cid, protectedCid: protectedCid as Cid, manifest: verifiable }
  }

  /**
   * All nodes of a slot's tree from its blocks in the store, each of which has a leaf. Blocks that `inspect` was shown as missing or damaged
   * all the same count as zeros.
   * @param inspect by default: throws at the first such block
   */
  async nodesOf(
    manifest: CodedManifest,
    slot: number,
    signal: AbortSignal,
    advance: (blocks: number) => void,
    inspect: Inspect = refuse(manifest),
  ): Promise<Uint8Array> {
    const { steps } = layoutOf(manifest)
    const pieces = new Map<number, Uint8Array>()
    const starts = Array.from({ length: Math.ceil(steps / HASH_BATCH_BLOCKS) }, (_, i) => i * HASH_BATCH_BLOCKS)
    await mapBounded(starts, BATCHES_IN_FLIGHT, async (first) => {
      signal.throwIfAborted()
      const count = Math.min(HASH_BATCH_BLOCKS, steps - first)
      const indices = Array.from({ length: count }, (_, i) => slot * steps + first + i)
      const found = await findBlocks(this.#parts.repo, manifest.treeCid, indices, manifest.blockSize)
      inspect(slot, first, found)
      const isBlock = (block: FoundBlock): block is VerifiedBlock => typeof block !== 'string'
      const hashes = await this.#hasher.hash(found.filter(isBlock))
      const piece = new Uint8Array(ELEMENT_BYTES * count)
      let next = 0
      for (const [i, block] of found.entries()) {
        if (!isBlock(block)) continue
        const at = ELEMENT_BYTES * next++
        piece.set(hashes.subarray(at, at + ELEMENT_BYTES), ELEMENT_BYTES * i)
      }
      pieces.set(first, piece)
      advance(count)
    })
    return this.#hasher.nodes(await this.#hasher.leaves(pieces, slotGeometry(manifest).paddedBlocks))
  }

  /** Before the manifest counts, so that one that is kept never names blocks that were let go meanwhile. */
  async #prolong({ treeCid }: CodedManifest, { expiry, keep }: Keeping, { signal }: Growth): Promise<void> {
    if (keep !== undefined) await prolongLeaves(this.#parts.repo, treeCid, keep, expiry, { signal })
  }

  /** Runs `use` with the nodes of each slot's tree, some slots at a time. Results in the order of `slots`. */
  async #eachSlot<T>(
    manifest: CodedManifest,
    slots: readonly number[],
    signal: AbortSignal,
    use: (nodes: Uint8Array, slot: number) => Promise<T>,
  ): Promise<T[]> {
    for (const slot of slots) await this.#requireBlocks(manifest, slot, signal)
    return this.forSlots(manifest, slots, async (slot, advance) =>
      use(await this.nodesOf(manifest, slot, signal, advance), slot),
    )
  }

  /** Before anything is read, so that what is missing is told at once, and the first of it. */
  async #requireBlocks(manifest: CodedManifest, slot: number, signal: AbortSignal): Promise<void> {
    const range = slotRange(manifest, slot)
    const index = await firstMissingLeaf(this.#parts.repo, manifest.treeCid, range, { signal })
    if (index === undefined) return
    const [how] = await findBlocks(this.#parts.repo, manifest.treeCid, [index], manifest.blockSize)
    if (how === 'missing' || how === 'damaged') throw notThere(how, slot, index - range.first, index)
  }

  /** Works on slots, some at a time, and reports as `hashing`. */
  async forSlots<T>(
    manifest: CodedManifest,
    slots: readonly number[],
    work: (slot: number, advance: (blocks: number) => void) => Promise<T>,
  ): Promise<T[]> {
    const { steps } = layoutOf(manifest)
    if (slots.length === 0) return []
    const meter = new SlotsMeter('hashing', { slots, blocks: steps }, this.#job.progress)
    const batches = Math.ceil(steps / HASH_BATCH_BLOCKS)
    const atOnce = Math.max(MIN_SLOTS_IN_FLIGHT, Math.ceil(MAX_SLOTS_IN_FLIGHT / batches))
    return mapBounded(slots, Math.min(atOnce, MAX_SLOTS_IN_FLIGHT), (slot, place) =>
      work(slot, (blocks) => meter.advanceSlot(place, blocks)),
    )
  }
}

function isCutAlike(a: VerifiableManifest, b: VerifiableManifest): boolean {
  const isSame = (['blockSize', 'datasetSize', 'ecK', 'ecM', 'cellSize'] as const).every((what) => a[what] === b[what])
  return isSame && equalCids(a.treeCid, b.treeCid) && a.protectedStrategy === b.protectedStrategy
}

/** @throws CodexError `slots/wrong-root` */
export function checkRoot(manifest: VerifiableManifest, slot: number, nodes: Uint8Array): void {
  const [expected, found] = [manifest.slotRoots[slot] as Cid, slotRootCid(nodes)]
  if (equalCids(expected, found)) return
  throw new CodexError(
    'slots/wrong-root',
    `expected the blocks of slot ${slot} to have the root ${expected}, found ${found}: repair the slot`,
    { detail: { slot, expected: String(expected), found: String(found) } },
  )
}

/** Slots with equal blocks share one tree; the others go again. */
function distinctTrees(trees: readonly GrownTree[]): GrownTree[] {
  return [...new Map(trees.map((tree) => [String(tree.cid), tree])).values()]
}

/** A tree over a power of two leaves has twice as many nodes, less one; over a single leaf it has two. */
function leafCountOf(nodes: Uint8Array): number {
  const count = nodes.length / ELEMENT_BYTES
  return count === 2 ? 1 : (count + 1) / 2
}

function refuse(manifest: CodedManifest): Inspect {
  const { steps } = layoutOf(manifest)
  return (slot, first, found) => {
    for (const [i, how] of found.entries()) {
      if (how !== 'missing' && how !== 'damaged') continue
      throw notThere(how, slot, first + i, slot * steps + first + i)
    }
  }
}

function notThere(how: 'missing' | 'damaged', slot: number, block: number, index: number): CodexError {
  const what = how === 'missing' ? 'is not in the store' : 'is damaged on disk'
  return new CodexError(`slots/block-${how}`, `block ${block} of slot ${slot} ${what}: repair the slot`, {
    detail: { slot, block, index },
  })
}
