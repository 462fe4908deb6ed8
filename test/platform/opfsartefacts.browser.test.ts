import { beforeEach } from 'vitest'
import { OpfsArtefacts } from '../../src/platform/browser/opfsartefacts.ts'
import { artefactStoreSuite } from '../suites/artefactstore.ts'

async function folder(): Promise<FileSystemDirectoryHandle> {
  return (await navigator.storage.getDirectory()).getDirectoryHandle('codex-light-circuits', { create: true })
}

beforeEach(async () => {
  const root = await navigator.storage.getDirectory()
  await root.removeEntry('codex-light-circuits', { recursive: true }).catch(() => undefined)
})

artefactStoreSuite('OpfsArtefacts', {
  make: async () => {
    const store = await OpfsArtefacts.open()
    if (store === undefined) throw new Error('this browser has no file system for pages')
    return store
  },
  damage: async (name) => {
    const file = await (await folder()).getFileHandle(name)
    const writable = await file.createWritable({ keepExistingData: true })
    await writable.seek(5_000_000)
    await writable.write(Uint8Array.of(7, 7, 7))
    await writable.close()
  },
  names: async () => {
    const found: string[] = []
    for await (const name of (await folder()).keys()) found.push(name)
    return found
  },
})
