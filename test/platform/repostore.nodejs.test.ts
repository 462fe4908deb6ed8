// The RepoStore over what a node in Node has: LevelDB and a plain file in one data folder.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDataFolder } from '../../src/platform/nodejs/datafolder.ts'
import { repoStoreSuite } from '../suites/repostore.ts'

repoStoreSuite('LevelDB and a file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'codex-light-'))
  let open = await openDataFolder(folder)
  const close = async (): Promise<void> => {
    await open.slab.close()
    await open.datastore.close()
    await open.release()
  }
  return {
    datastore: open.datastore,
    slab: open.slab,
    reopen: async () => {
      await close()
      open = await openDataFolder(folder)
      return open
    },
    teardown: async () => {
      await close()
      await rm(folder, { recursive: true })
    },
  }
})
