// LevelDatastore and namespaces of it, held to the law of the seam.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { LevelDatastore } from '../../src/platform/nodejs/leveldatastore.ts'
import { MAX_KEY_BYTES } from '../../src/storage/datastore.ts'
import { namespace } from '../../src/storage/namespace.ts'
import { textKey } from '../../src/storage/storagekey.ts'
import { datastoreSuite } from '../suites/datastore.ts'

async function openInFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'codex-light-level-'))
  const stores: LevelDatastore[] = []
  const reopen = async () => {
    const store = await LevelDatastore.open(folder)
    stores.push(store)
    return store
  }
  const teardown = async () => {
    await Promise.all(stores.map((store) => store.close()))
    await rm(folder, { recursive: true })
  }
  return { store: await reopen(), reopen, teardown }
}

datastoreSuite('LevelDatastore', { open: openInFolder })

const PREFIX = textKey('part/')

datastoreSuite('namespace(LevelDatastore)', {
  features: { maxKeyBytes: MAX_KEY_BYTES - PREFIX.length, closes: false },
  open: async () => {
    const { store, teardown } = await openInFolder()
    return { store: namespace(store, PREFIX), teardown }
  },
})
