import { beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { SystemClock } from '../../src/lib/systemclock.ts'
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
  make: async (clock) => {
    const store = await OpfsArtefacts.open(clock)
    if (store === undefined) throw new Error('this browser has no file system for pages')
    return store
  },
  damage: async (name) => {
    const found = (await names()).find((one) => one.startsWith(`${name}.`) && !one.endsWith('.json'))
    const file = await (await folder()).getFileHandle(found ?? name)
    const writable = await file.createWritable({ keepExistingData: true })
    await writable.seek(5_000_000)
    await writable.write(Uint8Array.of(7, 7, 7))
    await writable.close()
  },
  names,
})

async function names(): Promise<string[]> {
  const found: string[] = []
  for await (const name of (await folder()).keys()) found.push(name)
  return found
}

describe('two tabs that fetch the same', () => {
  const { signal } = new AbortController()

  it('do not take from each other what one has kept', async () => {
    const [one, two] = [await OpfsArtefacts.open(), await OpfsArtefacts.open()]
    if (one === undefined || two === undefined) throw new Error('this browser has no file system for pages')
    const failed = await one.create('a.zkey')
    const good = await two.create('a.zkey')
    await good.write(Uint8Array.of(1, 2, 3))
    await good.keep('a record')
    await failed.discard()
    const late = await one.create('a.zkey')
    const kept = await two.open('a.zkey')
    await late.write(Uint8Array.of(1, 2, 3))
    await late.keep('a record')
    await late.discard()
    expect([kept?.record, await kept?.source.read(0, 3, { signal })]).toEqual(['a record', Uint8Array.of(1, 2, 3)])
    expect(await names()).toHaveLength(2)
  })

  it('and what was left behind is swept after a day', async () => {
    const store = await OpfsArtefacts.open()
    const kept = await store?.create('a.zkey')
    await kept?.keep('a record')
    const left = await (await folder()).getFileHandle('b.zkey.left', { create: true })
    await OpfsArtefacts.open()
    expect(await names()).toContain(left.name)
    await OpfsArtefacts.open(new ManualClock(new SystemClock().now() + 2 * 86_400))
    expect(await names()).not.toContain(left.name)
    expect(await store?.open('a.zkey')).toBeDefined()
  })
})
