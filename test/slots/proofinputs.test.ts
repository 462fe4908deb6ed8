import { beforeAll, expect, test } from 'vitest'
import { treePath, treeRoot } from '../../src/slots/flattree.ts'
import { hashJobs } from '../../src/slots/hashjobs.ts'
import { PooledPoseidon2 } from '../../src/slots/pooledposeidon2.ts'
import { assembleProofInputs, proofInputs } from '../../src/slots/proofinputs.ts'
import type { ProvenSlot } from '../../src/slots/proofinputs.ts'
import { localPool } from '../../src/workers/localpool.ts'
import { loadPoseidon2 } from '../../wasm/poseidon2/loadposeidon2.ts'
import { noise } from '../wasm/leoparddata.ts'

const options = { signal: new AbortController().signal, rank: 'duty' } as const
const poseidon2 = new PooledPoseidon2(localPool(hashJobs(loadPoseidon2)))
const geometry = { slotCount: 1, slotBlocks: 2, paddedBlocks: 2, cellsPerBlock: 32, cellCount: 64, slotBytes: 131_072 }
const blocks = noise(2, 65_536, 8)

let slot: ProvenSlot
const reads: number[] = []
beforeAll(async () => {
  const leaves = await poseidon2.hashBlocks(blocks, 2048, options)
  const nodes = await poseidon2.merkleNodes(leaves, options)
  slot = {
    geometry,
    slotIndex: 0,
    verificationNodes: await poseidon2.merkleNodes(treeRoot(nodes), options),
    block: async (position) => {
      reads.push(position)
      return {
        bytes: blocks[position] ?? new Uint8Array(),
        path: treePath(nodes, 2, position),
        hash: leaves.subarray(32 * position, 32 * position + 32),
      }
    },
  }
})

test('each sampled block is read once', async () => {
  const inputs = await proofInputs(poseidon2, slot, 1n, options)
  expect(inputs.merklePaths).toHaveLength(5)
  expect(reads.splice(0).sort()).toEqual([0, 1])
})

test('a block that is not the one of the tree is named', async () => {
  const damaged = (blocks[1] ?? new Uint8Array()).slice()
  damaged[70] = (damaged[70] ?? 0) ^ 1
  const wrong: ProvenSlot = {
    ...slot,
    block: async (position) => {
      const block = await slot.block(position)
      return position === 1 ? { ...block, bytes: damaged } : block
    },
  }
  await expect(proofInputs(poseidon2, wrong, 1n, options)).rejects.toMatchObject({
    code: 'slots/block-disagrees',
    detail: { slotIndex: 0, position: 1 },
  })
})

test('a block that cannot be had is told as it was told', async () => {
  const gone = new Error('gone')
  const wrong: ProvenSlot = { ...slot, block: () => Promise.reject(gone) }
  await expect(proofInputs(poseidon2, wrong, 1n, options)).rejects.toBe(gone)
})

test('what the circuit has no room for is refused', () => {
  const parts = { entropy: 1n, geometry, slotIndex: 0, verificationNodes: slot.verificationNodes }
  const cell = new Uint8Array(2048)
  const assemble = (bytes: Uint8Array, pathLength: number): unknown =>
    assembleProofInputs({
      ...parts,
      samples: [
        { bytes: cell, path: [] },
        { bytes, path: Array<bigint>(pathLength).fill(1n) },
      ],
    })
  expect(() => assemble(cell, 33)).toThrow(expect.objectContaining({ code: 'slots/path-too-long' }) as Error)
  expect(() => assemble(new Uint8Array(2047), 6)).toThrow(
    expect.objectContaining({
      code: 'slots/bad-cell',
      detail: expect.objectContaining({ sample: 1 }) as object,
    }) as Error,
  )
  expect(assemble(cell, 32)).toMatchObject({ slotProof: Array<bigint>(8).fill(0n) })
  expect(() => assembleProofInputs({ ...parts, slotIndex: 1, samples: [] })).toThrow(
    expect.objectContaining({ code: 'slots/no-such-slot' }) as Error,
  )
})
