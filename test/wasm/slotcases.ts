// The end-to-end cases of test/vectors/slots.json as inputs of the full circuit: bytes by the file's rule, parity by the slow
// twin, cells by data reference §2.6. Nothing of the slots' room is used.

import { FULL_CIRCUIT } from '../../wasm/circuit/templates.ts'
import { leopardTwin } from '../../wasm/leopard/leopardtwin.ts'
import { type Hashes, type Inputs, storageProofInputs } from '../proving/storageproof.ts'
import vectors from '../vectors/slots.json' with { type: 'json' }

type Case = (typeof vectors.cases)[number]

const CHUNK_BYTES = 31

export const SLOT_CASES: readonly Case[] = vectors.cases

export function inputsOfCase(hashes: Hashes, data: Case): Inputs {
  const { slotIndex, entropy } = data.proof
  const slotRoots = data.slots.map(({ slotRoot }) => BigInt(slotRoot))
  const cells = slotBlocks(data, slotIndex).flatMap((block) => cellsOf(block, data.cellSize))
  return storageProofInputs(hashes, FULL_CIRCUIT, { slotRoots, slotIndex, slot: { cells } }, BigInt(entropy))
}

/** The slot's blocks (§5.1), with those of padding. */
function slotBlocks(data: Case, slotIndex: number): Uint8Array[] {
  const { blockSize, ecK, ecM, steps, numSlotBlocksTotal } = data
  const rows = originalBlocks(data)
  const blocks = Array.from({ length: steps }, (_, step) => {
    const word = Array.from({ length: ecK }, (__, i) => rows[i * steps + step] ?? new Uint8Array(blockSize))
    return [...word, ...leopardTwin.encode(word, ecM)][slotIndex] ?? new Uint8Array()
  })
  while (blocks.length < numSlotBlocksTotal) blocks.push(new Uint8Array(blockSize))
  return blocks
}

function originalBlocks({ datasetSize, blockSize, originalBlocks: count, seed }: Case): Uint8Array[] {
  return Array.from({ length: count }, (_, block) => {
    const bytes = new Uint8Array(blockSize)
    for (let at = 0; at < blockSize; at++) {
      const i = block * blockSize + at
      if (i < datasetSize) bytes[at] = i * 131 + Math.floor(i / 256) * 17 + Math.floor(i / 65536) * 29 + 7 + seed * 53
    }
    return bytes
  })
}

function cellsOf(block: Uint8Array, cellSize: number): bigint[][] {
  return Array.from({ length: block.length / cellSize }, (_, i) => {
    const cell = [...block.subarray(i * cellSize, (i + 1) * cellSize), 1]
    const chunks = Math.ceil(cell.length / CHUNK_BYTES)
    return Array.from({ length: chunks }, (__, j) =>
      cell.slice(j * CHUNK_BYTES, (j + 1) * CHUNK_BYTES).reduceRight((value, byte) => value * 256n + BigInt(byte), 0n),
    )
  })
}
