// What a worker hashes with Poseidon2, in slices. It knows no slot; which jobs there are and who waits for them is not its business.

import { concatBytes } from '../lib/bytes.ts'
import { loadOnce } from '../lib/loadonce.ts'
import type { Bytes } from '../lib/units.ts'
import type { JobContext, SlicedJobs } from '../workers/performjobs.ts'
import { transfer } from '../workers/transfer.ts'
import { ELEMENT_BYTES } from './fieldelements.ts'

/** Elements are 32 little-endian bytes; what comes in was checked by whoever sent it. */
export interface BlockHashes {
  /** In order of cells, block after block. */
  readonly cellHashes: Uint8Array
  /** In order of blocks. */
  readonly blockHashes: Uint8Array
}

export interface HashJobs {
  /** Blocks of any sizes that are multiples of `cellSize`, which is at most {@link SLICE_BYTES}. */
  hashBlocks(blocks: readonly Uint8Array[], cellSize: Bytes): Promise<BlockHashes>
  /**
   * Layers of a Merkle tree above `nodes`, bottom first: the one above, or all up to the root.
   * @param isBottom whether `nodes` are the leaves of the tree
   */
  layersAbove(nodes: Uint8Array, isBottom: boolean, upTo: 'next' | 'root'): Promise<Uint8Array>
  /** The sponge over each list; a list is one slice. */
  sponges(messages: readonly (readonly bigint[])[]): Promise<bigint[]>
  /** Which variant of the kernel this worker runs; loads it if need be. */
  hashVariant(): Promise<string>
}

/** What these jobs need of a Poseidon2 kernel; synchronous, none of its results shares memory with it. */
export interface HashKernel {
  readonly variant: string
  /** @param bytes whole blocks, one after the other */
  hashBlocks(bytes: Uint8Array, blockSize: Bytes, cellSize: Bytes): BlockHashes
  /** The layer above; a long layer may be passed in pieces of an even number of nodes. */
  merkleLayer(nodes: Uint8Array, isBottom: boolean): Uint8Array
  sponge(elements: readonly bigint[]): bigint
}

/** Block bytes hashed between two checkpoints: some 7 to 12 ms where we measured, so a device three times slower stays below 50 ms. */
export const SLICE_BYTES: Bytes = 65_536
/** Nodes compressed between two checkpoints, in pairs: about as long as a slice of blocks. */
export const SLICE_NODES = 2048
/** Elements absorbed between two checkpoints, in pairs: the same. */
export const SLICE_ELEMENTS = 2048

/** @param load called at the first job; a failure is that job's, the next one tries anew */
export function hashJobs(load: () => Promise<HashKernel>): SlicedJobs<HashJobs> {
  const loaded = loadOnce(load)
  return {
    hashBlocks: async (job, blocks, cellSize) => {
      const kernel = await loaded()
      const hashes: BlockHashes[] = []
      let spent: Bytes = 0
      for (const block of blocks) {
        if (spent + block.length > SLICE_BYTES) {
          await job.checkpoint()
          spent = 0
        }
        hashes.push(await hashBlock(kernel, job, block, cellSize))
        spent += block.length
      }
      const all = {
        cellHashes: concatBytes(...hashes.map(({ cellHashes }) => cellHashes)),
        blockHashes: concatBytes(...hashes.map(({ blockHashes }) => blockHashes)),
      }
      return transfer(all, [all.cellHashes.buffer, all.blockHashes.buffer])
    },
    layersAbove: async (job, nodes, isBottom, upTo) => {
      const kernel = await loaded()
      const layers = upTo === 'root' ? await allLayers(kernel, job, nodes, isBottom) : []
      if (upTo === 'next') layers.push(await layerAbove(kernel, job, nodes, isBottom))
      const all = concatBytes(...layers)
      return transfer(all, [all.buffer])
    },
    sponges: async (job, messages) => {
      const kernel = await loaded()
      const hashes: bigint[] = []
      let spent = 0
      for (const message of messages) {
        if (spent + message.length > SLICE_ELEMENTS) {
          await job.checkpoint()
          spent = 0
        }
        hashes.push(kernel.sponge(message))
        spent += message.length + 1
      }
      return hashes
    },
    hashVariant: async () => (await loaded()).variant,
  }
}

/** A block larger than a slice is hashed piece by piece, its tree afterwards. */
async function hashBlock(
  kernel: HashKernel,
  job: JobContext,
  block: Uint8Array,
  cellSize: Bytes,
): Promise<BlockHashes> {
  if (block.length <= SLICE_BYTES) return kernel.hashBlocks(block, block.length, cellSize)
  const pieceBytes = SLICE_BYTES - (SLICE_BYTES % cellSize)
  const pieces: Uint8Array[] = []
  for (let at = 0; at < block.length; at += pieceBytes) {
    const piece = block.subarray(at, at + pieceBytes)
    pieces.push(kernel.hashBlocks(piece, piece.length, cellSize).cellHashes)
    await job.checkpoint()
  }
  const cellHashes = concatBytes(...pieces)
  const layers = await allLayers(kernel, job, cellHashes, true)
  return { cellHashes, blockHashes: layers.at(-1) ?? cellHashes }
}

/** Without `nodes` themselves. The leaves have a layer above even when there is only one. */
async function allLayers(
  kernel: HashKernel,
  job: JobContext,
  nodes: Uint8Array,
  isBottom: boolean,
): Promise<Uint8Array[]> {
  const layers: Uint8Array[] = []
  let layer = nodes
  while (layer.length > ELEMENT_BYTES || (isBottom && layers.length === 0)) {
    layer = await layerAbove(kernel, job, layer, isBottom && layers.length === 0)
    layers.push(layer)
  }
  return layers
}

async function layerAbove(
  kernel: HashKernel,
  job: JobContext,
  nodes: Uint8Array,
  isBottom: boolean,
): Promise<Uint8Array> {
  const sliceBytes = SLICE_NODES * ELEMENT_BYTES
  if (nodes.length <= sliceBytes) return kernel.merkleLayer(nodes, isBottom)
  const pieces: Uint8Array[] = []
  for (let at = 0; at < nodes.length; at += sliceBytes) {
    pieces.push(kernel.merkleLayer(nodes.subarray(at, at + sliceBytes), isBottom))
    await job.checkpoint()
  }
  return concatBytes(...pieces)
}
