import { expect, test } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import type { Datastore } from '../../src/storage/datastore.ts'
import { DatastoreSlabFile, MAX_BUFFERED_BYTES, PAGE_BYTES } from '../../src/storage/datastoreslabfile.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { pattern, slabFileSuite } from '../suites/slabfile.ts'

slabFileSuite('DatastoreSlabFile', {
  modelRuns: 60,
  place: async () => {
    const store = new MemoryDatastore()
    return { open: () => DatastoreSlabFile.open(store), remove: () => store.close() }
  },
})

/** A datastore that says it is full while `state.isFull`, and counts what it was asked to commit. */
function bounded(): { store: Datastore; state: { isFull: boolean; commits: number; largestCommit: number } } {
  const state = { isFull: false, commits: 0, largestCommit: 0 }
  const inner = new MemoryDatastore()
  const store: Datastore = {
    get: (key) => inner.get(key),
    getMany: (keys) => inner.getMany(keys),
    entries: (prefix, options) => inner.entries(prefix, options),
    close: () => inner.close(),
    commit: async (changes, options) => {
      if (state.isFull) throw new CodexError('datastore/full', 'no room')
      state.commits++
      state.largestCommit = Math.max(state.largestCommit, changes.length)
      await inner.commit(changes, options)
    },
  }
  return { store, state }
}

test('small writes wait for the flush and then are one commit', async () => {
  const { store, state } = bounded()
  const file = await DatastoreSlabFile.open(store)
  for (let i = 0; i < 50; i++) await file.write([{ offset: i * 1000, bytes: pattern(1000, i) }])
  expect(state.commits).toBe(0)
  await file.flush()
  expect(state.commits).toBe(1)
  await file.flush()
  expect(state.commits).toBe(1)
})

test('never buffers more than its bound', async () => {
  const { store, state } = bounded()
  const file = await DatastoreSlabFile.open(store)
  await file.write([{ offset: 1, bytes: new Uint8Array(3 * MAX_BUFFERED_BYTES) }])
  expect(state.commits).toBeGreaterThanOrEqual(3)
  expect(state.largestCommit).toBeLessThanOrEqual(MAX_BUFFERED_BYTES / PAGE_BYTES + 1)
})

test('a full datastore is slab/full; what was written before stays readable and is kept by the next flush', async () => {
  const { store, state } = bounded()
  const file = await DatastoreSlabFile.open(store)
  await file.write([{ offset: 0, bytes: pattern(100) }])
  state.isFull = true
  await expect(file.flush()).rejects.toMatchObject({ code: 'slab/full' })
  await expect(file.write([{ offset: 100, bytes: new Uint8Array(2 * MAX_BUFFERED_BYTES) }])).rejects.toMatchObject({
    code: 'slab/full',
  })
  expect(await file.read([{ offset: 0, length: 100 }])).toEqual([pattern(100)])
  state.isFull = false
  await file.truncate(100)
  await file.flush()
  await file.close()
  const again = await DatastoreSlabFile.open(store)
  expect(await again.read([{ offset: 0, length: 1000 }])).toEqual([pattern(100)])
})

test('a broken size record is a typed error', async () => {
  const store = new MemoryDatastore()
  await store.commit([{ put: new TextEncoder().encode('s'), value: new Uint8Array(8).fill(255) }])
  await expect(DatastoreSlabFile.open(store)).rejects.toMatchObject({ code: 'slab/failed' })
})
