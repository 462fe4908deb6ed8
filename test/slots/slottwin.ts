// Verifiable datasets and proof inputs the slow way, written from the data reference and sharing nothing with the source but the slow twins of the
// kernels: trees are lists of lists, everything is computed again for each question. What it has hashed before it remembers.

import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, toHex } from '../../src/lib/bytes.ts'
import { leopardTwin } from '../../wasm/leopard/leopardtwin.ts'
import { poseidon2Twin } from '../../wasm/poseidon2/poseidon2twin.ts'

export interface TwinDataset {
  readonly steps: number
  /** sha256 of each block with parity; of nothing for padding. */
  readonly digests: readonly Uint8Array[]
  readonly originalRoot: Uint8Array
  readonly protectedRoot: Uint8Array
  /** For each slot the leaves of its tree, padding included. */
  readonly slotLeaves: readonly (readonly bigint[])[]
  readonly slotRoots: readonly bigint[]
  readonly datasetRoot: bigint
  /** Each slot's blocks, padding included. */
  readonly slotBlocks: readonly (readonly Uint8Array[])[]
}

const BLOCK = 65_536
const CELL = 2048

/** §5.1, §7. */
export function twinDataset(bytes: Uint8Array, k: number, m: number): TwinDataset {
  const n = Math.ceil(bytes.length / BLOCK)
  const steps = Math.ceil(n / k)
  const blocks: Uint8Array[] = Array.from({ length: steps * k }, (_, i) => {
    const block = new Uint8Array(BLOCK)
    block.set(bytes.subarray(i * BLOCK, (i + 1) * BLOCK))
    return block
  })
  for (let step = 0; step < steps; step++) {
    const word = Array.from({ length: k }, (_, i) => blocks[i * steps + step] as Uint8Array)
    leopardTwin.encode(word, m).forEach((parity, j) => (blocks[(k + j) * steps + step] = parity))
  }
  const digests = blocks.map((block, i) => sha256(i >= n && i < steps * k ? new Uint8Array(0) : block))
  const padded = nextPowerOfTwo(steps)
  const slotBlocks = Array.from({ length: k + m }, (_, slot) =>
    Array.from({ length: padded }, (__, i) =>
      i < steps ? (blocks[slot * steps + i] as Uint8Array) : new Uint8Array(BLOCK),
    ),
  )
  const slotLeaves = slotBlocks.map((own) => own.map((block) => root(cellHashes(block))))
  const slotRoots = slotLeaves.map(root)
  return {
    steps,
    digests,
    originalRoot: byteRoot(digests.slice(0, n)),
    protectedRoot: byteRoot(digests),
    slotLeaves,
    slotRoots,
    datasetRoot: root(slotRoots),
    slotBlocks,
  }
}

/** §8.2. */
export function twinCells(entropy: bigint, slotRoot: bigint, cellCount: number, samples: number): number[] {
  return Array.from({ length: samples }, (_, i) =>
    Number(poseidon2Twin.sponge([entropy, slotRoot, BigInt(i + 1)]) % BigInt(cellCount)),
  )
}

/** §8.4, as an object with the circuit's names. */
export function twinInputs(dataset: TwinDataset, slot: number, challenge: Uint8Array): Record<string, unknown> {
  const entropy = [...challenge.subarray(0, 31)].reduce((sum, byte, i) => sum + BigInt(byte) * 256n ** BigInt(i), 0n)
  const blocks = dataset.slotBlocks[slot] ?? []
  const slotRoot = dataset.slotRoots[slot] ?? 0n
  const cells = twinCells(entropy, slotRoot, blocks.length * 32, 5)
  const filled = (values: readonly bigint[], length: number): bigint[] => [
    ...values,
    ...Array.from({ length: length - values.length }, () => 0n),
  ]
  return {
    entropy,
    dataSetRoot: dataset.datasetRoot,
    slotIndex: slot,
    slotRoot,
    nCellsPerSlot: blocks.length * 32,
    nSlotsPerDataSet: dataset.slotRoots.length,
    slotProof: filled(path(dataset.slotRoots, slot), 8),
    cellData: cells.map((cell) => {
      const block = blocks[Math.floor(cell / 32)] ?? new Uint8Array()
      return elements(block.subarray((cell % 32) * CELL, ((cell % 32) + 1) * CELL))
    }),
    merklePaths: cells.map((cell) => {
      const at = Math.floor(cell / 32)
      const inBlock = path(cellHashes(blocks[at] ?? new Uint8Array()), cell % 32)
      return filled([...inBlock, ...path(dataset.slotLeaves[slot] ?? [], at)], 32)
    }),
  }
}

/** §2.1 over any compression. */
function layersOf<Node>(
  leaves: readonly Node[],
  compress: (x: Node, y: Node | undefined, key: number) => Node,
): Node[][] {
  const layers = [[...leaves]]
  for (;;) {
    const below = layers.at(-1) ?? []
    if (layers.length > 1 && below.length === 1) return layers
    const key = layers.length === 1 ? 1 : 0
    const above: Node[] = []
    for (let i = 0; i < below.length; i += 2) {
      const isOdd = i + 1 === below.length
      above.push(compress(below[i] as Node, below[i + 1], isOdd ? key + 2 : key))
    }
    layers.push(above)
  }
}

const layers = (leaves: readonly bigint[]): bigint[][] => layersOf(leaves, (x, y, key) => compress(x, y ?? 0n, key))
const root = (leaves: readonly bigint[]): bigint => layers(leaves).at(-1)?.[0] ?? 0n

/** §2.2. */
function path(leaves: readonly bigint[], index: number): bigint[] {
  return layers(leaves)
    .slice(0, -1)
    .map((layer, depth) => layer[Math.floor(index / 2 ** depth) ^ 1] ?? 0n)
}

/** §2.3. */
export function byteRoot(leaves: readonly Uint8Array[]): Uint8Array {
  const tree = layersOf(leaves, (x, y, key) => sha256(concatBytes(x, y ?? new Uint8Array(32), Uint8Array.of(key))))
  return tree.at(-1)?.[0] ?? new Uint8Array()
}

/** §2.6. */
function elements(bytes: Uint8Array): bigint[] {
  const all: bigint[] = []
  for (let at = 0; at <= bytes.length; at += 31) {
    const chunk = [...bytes.subarray(at, at + 31)]
    if (chunk.length < 31) chunk.push(1)
    all.push(chunk.reduce((sum, byte, i) => sum + BigInt(byte) * 256n ** BigInt(i), 0n))
  }
  return all
}

const remembered = new Map<string, bigint>()

function compress(x: bigint, y: bigint, key: number): bigint {
  return recall(`${x},${y},${key}`, () => poseidon2Twin.compress(x, y, BigInt(key)))
}

function cellHashes(block: Uint8Array): bigint[] {
  return Array.from({ length: 32 }, (_, i) => {
    const cell = block.subarray(i * CELL, (i + 1) * CELL)
    return recall(toHex(sha256(cell)), () => poseidon2Twin.sponge(elements(cell)))
  })
}

function recall(name: string, compute: () => bigint): bigint {
  const known = remembered.get(name) ?? compute()
  remembered.set(name, known)
  return known
}

function nextPowerOfTwo(value: number): number {
  let power = 1
  while (power < value) power *= 2
  return power
}
