// IdbDatastore on a fake IndexedDB, for the speed of a unit test. The proof is its .browser twin.

import 'fake-indexeddb/auto'

import { IdbDatastore } from '../../src/platform/browser/idbdatastore.ts'
import { datastoreSuite } from '../suites/datastore.ts'
import { freshName, idbDatastoreSuite } from '../suites/idbdatastore.ts'

datastoreSuite('IdbDatastore on a fake IndexedDB', {
  open: async () => {
    const name = freshName()
    const { signal } = new AbortController()
    const store = await IdbDatastore.open(name, { signal })
    return { store, reopen: () => IdbDatastore.open(name, { signal }), teardown: () => store.close() }
  },
})

idbDatastoreSuite('IdbDatastore on a fake IndexedDB')
