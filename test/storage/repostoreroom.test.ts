// The RepoStore when its slab has no room left: what does not fit fails alone, and what fits goes in afterwards.

import { expect, test } from 'vitest'
import { KiB, MiB } from '../../src/lib/units.ts'
import type { Datastore } from '../../src/storage/datastore.ts'
import { DatastoreSlabFile } from '../../src/storage/datastoreslabfile.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { namespace } from '../../src/storage/namespace.ts'
import { textKey } from '../../src/storage/storagekey.ts'
import type { VerifiedBlock } from '../../src/storage/verifiedblock.ts'
import { hashBlocks } from '../../src/storage/verifiedblock.ts'
import { CappedDatastore } from '../fakes/cappeddatastore.ts'
import { expectAllBytes, expectBytes } from '../fakes/expectbytes.ts'
import type { TestStore } from '../fakes/memorystore.ts'
import { NEVER, TEST_HASHER, collect, seededBytes, streamOf, testStore } from '../fakes/memorystore.ts'

const BLOCK = 64 * KiB
/** Of the slab, or of slab and index. */
const CAPACITY_BYTES = 4 * MiB
const TOO_MUCH_BYTES = 12 * MiB

const layouts: Record<string, () => Promise<TestStore>> = {
  'a slab of its own': async () => {
    const slab = await DatastoreSlabFile.open(new CappedDatastore(CAPACITY_BYTES))
    return testStore({ datastore: new MemoryDatastore(), slab })
  },
  'a slab that shares the room with the index': async () => {
    const datastore: Datastore = new CappedDatastore(CAPACITY_BYTES)
    const slab = await DatastoreSlabFile.open(namespace(datastore, textKey('slab/')))
    return testStore({ datastore, slab })
  },
}

const blocks = (count: number, seed: number): Promise<VerifiedBlock[]> =>
  hashBlocks(
    TEST_HASHER,
    Array.from({ length: count }, (_, i) => seededBytes(BLOCK, seed * 1000 + i)),
  )

test.each(Object.entries(layouts))('%s: a put that fits works after one that did not', async (_, open) => {
  const { repo, slab } = await open()
  const first = await blocks(4, 1)
  await repo.putMany(first)
  const tooMany = await blocks(100, 2)
  for (let i = 0; i < 2; i++) await expect(repo.putMany(tooMany)).rejects.toMatchObject({ code: 'slab/full' })
  expect(await slab.size()).toBe(4 * BLOCK)
  const [small] = await blocks(1, 3)
  expect(await repo.put(small as VerifiedBlock)).toBe('stored')
  const all = [...first, small as VerifiedBlock]
  expectAllBytes(
    await repo.getMany(all.map(({ cid }) => cid)),
    all.map(({ bytes }) => bytes),
  )
  expect((await repo.recount({ signal: NEVER })).problems).toEqual([])
})

test.each(Object.entries(layouts))(
  '%s: puts under way at the same time keep what they were promised',
  async (_, open) => {
    const { repo } = await open()
    const groups = await Promise.all([3, 100, 5, 90, 7].map((count, i) => blocks(count, i + 1)))
    const settled = await Promise.allSettled(groups.map((group) => repo.putMany(group)))
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'])
    const kept = groups.filter((_group, i) => settled[i]?.status === 'fulfilled').flat()
    expectAllBytes(
      await repo.getMany(kept.map(({ cid }) => cid)),
      kept.map(({ bytes }) => bytes),
    )
    expect((await repo.recount({ signal: NEVER })).problems).toEqual([])
  },
)

test.each(Object.entries(layouts))('%s: an upload that does not fit leaves the room it found', async (_, open) => {
  const { repo, datasets, slab } = await open()
  const small = seededBytes(MiB, 1)
  const before = await datasets.upload(streamOf(small), { signal: NEVER, filename: 'before' })
  const sizeBefore = await slab.size()
  await expect(datasets.upload(streamOf(seededBytes(TOO_MUCH_BYTES, 2)), { signal: NEVER })).rejects.toMatchObject({
    code: 'slab/full',
  })
  expect(await slab.size()).toBe(sizeBefore)
  const other = seededBytes(MiB, 3)
  const after = await datasets.upload(streamOf(other), { signal: NEVER, filename: 'after' })
  expectBytes(await collect(datasets.read(before.cid, { signal: NEVER })), small)
  expectBytes(await collect(datasets.read(after.cid, { signal: NEVER })), other)
  expect(await datasets.remove(before.cid, { signal: NEVER })).toBe('removed')
  expect((await repo.recount({ signal: NEVER })).problems).toEqual([])
})
