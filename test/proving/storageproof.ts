// Inputs of the storage proof's circuit for datasets made up by tests, straight from data reference §2.1, §2.2, §8.2 and §8.4. Hashes
// are the kernel's; nothing of the slots' room is used, so that a mistake there cannot hide one here.

import type { CircuitParameters } from '../../wasm/circuit/templates.ts'

export interface Hashes {
  compress(x: bigint, y: bigint, key: bigint): bigint
  sponge(elements: readonly bigint[]): bigint
}

/** As §8.4 has them, all padded; a type whose arrays tests may change. */
export interface Inputs {
  entropy: bigint
  dataSetRoot: bigint
  slotIndex: number
  slotRoot: bigint
  nCellsPerSlot: number
  nSlotsPerDataSet: number
  slotProof: bigint[]
  cellData: bigint[][]
  merklePaths: bigint[][]
}

export interface Slot {
  /** The elements of each cell, block after block. A function, for slots too large to write down. */
  readonly cells: readonly (readonly bigint[])[]
}

/** §2.1: the leaves, then each layer above them, the root last. */
export function layersOf(hashes: Hashes, leaves: readonly bigint[]): bigint[][] {
  const layers = [[...leaves]]
  do {
    const below = layers.at(-1) ?? []
    const bottom = layers.length === 1 ? 1n : 0n
    const above: bigint[] = []
    for (let i = 0; i < below.length; i += 2) {
      const [left = 0n, right] = below.slice(i, i + 2)
      above.push(right === undefined ? hashes.compress(left, 0n, bottom + 2n) : hashes.compress(left, right, bottom))
    }
    layers.push(above)
  } while ((layers.at(-1)?.length ?? 0) > 1)
  return layers
}

/** §2.2: the siblings from the leaf upward, zero where there is none. */
export function pathOf(layers: readonly (readonly bigint[])[], index: number): bigint[] {
  return layers.slice(0, -1).map((layer, level) => layer[(index >> level) ^ 1] ?? 0n)
}

/** The trees of one slot: of each block, and over the blocks. */
export function slotTrees(hashes: Hashes, slot: Slot, cellsPerBlock: number) {
  const blocks: bigint[][][] = []
  for (let i = 0; i < slot.cells.length; i += cellsPerBlock)
    blocks.push(
      layersOf(
        hashes,
        slot.cells.slice(i, i + cellsPerBlock).map((cell) => hashes.sponge(cell)),
      ),
    )
  const top = layersOf(
    hashes,
    blocks.map((layers) => layers.at(-1)?.[0] ?? 0n),
  )
  return { blocks, top, root: top.at(-1)?.[0] ?? 0n }
}

/** §8.2: which cells are sampled. */
export function sampledCells(
  hashes: Hashes,
  entropy: bigint,
  slotRoot: bigint,
  cells: number,
  samples: number,
): number[] {
  return Array.from({ length: samples }, (_, i) =>
    Number(hashes.sponge([entropy, slotRoot, BigInt(i + 1)]) % BigInt(cells)),
  )
}

/** @param slotRoots of all slots of the dataset; that of `slotIndex` is `slot`'s */
export function storageProofInputs(
  hashes: Hashes,
  parameters: CircuitParameters,
  dataset: { readonly slotRoots: readonly bigint[]; readonly slotIndex: number; readonly slot: Slot },
  entropy: bigint,
): Inputs {
  const { slotRoots, slotIndex, slot } = dataset
  const cellsPerBlock = 2 ** parameters.blockTreeDepth
  const { blocks, top, root } = slotTrees(hashes, slot, cellsPerBlock)
  const tree = layersOf(hashes, slotRoots)
  const indices = sampledCells(hashes, entropy, root, slot.cells.length, parameters.nSamples)
  return {
    entropy,
    dataSetRoot: tree.at(-1)?.[0] ?? 0n,
    slotIndex,
    slotRoot: root,
    nCellsPerSlot: slot.cells.length,
    nSlotsPerDataSet: slotRoots.length,
    slotProof: padded(pathOf(tree, slotIndex), parameters.maxLog2NSlots),
    cellData: indices.map((cell) => [...(slot.cells[cell] ?? [])]),
    merklePaths: indices.map((cell) => {
      const block = Math.floor(cell / cellsPerBlock)
      const path = [...pathOf(blocks[block] ?? [], cell % cellsPerBlock), ...pathOf(top, block)]
      return padded(path, parameters.maxDepth)
    }),
  }
}

/** A dataset of `slots` slots of `blocks` blocks (a power of two), of elements that a formula makes. */
export function madeUpDataset(
  hashes: Hashes,
  parameters: CircuitParameters,
  { slots, blocks, slotIndex }: { readonly slots: number; readonly blocks: number; readonly slotIndex: number },
) {
  const cells = blocks * 2 ** parameters.blockTreeDepth
  const slot = {
    cells: Array.from({ length: cells }, (_, cell) =>
      Array.from(
        { length: parameters.nFieldElemsPerCell },
        (__, i) => BigInt(cell * 1009 + i * 31 + slotIndex) ** 25n % 2n ** 248n,
      ),
    ),
  }
  const { root } = slotTrees(hashes, slot, 2 ** parameters.blockTreeDepth)
  const slotRoots = Array.from({ length: slots }, (_, i) => (i === slotIndex ? root : hashes.sponge([BigInt(i)])))
  return { slotRoots, slotIndex, slot }
}

function padded(path: readonly bigint[], length: number): bigint[] {
  return [...path, ...new Array<bigint>(Math.max(0, length - path.length)).fill(0n)]
}
