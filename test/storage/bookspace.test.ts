// Space set aside: what puts take from it, what dropping a list of leaves gives back, each in one commit.

import { expect, it } from 'vitest'
import { treeCid } from '../../src/protocol/merkletree.ts'
import type { Change } from '../../src/storage/datastore.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import type { SetAside } from '../../src/storage/putblocks.ts'
import { textKey } from '../../src/storage/storagekey.ts'
import type { VerifiedBlock } from '../../src/storage/verifiedblock.ts'
import { hashBlocks } from '../../src/storage/verifiedblock.ts'
import { CrashingSlabFile } from '../fakes/crashingslabfile.ts'
import { FaultyDatastore } from '../fakes/faultydatastore.ts'
import { NEVER, TEST_HASHER, memoryStore, seededBytes, streamOf, testStore } from '../fakes/memorystore.ts'

const SIZE = 65_536
const TREE = treeCid(seededBytes(32, 9))
const NOTE = textKey('test/note')

async function blocksOf(...seeds: number[]): Promise<VerifiedBlock[]> {
  return hashBlocks(
    TEST_HASHER,
    seeds.map((seed) => seededBytes(SIZE, seed)),
  )
}

/** Pays up to `left` bytes and notes in one record how many it has paid. */
function purse(left: number): SetAside & { readonly paid: number; readonly applied: number } {
  const purse = {
    paid: 0,
    applied: 0,
    check: (bytes: number) => {
      if (bytes > left) throw new RangeError(`${bytes} of ${left}`)
    },
    spend: (bytes: number) => {
      purse.check(purse.paid + bytes)
      purse.paid += bytes
      return {
        changes: [{ put: NOTE, value: Uint8Array.of(purse.paid / SIZE) }],
        applied: () => void purse.applied++,
      }
    },
  }
  return purse
}

it('moves only what a put really adds from reserved to used, with its record, in one commit', async () => {
  const faults = new FaultyDatastore(new MemoryDatastore())
  const { repo } = testStore({ datastore: faults, slab: new CrashingSlabFile() }, { quotaBytes: 10 * SIZE })
  await repo.putMany(await blocksOf(1))
  await repo.reserve(4 * SIZE)
  const setAside = purse(4 * SIZE)
  const before = faults.commits
  expect(await repo.putMany(await blocksOf(1, 2, 3, 2), { setAside })).toEqual([
    'present',
    'stored',
    'stored',
    'present',
  ])
  expect(faults.commits - before).toBe(1)
  expect(setAside).toMatchObject({ paid: 2 * SIZE, applied: 1 })
  expect(await faults.get(NOTE)).toEqual(Uint8Array.of(2))
  expect(await repo.space()).toMatchObject({ quotaUsedBytes: 3 * SIZE, quotaReservedBytes: 2 * SIZE })
})

it('tells of a put that adds nothing too', async () => {
  const { repo } = memoryStore()
  await repo.putMany(await blocksOf(1))
  const setAside = purse(0)
  await repo.putMany(await blocksOf(1), { setAside })
  expect(setAside.applied).toBe(1)
})

it('puts from what was set aside although nothing is free, and refuses what was not', async () => {
  const { repo, slab } = memoryStore({ quotaBytes: 2 * SIZE })
  await repo.reserve(2 * SIZE)
  await repo.putMany(await blocksOf(1), { setAside: purse(SIZE) })
  await expect(repo.putMany(await blocksOf(2))).rejects.toMatchObject({ code: 'store/quota-exceeded' })
  const calls = slab.calls
  await expect(repo.putMany(await blocksOf(2), { setAside: purse(SIZE - 1) })).rejects.toThrow(RangeError)
  expect(slab.calls).toBe(calls)
  expect(await repo.space()).toMatchObject({ quotaUsedBytes: SIZE, quotaReservedBytes: SIZE })
})

it('applies nothing when the commit fails', async () => {
  const faults = new FaultyDatastore(new MemoryDatastore())
  const { repo } = testStore({ datastore: faults, slab: new CrashingSlabFile() })
  await repo.reserve(SIZE)
  const setAside = purse(SIZE)
  faults.failAt(1, 'refused')
  await expect(repo.putMany(await blocksOf(1), { setAside })).rejects.toMatchObject({ code: 'datastore/failed' })
  expect(setAside.applied).toBe(0)
  expect(await repo.space()).toMatchObject({ quotaUsedBytes: 0, quotaReservedBytes: SIZE })
})

it('books what a decision asks for with its records, and nothing when it throws', async () => {
  const { repo, datastore } = memoryStore({ quotaBytes: 100 })
  const changes: Change[] = [{ put: NOTE, value: Uint8Array.of(7) }]
  const answer = await repo.book(async ({ free, counters }) => {
    expect(counters).toEqual({ blocks: 0, used: 0, reserved: 0 })
    return { reserve: free - 30, changes, result: 'done' }
  })
  expect(answer).toBe('done')
  expect(await datastore.get(NOTE)).toEqual(Uint8Array.of(7))
  const tooMuch = repo.book(async () => ({ reserve: 31, changes: [{ drop: NOTE }], result: 0 }))
  await expect(tooMuch).rejects.toMatchObject({ code: 'store/quota-exceeded' })
  const fails = repo.book(async () => {
    throw new RangeError('no')
  })
  await expect(fails).rejects.toThrow(RangeError)
  expect(await repo.space()).toMatchObject({ quotaReservedBytes: 70 })
  expect(await datastore.get(NOTE)).toEqual(Uint8Array.of(7))
})

it('commits nothing for a decision that changes nothing', async () => {
  const faults = new FaultyDatastore(new MemoryDatastore())
  const { repo } = testStore({ datastore: faults, slab: new CrashingSlabFile() })
  const before = faults.commits
  expect(await repo.book(async ({ free }) => ({ reserve: 0, changes: [], result: free }))).toBeGreaterThan(0)
  expect(faults.commits).toBe(before)
})

it('gives every list of leaves a number of its own', async () => {
  const { repo } = memoryStore()
  const number = () =>
    repo.book(async ({ newList }) => {
      const [id, taken] = await newList()
      return { reserve: 0, changes: [taken], result: id }
    })
  expect(new Set([await number(), await number(), await number()]).size).toBe(3)
})

it('drops a list page by page, deleting what nobody else refers to', async () => {
  const { repo } = memoryStore()
  const blocks = await blocksOf(1, 2, 3)
  const [first, second] = [101, 102]
  // 1 and 2 in one page, 3 in the next; another list needs 2.
  await repo.putMany(blocks, { leaves: { treeId: first, indices: [0, 5, 128] } })
  await repo.putMany(blocks.slice(1, 2), { leaves: { treeId: second, indices: [0] } })
  const drop = (listId: number, maxPages: number) =>
    repo.book(
      async ({ freed, hasMore }) => ({ reserve: freed, changes: [], result: { freed, hasMore } }),
      async () => ({ listId, maxPages }),
    )
  expect(await drop(first, 1)).toEqual({ freed: SIZE, hasMore: true })
  expect(await drop(first, 1)).toEqual({ freed: SIZE, hasMore: false })
  expect(await drop(first, 1)).toEqual({ freed: 0, hasMore: false })
  expect(await repo.space()).toMatchObject({ totalBlocks: 1, quotaUsedBytes: SIZE, quotaReservedBytes: 2 * SIZE })
  expect((await repo.recount({ signal: NEVER })).problems).toEqual([])
  expect(await drop(second, 9)).toEqual({ freed: SIZE, hasMore: false })
  expect(await repo.space()).toMatchObject({ totalBlocks: 0, quotaUsedBytes: 0 })
})

it('drops the same leaves of a tree, but for those that another list over it needs', async () => {
  const { repo, datastore } = memoryStore()
  const blocks = await blocksOf(1, 2)
  const path = [seededBytes(32, 1), seededBytes(32, 2)]
  const leaves = blocks.map(({ cid }, index) => ({ index, blockCid: cid, path }))
  await repo.putMany(blocks, { leaves: { treeId: 101, indices: [0, 1] } })
  await repo.putMany(blocks.slice(1), { leaves: { treeId: 102, indices: [1] } })
  await repo.putLeaves(TREE, 4, leaves)
  const drop = (listId: number, others: readonly number[]) =>
    repo.book(
      async ({ freed }) => ({ reserve: 0, changes: [], result: freed }),
      async () => ({
        listId,
        maxPages: 9,
        tree: TREE,
        others,
      }),
    )
  expect(await drop(101, [102])).toBe(SIZE)
  expect(await repo.getLeaves(TREE, [0, 1])).toEqual([undefined, blocks[1]?.cid])
  expect(await drop(102, [])).toBe(SIZE)
  expect(await repo.getLeaves(TREE, [0, 1])).toEqual([undefined, undefined])
  // Nothing of the tree is left, neither its proofs nor itself.
  const keys: string[] = []
  for await (const [key] of datastore.entries(textKey('repo/'), { signal: NEVER }))
    keys.push(new TextDecoder().decode(key))
  expect(keys.filter((key) => !key.startsWith('repo/units/'))).toEqual([])
  expect((await repo.recount({ signal: NEVER })).problems).toEqual([])
})

it('leaves a tree alone that a dataset in the store holds', async () => {
  const { repo, datasets } = memoryStore()
  const [block] = await blocksOf(1)
  const { cid, manifest } = await datasets.upload(streamOf(seededBytes(SIZE, 1)), { signal: NEVER })
  await repo.putMany([block as VerifiedBlock], { leaves: { treeId: 101, indices: [0] } })
  const freed = await repo.book(
    async ({ freed }) => ({ reserve: 0, changes: [], result: freed }),
    async () => ({
      listId: 101,
      maxPages: 9,
      tree: manifest.treeCid,
    }),
  )
  expect(freed).toBe(0)
  expect(await repo.getAt(manifest.treeCid, [0])).toEqual([block?.bytes])
  expect(await datasets.remove(cid, { signal: NEVER })).toBe('removed')
  expect(await repo.space()).toMatchObject({ totalBlocks: 0 })
})
