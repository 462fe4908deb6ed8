// What the proof circuit is given (data reference §8.3, §8.4), out of a challenge, trees and sampled blocks. It proves nothing and stores nothing.

import { equalBytes } from '../lib/bytes.ts'
import { describeValue } from '../lib/describevalue.ts'
import { assert, CodexError } from '../lib/errors.ts'
import { mapBounded } from '../lib/mapbounded.ts'
import type { Bytes } from '../lib/units.ts'
import { checkElement, ELEMENT_BYTES, readElement } from './fieldelements.ts'
import { treePath, treeRoot } from './flattree.ts'
import type { Poseidon2, Poseidon2Options } from './poseidon2.ts'
import { PROOF_SAMPLES, sampleCells } from './samplecells.ts'
import { CELL_SIZE, checkSlotIndex } from './slotgeometry.ts'
import type { SlotGeometry } from './slotgeometry.ts'

/** Levels of the tree over all slots that the circuit has room for. */
export const MAX_DATASET_DEPTH = 8
/** Levels of a slot's tree, from its cells on, that the circuit has room for. */
export const MAX_SLOT_DEPTH = 32
/** Field elements of a cell of {@link CELL_SIZE} bytes. */
export const CELL_ELEMENTS = 67

/** What a circuit has room for, and how many cells it asks for. */
export interface CircuitShape {
  readonly samples: number
  /** As {@link MAX_SLOT_DEPTH}. */
  readonly slotDepth: number
  /** As {@link MAX_DATASET_DEPTH}. */
  readonly datasetDepth: number
}

/** Of the deployed networks. */
export const DEPLOYED_SHAPE: CircuitShape = {
  samples: PROOF_SAMPLES,
  slotDepth: MAX_SLOT_DEPTH,
  datasetDepth: MAX_DATASET_DEPTH,
}

/** For whoever proves with another circuit than the deployed one. */
export interface ShapeOption {
  /** Default: {@link DEPLOYED_SHAPE} */
  readonly shape?: CircuitShape | undefined
}

const CHUNK_BYTES = 31
/** Longest list of a circuit's input that is written out. */
const MAX_LISTED = 4096

/** The circuit's signals by name, each in its full length. Field elements are bigints, counts numbers. */
export interface ProofInputs {
  readonly entropy: bigint
  readonly dataSetRoot: bigint
  readonly slotIndex: number
  readonly slotRoot: bigint
  readonly nCellsPerSlot: number
  readonly nSlotsPerDataSet: number
  /** {@link MAX_DATASET_DEPTH} elements, zeros behind the path. */
  readonly slotProof: readonly bigint[]
  /** For each sample {@link CELL_ELEMENTS} elements. */
  readonly cellData: readonly (readonly bigint[])[]
  /** For each sample {@link MAX_SLOT_DEPTH} elements, zeros behind the path. */
  readonly merklePaths: readonly (readonly bigint[])[]
}

/** The same as JSON wants it: field elements in decimal, counts as numbers, keys in the circuit's order. */
export interface ProofInputsJson {
  readonly entropy: string
  readonly dataSetRoot: string
  readonly slotIndex: number
  readonly slotRoot: string
  readonly nCellsPerSlot: number
  readonly nSlotsPerDataSet: number
  readonly slotProof: readonly string[]
  readonly cellData: readonly (readonly string[])[]
  readonly merklePaths: readonly (readonly string[])[]
}

/** One slot, as whoever holds it answers. */
export interface ProvenSlot {
  readonly geometry: SlotGeometry
  readonly slotIndex: number
  /** All nodes of the tree over the slot roots; leaf `slotIndex` is this slot's root. */
  readonly verificationNodes: Uint8Array
  /** Called once for each block that was sampled, at most five, all at the same time. */
  block(position: number): Promise<SampledBlock>
}

export interface SampledBlock {
  /** Zeros where the block is empty or only fills the slot up. */
  readonly bytes: Uint8Array
  /** Its path in the slot's tree of blocks, bottom first. */
  readonly path: readonly bigint[]
  /** Its hash as that tree has it; where given, the bytes must agree with it. */
  readonly hash?: Uint8Array
}

/** A cell and its whole path, through the tree of its block and that of its slot. */
export interface SampledCell {
  readonly bytes: Uint8Array
  readonly path: readonly bigint[]
}

/**
 * Samples the slot and gathers what the circuit wants.
 * @param entropy see `challengeEntropy`
 * @throws CodexError `slots/no-such-slot`, `slots/block-disagrees` (with `slotIndex` and `position`), those of `block` and `poseidon2`
 */
export async function proofInputs(
  poseidon2: Poseidon2,
  slot: ProvenSlot,
  entropy: bigint,
  { shape = DEPLOYED_SHAPE, ...options }: Poseidon2Options & ShapeOption,
): Promise<ProofInputs> {
  const { geometry, slotIndex, verificationNodes } = slot
  const { samples: count } = shape
  checkSlotIndex(slotIndex, geometry.slotCount)
  const slotRoot = readElement(verificationNodes, ELEMENT_BYTES * slotIndex)
  const sampling = { entropy, slotRoot, cellCount: geometry.cellCount, samples: count }
  const cellIndices = await sampleCells(poseidon2, sampling, options)
  const positionOf = (cell: number): number => Math.floor(cell / geometry.cellsPerBlock)
  // In order, so that of several blocks that are not there the first is named.
  const positions = [...new Set(cellIndices.map(positionOf))].sort((a, b) => a - b)
  const blocks = await mapBounded(positions, Math.max(1, positions.length), (position) =>
    hashedBlock(poseidon2, slot, position, options),
  )
  const samples = cellIndices.map((cell) => {
    const block = blocks[positions.indexOf(positionOf(cell))]
    assert(block !== undefined, 'every sampled position was read')
    return sampledCell(block, cell % geometry.cellsPerBlock, geometry.cellsPerBlock)
  })
  return assembleProofInputs({ entropy, geometry, slotIndex, verificationNodes, samples, shape })
}

/**
 * For whoever has the cells and their paths.
 * @throws CodexError `slots/no-such-slot`, `slots/bad-cell` (with the `sample`), `slots/path-too-long`
 */
export function assembleProofInputs(
  parts: ShapeOption & {
    readonly entropy: bigint
    readonly geometry: Pick<SlotGeometry, 'slotCount' | 'cellCount'>
    readonly slotIndex: number
    readonly verificationNodes: Uint8Array
    readonly samples: readonly SampledCell[]
  },
): ProofInputs {
  const { entropy, geometry, slotIndex, verificationNodes, samples, shape = DEPLOYED_SHAPE } = parts
  checkSlotIndex(slotIndex, geometry.slotCount)
  return {
    entropy,
    dataSetRoot: readElement(treeRoot(verificationNodes)),
    slotIndex,
    slotRoot: readElement(verificationNodes, ELEMENT_BYTES * slotIndex),
    nCellsPerSlot: geometry.cellCount,
    nSlotsPerDataSet: geometry.slotCount,
    slotProof: padded(treePath(verificationNodes, geometry.slotCount, slotIndex), shape.datasetDepth),
    cellData: samples.map(({ bytes }, sample) => cellElements(bytes, sample)),
    merklePaths: samples.map(({ path }) => padded(path, shape.slotDepth)),
  }
}

/** Keys are in the circuit's order. @throws CodexError `slots/bad-inputs` where a value has another type */
export function proofInputsJson(inputs: ProofInputs): ProofInputsJson {
  if (typeof inputs !== 'object' || inputs === null) throw badInputs('proof inputs', inputs)
  return {
    entropy: decimal(inputs.entropy, 'entropy'),
    dataSetRoot: decimal(inputs.dataSetRoot, 'dataSetRoot'),
    slotIndex: count(inputs.slotIndex, 'slotIndex'),
    slotRoot: decimal(inputs.slotRoot, 'slotRoot'),
    nCellsPerSlot: count(inputs.nCellsPerSlot, 'nCellsPerSlot'),
    nSlotsPerDataSet: count(inputs.nSlotsPerDataSet, 'nSlotsPerDataSet'),
    slotProof: list(inputs.slotProof, 'slotProof', decimal),
    cellData: list(inputs.cellData, 'cellData', (cell, what) => list(cell, what, decimal)),
    merklePaths: list(inputs.merklePaths, 'merklePaths', (path, what) => list(path, what, decimal)),
  }
}

function decimal(value: bigint, what: string): string {
  checkElement(value, what)
  return String(value)
}

function count(value: number, what: string): number {
  if (!Number.isSafeInteger(value) || value < 0) throw badInputs(what, value)
  return value
}

function list<Item, Written>(
  values: readonly Item[],
  what: string,
  write: (item: Item, what: string) => Written,
): Written[] {
  if (!Array.isArray(values) || values.length > MAX_LISTED) throw badInputs(what, values)
  return Array.from(values as readonly Item[], (item) => write(item, what))
}

function badInputs(what: string, found: unknown): CodexError {
  return new CodexError('slots/bad-inputs', `expected ${what} as proofInputs gives it, found ${describeValue(found)}`, {
    detail: { what },
  })
}

interface HashedBlock extends SampledBlock {
  /** All nodes of the tree over its cells. */
  readonly nodes: Uint8Array
}

async function hashedBlock(
  poseidon2: Poseidon2,
  slot: ProvenSlot,
  position: number,
  options: Poseidon2Options,
): Promise<HashedBlock> {
  const block = await slot.block(position)
  const cellSize: Bytes = block.bytes.length / slot.geometry.cellsPerBlock
  const cellHashes = await poseidon2.hashCells([block.bytes], cellSize, options)
  const nodes = await poseidon2.merkleNodes(cellHashes, options)
  if (block.hash === undefined || equalBytes(block.hash, treeRoot(nodes))) return { ...block, nodes }
  throw new CodexError(
    'slots/block-disagrees',
    `expected the block at position ${position} of slot ${slot.slotIndex} to have the hash its slot's tree has, found another: repair the slot`,
    { detail: { slotIndex: slot.slotIndex, position } },
  )
}

function sampledCell(block: HashedBlock, cell: number, cellsPerBlock: number): SampledCell {
  const cellSize: Bytes = block.bytes.length / cellsPerBlock
  return {
    bytes: block.bytes.subarray(cell * cellSize, (cell + 1) * cellSize),
    path: [...treePath(block.nodes, cellsPerBlock, cell), ...block.path],
  }
}

/** §2.6: chunks of 31 bytes, then what is left with a marker behind it. */
function cellElements(bytes: Uint8Array, sample: number): bigint[] {
  if (bytes.length !== CELL_SIZE)
    throw new CodexError(
      'slots/bad-cell',
      `expected a cell of ${CELL_SIZE} bytes as sample ${sample}, found ${bytes.length} bytes`,
      { detail: { sample, expectedBytes: CELL_SIZE, foundBytes: bytes.length } },
    )
  const chunk = new Uint8Array(ELEMENT_BYTES)
  return Array.from({ length: CELL_ELEMENTS }, (_, i) => {
    const part = bytes.subarray(CHUNK_BYTES * i, CHUNK_BYTES * (i + 1))
    chunk.fill(0)
    chunk.set(part)
    if (part.length < CHUNK_BYTES) chunk[part.length] = 1
    return readElement(chunk)
  })
}

function padded(path: readonly bigint[], length: number): bigint[] {
  if (path.length > length)
    throw new CodexError(
      'slots/path-too-long',
      `expected a path of at most ${length} nodes, found ${path.length}: the circuit has room for no more`,
      { detail: { found: path.length, limit: length } },
    )
  return [...path, ...Array<bigint>(length - path.length).fill(0n)]
}
