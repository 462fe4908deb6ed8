// Verifying: the root of each slot is computed again from the blocks in the store. It changes nothing, but for what reading puts in quarantine.

import type { Cid } from '../protocol/cid.ts'
import { equalCids } from '../protocol/cid.ts'
import { layoutOf } from '../erasure/codelayout.ts'
import { expectTree } from './expecttree.ts'
import { loadVerifiable } from './loadmanifest.ts'
import { checkSlotIndex } from './slotgeometry.ts'
import { slotRootCid } from './slothasher.ts'
import { SlotsBuilder } from './slotsbuilder.ts'
import type { SlotsJob, SlotsParts } from './slotsparts.ts'

/** Blocks that a report lists by place, of each sort; the numbers beside count all. */
export const MAX_LISTED_BLOCKS = 1024

/** `wrong root`: every block is here and sound, and yet they are not what the manifest says. */
export type SlotOutcome = 'ok' | 'blocks missing' | 'wrong root'

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
  { index, ...job }: SlotsJob & { readonly index?: number | undefined },
): Promise<SlotReport[]> {
  const { manifest, geometry } = await loadVerifiable(parts, cid, job)
  if (index !== undefined) checkSlotIndex(index, manifest.slotRoots.length)
  await expectTree(parts.repo, manifest)
  const slots = index === undefined ? [...manifest.slotRoots.keys()] : [index]
  const builder = new SlotsBuilder(parts, job)
  return builder.forSlots(manifest, slots, async (slot, advance) => {
    const bad = { missing: [] as number[], damaged: [] as number[] }
    const nodes = await builder.nodesOf(manifest, slot, job.signal, advance, (_, first, found) => {
      for (const [i, how] of found.entries()) if (how === 'missing' || how === 'damaged') bad[how].push(first + i)
    })
    const root = manifest.slotRoots[slot] as Cid
    const isWhole = bad.missing.length === 0 && bad.damaged.length === 0
    return {
      index: slot,
      outcome: !isWhole ? 'blocks missing' : equalCids(slotRootCid(nodes), root) ? 'ok' : 'wrong root',
      blocks: layoutOf(manifest).steps,
      missing: listed(bad.missing),
      missingBlocks: bad.missing.length,
      damaged: listed(bad.damaged),
      damagedBlocks: bad.damaged.length,
      hasTree: await builder.hasTree(root, geometry.paddedBlocks),
    }
  })
}

/** Batches are looked at in no special order. */
function listed(places: readonly number[]): number[] {
  return [...places].sort((a, b) => a - b).slice(0, MAX_LISTED_BLOCKS)
}
