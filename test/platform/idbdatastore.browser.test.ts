// IdbDatastore and namespaces of it on the browser's IndexedDB, held to the law of the seam.

import { IdbDatastore } from '../../src/platform/browser/idbdatastore.ts'
import { MAX_KEY_BYTES } from '../../src/storage/datastore.ts'
import { namespace } from '../../src/storage/namespace.ts'
import { textKey } from '../../src/storage/storagekey.ts'
import { datastoreSuite } from '../suites/datastore.ts'
import { deleteDatabase, freshName, idbDatastoreSuite } from '../suites/idbdatastore.ts'

async function openDatabase() {
  const name = freshName()
  const { signal } = new AbortController()
  const store = await IdbDatastore.open(name, { signal })
  const teardown = async () => {
    await store.close()
    await deleteDatabase(name)
  }
  return { store, reopen: () => IdbDatastore.open(name, { signal }), teardown }
}

datastoreSuite('IdbDatastore', { open: openDatabase })

const PREFIX = textKey('part/')

datastoreSuite('namespace(IdbDatastore)', {
  features: { maxKeyBytes: MAX_KEY_BYTES - PREFIX.length, closes: false, manyKeys: 20_000 },
  open: async () => {
    const { store, teardown } = await openDatabase()
    return { store: namespace(store, PREFIX), teardown }
  },
})

idbDatastoreSuite('IdbDatastore')
