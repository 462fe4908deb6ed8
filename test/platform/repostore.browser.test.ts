// The RepoStore over what a tab has: IndexedDB for the index, OPFS for the bytes, and IndexedDB for both where OPFS is missing.

import { IdbDatastore } from '../../src/platform/browser/idbdatastore.ts'
import { OpfsSlabFile } from '../../src/platform/browser/opfsslabfile.ts'
import { DatastoreSlabFile } from '../../src/storage/datastoreslabfile.ts'
import type { SlabFile } from '../../src/storage/slabfile.ts'
import { NEVER } from '../fakes/memorystore.ts'
import { repoStoreSuite } from '../suites/repostore.ts'

let names = 0

function overIndexedDb(
  what: string,
  openSlab: (name: string) => Promise<SlabFile>,
  remove: (name: string) => Promise<void>,
) {
  repoStoreSuite(what, async () => {
    const name = `repostore-${what.replaceAll(' ', '-')}-${++names}`
    const openBoth = async () => ({
      datastore: await IdbDatastore.open(name, { signal: NEVER }),
      slab: await openSlab(`${name}.slab`),
    })
    let open = await openBoth()
    const close = async (): Promise<void> => {
      await open.slab.close()
      await open.datastore.close()
    }
    return {
      ...open,
      reopen: async () => {
        await close()
        open = await openBoth()
        return open
      },
      teardown: async () => {
        await close()
        await deleteDatabase(name)
        await remove(`${name}.slab`)
      },
    }
  })
}

overIndexedDb(
  'IndexedDB and OPFS',
  (name) => OpfsSlabFile.open(name),
  async (name) => (await navigator.storage.getDirectory()).removeEntry(name),
)

overIndexedDb(
  'IndexedDB alone',
  async (name) => {
    const store = await IdbDatastore.open(name, { signal: NEVER })
    return DatastoreSlabFile.open(store, { release: () => store.close() })
  },
  deleteDatabase,
)

function deleteDatabase(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name)
    request.onsuccess = () => resolve()
    request.onerror = () => reject(request.error ?? new Error(`${name} cannot be deleted`))
  })
}
