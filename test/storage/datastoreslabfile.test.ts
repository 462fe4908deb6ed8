import { expect, test } from 'vitest'
import { DatastoreSlabFile, PAGE_BYTES, WRITE_COMMIT_BYTES } from '../../src/storage/datastoreslabfile.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { CappedDatastore } from '../fakes/cappeddatastore.ts'
import { expectAllBytes, expectBytes } from '../fakes/expectbytes.ts'
import { pattern, slabFileSuite } from '../suites/slabfile.ts'

slabFileSuite('DatastoreSlabFile', {
  modelRuns: 60,
  place: async () => {
    const store = new MemoryDatastore()
    return { open: () => DatastoreSlabFile.open(store), remove: () => store.close() }
  },
})

const PAGE_COUNT = WRITE_COMMIT_BYTES / PAGE_BYTES

test('a write is one commit, a larger one several of bounded size', async () => {
  const store = new CappedDatastore(Infinity)
  const file = await DatastoreSlabFile.open(store)
  await file.write([1, 5, 9].map((page) => ({ offset: page * PAGE_BYTES - 5, bytes: pattern(10, page) })))
  expect(store.commits).toBe(1)
  await file.flush()
  expect(store.commits).toBe(1)
  await file.write([{ offset: 1, bytes: new Uint8Array(3 * WRITE_COMMIT_BYTES) }])
  expect(store.commits).toBe(1 + 4)
  expect(store.largestCommit).toBeLessThanOrEqual(PAGE_COUNT + 1)
})

test('a write for which there is no room is slab/full, and harms nothing that was written before', async () => {
  const store = new CappedDatastore(20 * PAGE_BYTES)
  const file = await DatastoreSlabFile.open(store)
  await file.write([{ offset: 0, bytes: pattern(PAGE_BYTES + 100) }])
  const tooLarge = [{ offset: PAGE_BYTES + 100, bytes: pattern(20 * PAGE_BYTES, 2) }]
  for (let i = 0; i < 3; i++) await expect(file.write(tooLarge)).rejects.toMatchObject({ code: 'slab/full' })
  await file.flush()
  const [first] = await file.read([{ offset: 0, length: PAGE_BYTES + 100 }])
  expectBytes(first, pattern(PAGE_BYTES + 100))
})

test('after a write for which there was no room a smaller one goes through, without or with a truncation', async () => {
  for (const cuts of [false, true]) {
    const store = new CappedDatastore(20 * PAGE_BYTES)
    const file = await DatastoreSlabFile.open(store)
    await file.write([{ offset: 0, bytes: pattern(100) }])
    await expect(file.write([{ offset: 100, bytes: new Uint8Array(40 * PAGE_BYTES) }])).rejects.toMatchObject({
      code: 'slab/full',
    })
    if (cuts) await file.truncate(100)
    await file.write([{ offset: 100, bytes: pattern(PAGE_BYTES, 3) }])
    await file.flush()
    await file.close()
    const again = await DatastoreSlabFile.open(store)
    const read = await again.read([
      { offset: 0, length: 100 },
      { offset: 100, length: 2 * PAGE_BYTES },
    ])
    expectAllBytes(read, [pattern(100), pattern(PAGE_BYTES, 3)])
  }
})

test('of writes that overlap in time only the one without room fails; the flushes of the others tell the truth', async () => {
  const store = new CappedDatastore(20 * PAGE_BYTES)
  const file = await DatastoreSlabFile.open(store)
  const stored = async (offset: number, bytes: Uint8Array): Promise<void> => {
    await file.write([{ offset, bytes }])
    await file.flush()
  }
  const settled = await Promise.allSettled([
    stored(0, pattern(PAGE_BYTES, 1)),
    stored(10 * PAGE_BYTES, pattern(30 * PAGE_BYTES, 2)),
    stored(PAGE_BYTES, pattern(PAGE_BYTES, 3)),
  ])
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  const again = await DatastoreSlabFile.open(store)
  const read = await again.read([0, 1].map((page) => ({ offset: page * PAGE_BYTES, length: PAGE_BYTES })))
  expectAllBytes(read, [pattern(PAGE_BYTES, 1), pattern(PAGE_BYTES, 3)])
})

test('a file in a datastore without any room can be cut', async () => {
  const store = new CappedDatastore(20 * PAGE_BYTES)
  const file = await DatastoreSlabFile.open(store)
  await file.write([{ offset: 0, bytes: pattern(15 * PAGE_BYTES) }])
  // Less than what is there, so that no put finds room whatever is dropped with it.
  store.capacityBytes = 10 * PAGE_BYTES
  store.countsDrops = false
  await file.truncate(4 * PAGE_BYTES)
  expect(await file.size()).toBe(4 * PAGE_BYTES)
  const again = await DatastoreSlabFile.open(store)
  const [rest] = await again.read([{ offset: 0, length: 5 * PAGE_BYTES }])
  expectBytes(rest, pattern(15 * PAGE_BYTES).slice(0, 4 * PAGE_BYTES))
})

test('a broken size record is a typed error', async () => {
  const store = new MemoryDatastore()
  await store.commit([{ put: new TextEncoder().encode('s'), value: new Uint8Array(8).fill(255) }])
  await expect(DatastoreSlabFile.open(store)).rejects.toMatchObject({ code: 'slab/failed' })
})
