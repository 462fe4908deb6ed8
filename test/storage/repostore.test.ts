import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { MemorySlabFile } from '../../src/storage/memoryslabfile.ts'
import { repoStoreSuite } from '../suites/repostore.ts'

repoStoreSuite('memory', async () => {
  const stores = { datastore: new MemoryDatastore(), slab: new MemorySlabFile() }
  return { ...stores, reopen: async () => stores, teardown: async () => undefined }
})
