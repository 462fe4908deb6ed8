import { onTestFinished } from 'vitest'
import { OpfsArtefacts } from '../../src/platform/browser/opfsartefacts.ts'
import { changedFilesSuite } from '../suites/changedfiles.ts'

changedFilesSuite('of files behind an address', {
  make: async () => {
    const base = 'https://localhost/'
    const folder = `changed-files-${crypto.randomUUID()}`
    onTestFinished(async () => (await navigator.storage.getDirectory()).removeEntry(folder, { recursive: true }))
    const served = new Map<string, Uint8Array>()
    return {
      platform: {
        openFile: undefined,
        download: async function* (url) {
          yield served.get(url.href) ?? new Uint8Array()
        },
        openStore: () => OpfsArtefacts.open(undefined, folder),
      },
      urlOf: (name) => new URL(name, base),
      write: async (name, bytes) => void served.set(new URL(name, base).href, bytes),
    }
  },
})
