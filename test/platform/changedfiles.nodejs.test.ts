import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { onTestFinished } from 'vitest'
import { download } from '../../src/platform/nodejs/download.ts'
import { FileArtefacts, openFileSource } from '../../src/platform/nodejs/fileartefacts.ts'
import { changedFilesSuite } from '../suites/changedfiles.ts'

changedFilesSuite('of files in a folder', {
  make: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'codex-light-changed-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const pathOf = (name: string): string => join(folder, name)
    return {
      // A new one each time, as another process has.
      platform: { openFile: openFileSource, download, openStore: async () => new FileArtefacts(pathOf('kept')) },
      urlOf: (name) => pathToFileURL(pathOf(name)),
      write: (name, bytes) => writeFile(pathOf(name), bytes),
    }
  },
})
