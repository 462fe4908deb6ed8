import { afterEach, expect, test, vi } from 'vitest'
import { IdbDatastore } from '../../src/platform/browser/idbdatastore.ts'
import { openSlabFile } from '../../src/platform/browser/openslabfile.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { DatastoreSlabFile } from '../../src/storage/datastoreslabfile.ts'
import { slabFileSuite } from '../suites/slabfile.ts'

const { signal } = new AbortController()
afterEach(() => vi.restoreAllMocks())

async function drop(name: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name)
    request.onsuccess = () => resolve()
    request.onerror = () => reject(request.error ?? new Error('not deleted'))
  })
}

slabFileSuite('DatastoreSlabFile on IndexedDB', {
  modelRuns: 12,
  place: async () => {
    const name = `codex-light-test-slab-${crypto.randomUUID()}`
    return {
      open: async () => {
        const store = await IdbDatastore.open(name, { signal })
        return DatastoreSlabFile.open(store, { release: () => store.close() })
      },
      remove: () => drop(name),
    }
  },
})

test('takes OPFS where there is one; one that is locked is an error, never a reason for another place', async () => {
  const datastore = new MemoryDatastore()
  const name = crypto.randomUUID()
  const file = await openSlabFile(name, { datastore, signal })
  expect(file.kind).toBe('opfs')
  await expect(openSlabFile(name, { datastore, signal })).rejects.toMatchObject({ code: 'slab/locked' })
  await file.close()
})

test('takes IndexedDB where there is none', async () => {
  vi.spyOn(navigator, 'storage', 'get').mockReturnValue(Object.create(null) as StorageManager)
  const datastore = new MemoryDatastore()
  const file = await openSlabFile(crypto.randomUUID(), { datastore, signal })
  expect(file.kind).toBe('indexeddb')
  await file.write([{ offset: 0, bytes: new Uint8Array([1, 2, 3]) }])
  await file.close()
  const again = await openSlabFile(crypto.randomUUID(), { datastore, signal })
  expect(await again.read([{ offset: 0, length: 9 }])).toEqual([new Uint8Array([1, 2, 3])])
})
