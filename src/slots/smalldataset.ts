// A small dataset made verifiable in memory: parity, trees, manifests, and what its proofs need. The store has its own way, which streams.

import { concatBytes } from '../lib/bytes.ts'
import { describeValue } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import { nextTask } from '../lib/nexttask.ts'
import { MiB } from '../lib/units.ts'
import type { Bytes } from '../lib/units.ts'
import { codeLayout, isPadding } from '../erasure/codelayout.ts'
import type { CodeLayout } from '../erasure/codelayout.ts'
import type { Erasure } from '../erasure/erasure.ts'
import { BLOCK_SIZE, blockCid, EMPTY_BLOCK_CID } from '../protocol/block.ts'
import { checkManifest } from '../protocol/checkmanifest.ts'
import { makeCid } from '../protocol/cid.ts'
import type { Cid } from '../protocol/cid.ts'
import { plainManifest } from '../protocol/describeupload.ts'
import type { UploadNames } from '../protocol/describeupload.ts'
import type { PlainManifest, ProtectedManifest, VerifiableManifest } from '../protocol/manifest.ts'
import { MerkleBuilder, treeCid } from '../protocol/merkletree.ts'
import { CODEX_PROVING_ROOT, CODEX_SLOT_ROOT, IDENTITY } from '../protocol/multicodec.ts'
import { ELEMENT_BYTES, readElement } from './fieldelements.ts'
import { treePath, treeRoot } from './flattree.ts'
import type { Poseidon2, Poseidon2Options } from './poseidon2.ts'
import type { ProvenSlot } from './proofinputs.ts'
import { CELL_SIZE, checkSlotIndex, slotBlockIndex, slotGeometry } from './slotgeometry.ts'
import type { SlotGeometry } from './slotgeometry.ts'

/** The content stays in memory, with its parity. */
export const MAX_DATASET_BYTES: Bytes = 256 * MiB
/** Blocks hashed before the event loop gets a turn: some milliseconds. */
const BLOCKS_PER_TURN = 8

/** Of a dataset that is computed in memory, as for tests and examples. */
export interface SmallDatasetOptions extends UploadNames {
  /** Slots of original data, at least 1. */
  readonly ecK: number
  /** Slots of parity, from 0 to `ecK`. */
  readonly ecM: number
}

/** The three manifests of one dataset and the roots of its slots. Its content stays where only proofs find it. */
export interface SmallDataset {
  readonly plain: PlainManifest
  readonly protected: ProtectedManifest
  readonly verifiable: VerifiableManifest
  /** Poseidon2 root over the slot roots. */
  readonly datasetRoot: bigint
  /** In slot order. */
  readonly slotRoots: readonly bigint[]
}

interface Content {
  readonly geometry: SlotGeometry
  /** All blocks of the dataset with parity; padding as zeros. */
  readonly blocks: readonly Uint8Array[]
  readonly zeroBlock: Uint8Array
  /** All nodes of each slot's tree. */
  readonly slotNodes: readonly Uint8Array[]
  readonly verificationNodes: Uint8Array
}

/** By the object itself, so that nothing can be changed from outside; a copy of a dataset is none. */
const CONTENTS = new WeakMap<object, Content>()

/**
 * Copies the bytes.
 * @throws CodexError `slots/empty-dataset`, `slots/dataset-too-large`, `erasure/bad-code`, `erasure/too-small`, `upload/bad-names`,
 *   `manifest/bad-text`
 */
export async function smallDataset(
  { poseidon2, erasure }: { readonly poseidon2: Poseidon2; readonly erasure: Erasure },
  bytes: Uint8Array,
  { ecK, ecM, ...names }: SmallDatasetOptions,
  options: Poseidon2Options,
): Promise<SmallDataset> {
  const layout = codeLayout(blocksOf(bytes), ecK, ecM)
  const zeroBlock = new Uint8Array(BLOCK_SIZE)
  const data = dataBlocks(bytes, layout, zeroBlock)
  const blocks = [...data, ...(await parityBlocks(erasure, data, layout, options))]
  const digests = await blockDigests(blocks, layout)
  const plain = plainManifest(treeOver(digests.slice(0, layout.originalBlocks)), bytes.length, names)
  const protectedManifest: ProtectedManifest = checkManifest({
    ...plain,
    kind: 'protected',
    treeCid: treeOver(digests),
    datasetSize: layout.totalBlocks * BLOCK_SIZE,
    ecK,
    ecM,
    originalTreeCid: plain.treeCid,
    originalDatasetSize: plain.datasetSize,
    protectedStrategy: 'stepped',
  })
  const geometry = slotGeometry(protectedManifest)
  const slotNodes = await slotTrees(poseidon2, blocks, zeroBlock, geometry, options)
  const roots = slotNodes.map(treeRoot)
  const verificationNodes = await poseidon2.merkleNodes(concatBytes(...roots), options)
  const verifiable: VerifiableManifest = checkManifest({
    ...protectedManifest,
    kind: 'verifiable',
    verifyRoot: makeCid(CODEX_PROVING_ROOT, IDENTITY, treeRoot(verificationNodes)),
    slotRoots: roots.map((root) => makeCid(CODEX_SLOT_ROOT, IDENTITY, root)),
    cellSize: CELL_SIZE,
    verifiableStrategy: 'linear',
  })
  const dataset: SmallDataset = {
    plain,
    protected: protectedManifest,
    verifiable,
    datasetRoot: readElement(treeRoot(verificationNodes)),
    slotRoots: roots.map((root) => readElement(root)),
  }
  CONTENTS.set(dataset, { geometry, blocks, zeroBlock, slotNodes, verificationNodes })
  return dataset
}

/**
 * One slot of a dataset that {@link smallDataset} made, ready for proofs.
 * @throws CodexError `slots/not-a-dataset`, `slots/no-such-slot`
 */
export function provenSlot(dataset: SmallDataset, slotIndex: number): ProvenSlot {
  const content = typeof dataset === 'object' && dataset !== null ? CONTENTS.get(dataset) : undefined
  if (content === undefined)
    throw new CodexError(
      'slots/not-a-dataset',
      `expected the very dataset that buildDataset gave, found ${describeValue(dataset)}: a copy does not hold the content`,
    )
  const { geometry, blocks, zeroBlock, slotNodes, verificationNodes } = content
  checkSlotIndex(slotIndex, geometry.slotCount)
  const nodes = slotNodes[slotIndex] as Uint8Array
  return {
    geometry,
    slotIndex,
    verificationNodes,
    block: async (position) => {
      const index = slotBlockIndex(geometry, slotIndex, position)
      return {
        bytes: index === undefined ? zeroBlock : (blocks[index] as Uint8Array),
        path: treePath(nodes, geometry.paddedBlocks, position),
      }
    },
  }
}

function blocksOf(bytes: Uint8Array): number {
  if (bytes.length === 0)
    throw new CodexError('slots/empty-dataset', 'expected at least one byte, found none: an empty dataset has no tree')
  if (bytes.length > MAX_DATASET_BYTES)
    throw new CodexError(
      'slots/dataset-too-large',
      `expected at most ${MAX_DATASET_BYTES} bytes in memory, found ${bytes.length}: put the data into a node's store`,
      { detail: { limitBytes: MAX_DATASET_BYTES, foundBytes: bytes.length } },
    )
  return Math.ceil(bytes.length / BLOCK_SIZE)
}

/** Copies, the last one filled up with zeros; then padding up to whole rows. */
function dataBlocks(bytes: Uint8Array, layout: CodeLayout, zeroBlock: Uint8Array): Uint8Array[] {
  const whole = new Uint8Array(layout.originalBlocks * BLOCK_SIZE)
  whole.set(bytes)
  return Array.from({ length: layout.roundedBlocks }, (_, i) =>
    isPadding(layout, i) ? zeroBlock : whole.subarray(i * BLOCK_SIZE, (i + 1) * BLOCK_SIZE),
  )
}

/** Row after row, as they stand in the dataset. */
async function parityBlocks(
  erasure: Erasure,
  data: readonly Uint8Array[],
  { ecK, ecM, rows, steps }: CodeLayout,
  options: Poseidon2Options,
): Promise<Uint8Array[]> {
  if (ecM === 0) return []
  const row = (count: number, first: number): number[] => Array.from({ length: count }, (_, i) => first + i)
  const codeWords = row(steps, 0).map((step) => row(ecK, 0).map((r) => data[r * steps + step] as Uint8Array))
  const pattern = { dataCount: ecK, parityCount: ecM, given: row(ecK, 0), wanted: row(rows - ecK, ecK) }
  const parity = await erasure.compute(pattern, codeWords, options)
  return row(ecM, 0).flatMap((j) => parity.map((blocks) => blocks[j] as Uint8Array))
}

async function blockDigests(blocks: readonly Uint8Array[], layout: CodeLayout): Promise<Uint8Array[]> {
  const digests: Uint8Array[] = []
  for (const [index, block] of blocks.entries()) {
    if (index % BLOCKS_PER_TURN === 0) await nextTask()
    digests.push((isPadding(layout, index) ? EMPTY_BLOCK_CID : blockCid(block)).digest)
  }
  return digests
}

function treeOver(digests: readonly Uint8Array[]): Cid {
  const tree = new MerkleBuilder()
  for (const digest of digests) tree.push(digest)
  return treeCid(tree.finish().root)
}

async function slotTrees(
  poseidon2: Poseidon2,
  blocks: readonly Uint8Array[],
  zeroBlock: Uint8Array,
  { slotCount, slotBlocks, paddedBlocks }: SlotGeometry,
  options: Poseidon2Options,
): Promise<Uint8Array[]> {
  const hashes = await poseidon2.hashBlocks([...blocks, zeroBlock], CELL_SIZE, options)
  const zeroHash = hashes.subarray(-ELEMENT_BYTES)
  const trees: Uint8Array[] = []
  for (let slot = 0; slot < slotCount; slot++) {
    const at = ELEMENT_BYTES * slotBlocks * slot
    const own = hashes.subarray(at, at + ELEMENT_BYTES * slotBlocks)
    const padding = Array<Uint8Array>(paddedBlocks - slotBlocks).fill(zeroHash)
    trees.push(await poseidon2.merkleNodes(concatBytes(own, ...padding), options))
  }
  return trees
}
