// Hashing the blocks of slots in batches: blocks that repeat are hashed once, and what is remembered of them may be forgotten at any time.

import { expect, it } from 'vitest'
import { concatBytes } from '../../src/lib/bytes.ts'
import { nextTask } from '../../src/lib/nexttask.ts'
import { blockCid } from '../../src/protocol/block.ts'
import type { Poseidon2 } from '../../src/slots/poseidon2.ts'
import { HASH_BATCH_BLOCKS, SlotHasher } from '../../src/slots/slothasher.ts'
import { EMPTY_BLOCK } from '../../src/storage/verifiedblock.ts'
import { NEVER, seededRandom } from '../fakes/memorystore.ts'

const OPTIONS = { signal: NEVER, rank: 'background' } as const
const ELEMENT = 32

/** The hash of a block of four bytes: eight times those. That of zeros, of whatever size, is zeros. */
function slowHashes(turns: () => number): Poseidon2 & { readonly hashed: Uint8Array[] } {
  const hashed: Uint8Array[] = []
  return {
    hashed,
    hashBlocks: async (blocks) => {
      hashed.push(...blocks)
      for (let turn = turns(); turn > 0; turn--) await nextTask()
      return concatBytes(...blocks.map(hashOf))
    },
    hashCells: () => Promise.reject(new Error('nobody asks for cells')),
    merkleNodes: () => Promise.reject(new Error('nobody asks for nodes')),
    sponges: () => Promise.reject(new Error('nobody asks for sponges')),
  }
}

function hashOf(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: ELEMENT }, (_, i) => bytes[i % 4] ?? 0)
}

function blockOf(number: number) {
  const bytes = Uint8Array.of(number & 255, number >> 8, 1, 2)
  return { cid: blockCid(bytes), bytes }
}

it.each([1, 7, HASH_BATCH_BLOCKS])('is right when only %i hashes are remembered and blocks repeat', async (limit) => {
  const random = seededRandom(limit)
  const hasher = new SlotHasher(
    slowHashes(() => Math.floor(random() * 4)),
    OPTIONS,
    limit,
  )
  const lists = Array.from({ length: 6 }, (_, list) =>
    Array.from({ length: 3 * HASH_BATCH_BLOCKS }, (_, i) => {
      if (random() < 0.1) return EMPTY_BLOCK
      return blockOf(random() < 0.5 ? Math.floor(random() * 4) : 10 + i + 100 * list)
    }),
  )
  const found = await Promise.all(lists.map((blocks) => hasher.hash(blocks)))
  for (const [list, blocks] of lists.entries())
    expect(found[list]).toEqual(concatBytes(...blocks.map(({ bytes }) => hashOf(bytes))))
})

it('is right beyond what is remembered by default, and hashes a block that repeats once', async () => {
  const poseidon2 = slowHashes(() => 1)
  const hasher = new SlotHasher(poseidon2, OPTIONS)
  const repeated = blockOf(65_535)
  await hasher.hash([repeated])
  await hasher.hash(Array.from({ length: 100 }, () => repeated))
  expect(poseidon2.hashed).toHaveLength(1)
  const blocks = Array.from({ length: 6000 }, (_, i) => (i % 5 === 0 ? repeated : blockOf(i)))
  expect(await hasher.hash(blocks)).toEqual(concatBytes(...blocks.map(({ bytes }) => hashOf(bytes))))
})
