// Proof inputs of a slot in the store: at most five blocks are read, and a few pages of the slot's tree.

import { CodexError } from '../lib/errors.ts'
import type { Cid } from '../protocol/cid.ts'
import type { VerifiableManifest } from '../protocol/manifest.ts'
import { findBlocks } from '../storage/findblocks.ts'
import type { RepoStore } from '../storage/repostore.ts'
import { readElement } from './fieldelements.ts'
import { loadVerifiable } from './loadmanifest.ts'
import type { ProofInputs, SampledBlock, ShapeOption } from './proofinputs.ts'
import { proofInputs } from './proofinputs.ts'
import { challengeEntropy } from './samplecells.ts'
import { checkSlotIndex, slotBlockIndex, slotGeometry } from './slotgeometry.ts'
import type { RequestOption, SlotsJob, SlotsParts } from './slotsparts.ts'

/**
 * Data reference §8. Blocks are hashed again and compared with the slot's tree.
 * @param challenge 32 bytes as 0x-hex
 * @throws CodexError `slots/bad-challenge`, `slots/no-such-slot`, `slots/tree-missing`, `slots/block-missing`, `slots/block-damaged`, `slots/block-disagrees`, as
 * `loadVerifiable`, the signal's reason
 */
export async function storedProofInputs(
  parts: SlotsParts,
  cid: Cid,
  index: number,
  challenge: string,
  { merkleRoot, shape, ...job }: Pick<SlotsJob, 'signal' | 'rank'> & RequestOption & ShapeOption,
): Promise<ProofInputs> {
  const { repo, poseidon2 } = parts
  const entropy = challengeEntropy(challenge)
  const { manifest, geometry, verificationNodes } = await loadVerifiable(parts, cid, { ...job, merkleRoot })
  checkSlotIndex(index, geometry.slotCount)
  const block = (position: number): Promise<SampledBlock> => sampledBlock(repo, manifest, index, position)
  const slot = { geometry, slotIndex: index, verificationNodes, block }
  return proofInputs(poseidon2, slot, entropy, { ...job, shape })
}

async function sampledBlock(
  repo: RepoStore,
  manifest: VerifiableManifest,
  slot: number,
  position: number,
): Promise<SampledBlock> {
  const root = manifest.slotRoots[slot] as Cid
  const [leaf] = await repo.getLeaves(root, [position])
  const proof = leaf && (await repo.getProof(root, position))
  if (leaf === undefined || proof === undefined)
    throw new CodexError('slots/tree-missing', `the tree of slot ${slot} is not in the store: build the slot`, {
      detail: { slot, position },
    })
  const bytes = await bytesAt(repo, manifest, slot, position)
  return { bytes, path: proof.path.map((node) => readElement(node)), hash: leaf.digest }
}

async function bytesAt(
  repo: RepoStore,
  manifest: VerifiableManifest,
  slot: number,
  position: number,
): Promise<Uint8Array> {
  const { treeCid, blockSize } = manifest
  const index = slotBlockIndex(slotGeometry(manifest), slot, position)
  if (index === undefined) return new Uint8Array(blockSize)
  const [found = 'missing'] = await findBlocks(repo, treeCid, [index], blockSize)
  if (found !== 'missing' && found !== 'damaged')
    return found.bytes.length === 0 ? new Uint8Array(blockSize) : found.bytes
  const what = found === 'missing' ? 'is not in the store' : 'is damaged on disk'
  throw new CodexError(`slots/block-${found}`, `block ${position} of slot ${slot} ${what}: repair the slot`, {
    detail: { slot, block: position, index },
  })
}
