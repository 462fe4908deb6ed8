// The test before the first sale: a place that keeps what it is given is left as it was, and one that does not is refused by name.

import { expect, test } from 'vitest'
import { KiB, MiB } from '../../src/lib/units.ts'
import { DatastoreSlabFile } from '../../src/storage/datastoreslabfile.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { MemorySlabFile } from '../../src/storage/memoryslabfile.ts'
import { hashBlocks } from '../../src/storage/verifiedblock.ts'
import { CappedDatastore } from '../fakes/cappeddatastore.ts'
import { expectAllBytes } from '../fakes/expectbytes.ts'
import { NEVER, TEST_HASHER, memoryStore, seededBytes, testStore } from '../fakes/memorystore.ts'

const BLOCK = 64 * KiB
const random = { bytes: (length: number) => seededBytes(length, 77) }

test('a place that keeps what is written to it is as it was afterwards, blocks and size alike', async () => {
  const { repo, slab } = memoryStore()
  const blocks = await hashBlocks(TEST_HASHER, [seededBytes(BLOCK, 1), seededBytes(BLOCK, 2)])
  await repo.putMany(blocks)
  await repo.probe(random)
  expect(await slab.size()).toBe(2 * BLOCK)
  expectAllBytes(
    await repo.getMany(blocks.map(({ cid }) => cid)),
    blocks.map(({ bytes }) => bytes),
  )
  expect((await repo.recount({ signal: NEVER })).problems).toEqual([])
})

test('a place without room, and one that gives back other bytes, are refused', async () => {
  const full = await DatastoreSlabFile.open(new CappedDatastore(MiB))
  const { repo } = testStore({ datastore: new MemoryDatastore(), slab: full })
  await expect(repo.probe(random)).rejects.toMatchObject({
    code: 'slab/probe-failed',
    cause: { code: 'slab/full' },
  })
  const forgetful = new MemorySlabFile()
  const read = forgetful.read.bind(forgetful)
  forgetful.read = async (ranges) => (await read(ranges)).map((bytes) => new Uint8Array(bytes.length))
  const other = testStore({ datastore: new MemoryDatastore(), slab: forgetful })
  await expect(other.repo.probe(random)).rejects.toMatchObject({ code: 'slab/probe-failed' })
})

test('a quota is raised and never lowered', async () => {
  const { repo } = memoryStore()
  const { quotaMaxBytes: before } = await repo.space()
  repo.raiseQuota(1)
  expect((await repo.space()).quotaMaxBytes).toBe(before)
  repo.raiseQuota(before + 2 * MiB)
  await repo.reserve(before + MiB)
  expect((await repo.space()).quotaMaxBytes).toBe(before + 2 * MiB)
  expect(() => repo.raiseQuota(-1)).toThrow('the storage quota')
})
