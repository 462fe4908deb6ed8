// Verifying: the root of each slot is computed again from the blocks in the store. It changes nothing, but for what reading puts in quarantine.

import type { AbortOptions } from '../lib/abort.ts'
import type { Cid } from '../protocol/cid.ts'
import { equalCids } from '../protocol/cid.ts'
import type { VerifiableManifest } from '../protocol/manifest.ts'
import type { FoundBlock } from '../storage/findblocks.ts'
import { findBlocks } from '../storage/findblocks.ts'
import { knownLeaves } from '../storage/presentleaves.ts'
import type { RepoStore } from '../storage/repostore.ts'
import { expectTree } from './expecttree.ts'
import { loadVerifiable } from './loadmanifest.ts'
import { checkSlotIndex, slotRange } from './slotgeometry.ts'
import { HASH_BATCH_BLOCKS, slotRootCid } from './slothasher.ts'
import { SlotsBuilder } from './slotsbuilder.ts'
import type { RequestOption, SlotsJob, SlotsParts } from './slotsparts.ts'

/** Blocks that a report lists by place, of each sort; the numbers beside count all. */
export const MAX_LISTED_BLOCKS = 1024

/** `blocks missing`: some, and perhaps others are damaged; `blocks damaged`: all are here, and some have changed; `wrong root`: every block is here and sound, and yet they are not what the manifest says. */
export type SlotOutcome = 'ok' | 'blocks missing' | 'blocks damaged' | 'wrong root'

export interface SlotReport {
  readonly index: number
  readonly outcome: SlotOutcome
  /** Of the slot, those not counted that only pad it for proofs. */
  readonly blocks: number
  /** Places in the slot, from 0, of blocks that are not in the store; at most {@link MAX_LISTED_BLOCKS}. */
  readonly missing: readonly number[]
  readonly missingBlocks: number
  /** Places of blocks whose bytes on disk have changed; they are never served, and a repair replaces them. */
  readonly damaged: readonly number[]
  readonly damagedBlocks: number
  /** Whether the slot's tree is stored, without which nothing can be proven. */
  readonly hasTree: boolean
}

/** @param index of the one slot to look at; all by default @throws CodexError as `loadVerifiable`, `slots/no-such-slot`, `slots/tree-disagrees`, the signal's reason */
export async function verifySlots(
  parts: SlotsParts,
  cid: Cid,
  { index, merkleRoot, ...job }: SlotsJob & RequestOption & { readonly index?: number | undefined },
): Promise<SlotReport[]> {
  const { manifest, geometry } = await loadVerifiable(parts, cid, { ...job, merkleRoot })
  if (index !== undefined) checkSlotIndex(index, manifest.slotRoots.length)
  await expectTree(parts.repo, manifest)
  const slots = index === undefined ? [...manifest.slotRoots.keys()] : [index]
  const builder = new SlotsBuilder(parts, job)
  return builder.forSlots(manifest, slots, async (slot, advance) => {
    const bad = { missing: new Places(), damaged: new Places() }
    const note = (_: number, first: number, found: readonly FoundBlock[]): void => {
      for (const [i, how] of found.entries()) if (how === 'missing' || how === 'damaged') bad[how].add(first + i)
    }
    await findMissing(parts.repo, manifest, slot, bad.missing, job)
    const root = manifest.slotRoots[slot] as Cid
    let isSame = false
    // With a block missing there is no root to compare; what is here may be damaged all the same.
    if (bad.missing.count > 0) await readKnown(parts.repo, manifest, slot, note, job)
    else isSame = equalCids(slotRootCid(await builder.nodesOf(manifest, slot, job.signal, advance, note)), root)
    if (bad.missing.count > 0) advance(geometry.slotBlocks)
    return {
      index: slot,
      outcome: outcomeOf(bad.missing.count, bad.damaged.count, isSame),
      blocks: geometry.slotBlocks,
      missing: bad.missing.lowest(),
      missingBlocks: bad.missing.count,
      damaged: bad.damaged.lowest(),
      damagedBlocks: bad.damaged.count,
      hasTree: await builder.hasTree(root, geometry.paddedBlocks),
    }
  })
}

function outcomeOf(missing: number, damaged: number, isSame: boolean): SlotOutcome {
  if (missing > 0) return 'blocks missing'
  if (damaged > 0) return 'blocks damaged'
  return isSame ? 'ok' : 'wrong root'
}

/** Counts every gap, and writes down only the first places: a foreign manifest may say of any number of blocks that they ought to be here. */
async function findMissing(
  repo: RepoStore,
  manifest: VerifiableManifest,
  slot: number,
  missing: Places,
  options: AbortOptions,
): Promise<void> {
  const { first, end } = slotRange(manifest, slot)
  let next = first
  for await (const places of knownLeaves(repo, manifest.treeCid, { first, end }, options))
    for (const index of places) {
      missing.addRange(next - first, index - first)
      next = index + 1
    }
  missing.addRange(next - first, end - first)
}

/** Reads the blocks of a slot that have a leaf, without hashing them. */
async function readKnown(
  repo: RepoStore,
  manifest: VerifiableManifest,
  slot: number,
  note: (slot: number, first: number, found: readonly FoundBlock[]) => void,
  options: AbortOptions,
): Promise<void> {
  const range = slotRange(manifest, slot)
  for await (const places of knownLeaves(repo, manifest.treeCid, range, options))
    for (let at = 0; at < places.length; at += HASH_BATCH_BLOCKS) {
      options.signal.throwIfAborted()
      const indices = places.slice(at, at + HASH_BATCH_BLOCKS)
      const found = await findBlocks(repo, manifest.treeCid, indices, manifest.blockSize)
      for (const [i, index] of indices.entries()) note(slot, index - range.first, found.slice(i, i + 1))
    }
}

/** Places in a slot, of which all are counted and the {@link MAX_LISTED_BLOCKS} lowest kept. They come in no special order. */
class Places {
  #count = 0
  #kept: number[] = []

  get count(): number {
    return this.#count
  }

  add(place: number): void {
    this.addRange(place, place + 1)
  }

  /** From `first` up to `end`, exclusive. */
  addRange(first: number, end: number): void {
    this.#count += end - first
    for (let place = first; place < Math.min(end, first + MAX_LISTED_BLOCKS); place++) this.#kept.push(place)
    if (this.#kept.length > 2 * MAX_LISTED_BLOCKS) this.#kept = this.lowest()
  }

  lowest(): number[] {
    return [...this.#kept].sort((a, b) => a - b).slice(0, MAX_LISTED_BLOCKS)
  }
}
