// The bare kernel on one block, over and over: the most that a thread can hash. The same in threads of Node and in workers of a page.

import { loadPoseidon2 } from '../../wasm/poseidon2/loadposeidon2.ts'
import { BLOCK_BYTES, CELL_BYTES, sampleBlock } from './poseidon2sides.ts'

/** What is sent to a hashing worker: how many blocks. It answers when they are hashed. */
export type HashOrder = number

/** @returns what hashes so many blocks */
export async function prepareHashing(): Promise<(blocks: HashOrder) => void> {
  const kernel = await loadPoseidon2()
  const block = sampleBlock()
  return (blocks) => {
    for (let i = 0; i < blocks; i++) kernel.hashBlocks(block, BLOCK_BYTES, CELL_BYTES)
  }
}
