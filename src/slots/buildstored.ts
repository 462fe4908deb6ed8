// Building: slot trees and verifiable manifests for datasets whose blocks are in the store already.

import type { Cid } from '../protocol/cid.ts'
import { manifestCid } from '../protocol/block.ts'
import type { VerifiableManifest } from '../protocol/manifest.ts'
import { blocksCount } from '../protocol/manifest.ts'
import { manifestBytes } from '../protocol/manifestcodec.ts'
import { treesOf } from '../storage/treeholder.ts'
import { checkMerkleRoot, checkVerifiable } from './checkverifiable.ts'
import { readElement } from './fieldelements.ts'
import { keptUntil } from './keptuntil.ts'
import { builtDataset, loadProtected } from './loadmanifest.ts'
import { checkSlotIndex, slotRange } from './slotgeometry.ts'
import { SlotsBuilder } from './slotsbuilder.ts'
import type { BuildSlotOptions, BuiltDataset, ExpiryOption, RequestOption, SlotsJob, SlotsParts } from './slotsparts.ts'

/** A slot whose tree is in the store. */
export interface BuiltSlot {
  /** Of the verifiable manifest. */
  readonly cid: Cid
  readonly index: number
  readonly root: bigint
}

/**
 * A protected dataset becomes verifiable; of one that is, the slot trees that are missing are built, each with the root that the manifest says, and it holds
 * all of its trees from then on. All blocks of the slots to build must be here.
 * @throws CodexError as `loadProtected`, `checkVerifiable`, `SlotsBuilder.build` and `SlotsBuilder.rebuild`: nothing is stored then
 */
export async function buildStored(
  parts: SlotsParts,
  cid: Cid,
  { expiry: wanted, merkleRoot, ...job }: SlotsJob & ExpiryOption & RequestOption,
): Promise<BuiltDataset> {
  const { repo, datasets } = parts
  if (merkleRoot !== undefined) checkMerkleRoot(merkleRoot)
  const manifest = await loadProtected(datasets, cid)
  const builder = new SlotsBuilder(parts, job)
  const expiry = await keptUntil(repo, cid, wanted)
  const keep = wanted === undefined ? undefined : { first: 0, end: blocksCount(manifest) }
  if (manifest.kind === 'protected') {
    const built = await builder.build(manifest, { expiry, keep, merkleRoot })
    return builtDataset(built.cid, built.manifest)
  }
  await checkVerifiable(parts.poseidon2, manifest, { ...job, merkleRoot })
  // Even where no tree is missing: the manifest has to hold those that others had made.
  await builder.rebuild(manifest, await builder.unbuilt(manifest), { holds: treesOf(manifest), expiry, keep })
  return builtDataset(cid, manifest)
}

/**
 * For who holds one slot: its tree is built of the blocks in the store and compared with the manifest's root. The manifest is stored with it and holds
 * both trees from then on, so that removing the dataset removes them. With `expiry` all blocks of the slot are kept until then. With `again` false it is
 * not hashed where it was built and compared before.
 * @throws CodexError `slots/no-such-slot`, as `checkVerifiable` and `SlotsBuilder.rebuild`: nothing is stored then
 */
export async function buildSlot(
  parts: SlotsParts,
  manifest: VerifiableManifest,
  index: number,
  { expiry: wanted, merkleRoot, holdsDataset = true, again = true, ...job }: SlotsJob & BuildSlotOptions,
): Promise<BuiltSlot> {
  const { repo } = parts
  await checkVerifiable(parts.poseidon2, manifest, { ...job, merkleRoot })
  checkSlotIndex(index, manifest.slotRoots.length)
  const cid = manifestCid(manifestBytes(manifest))
  const expiry = await keptUntil(repo, cid, wanted)
  const root = manifest.slotRoots[index] as Cid
  const keep = wanted === undefined ? undefined : slotRange(manifest, index)
  const holds = holdsDataset ? [manifest.treeCid, root] : [root]
  const builder = new SlotsBuilder(parts, job)
  const hashed = again || !(await builder.isBuilt(manifest, index)) ? [index] : []
  await builder.rebuild(manifest, hashed, { holds, expiry, keep })
  return { cid, index, root: readElement(root.digest) }
}
