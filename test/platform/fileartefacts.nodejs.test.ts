import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { SystemClock } from '../../src/lib/systemclock.ts'
import { cacheFolder } from '../../src/platform/nodejs/cachefolder.ts'
import { download } from '../../src/platform/nodejs/download.ts'
import { FileArtefacts, openFileSource } from '../../src/platform/nodejs/fileartefacts.ts'
import { artefactStoreSuite } from '../suites/artefactstore.ts'

const { signal } = new AbortController()
let folder = ''
beforeEach(async () => {
  await rm(folder, { recursive: true, force: true })
  folder = await mkdtemp(join(tmpdir(), 'codex-light-artefacts-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

artefactStoreSuite('FileArtefacts', {
  make: async (clock) => new FileArtefacts(join(folder, 'inner'), clock),
  damage: async (name) => {
    const path = join(folder, 'inner', name)
    const bytes = await readFile(path)
    bytes[5_000_000] = (bytes[5_000_000] ?? 0) ^ 1
    await writeFile(path, bytes)
  },
  names: () => readdir(join(folder, 'inner')).catch(() => []),
})

test('what a process that was killed was writing is swept after a day', async () => {
  const inner = join(folder, 'inner')
  const draft = await new FileArtefacts(inner).create('a.zkey')
  await draft.write(Uint8Array.of(1))
  await (await new FileArtefacts(inner).create('b.zkey')).discard()
  expect(await readdir(inner)).toHaveLength(1)
  const later = new FileArtefacts(inner, new ManualClock(new SystemClock().now() + 2 * 86_400))
  await (await later.create('b.zkey')).keep('a record')
  expect(await readdir(inner)).toEqual(['b.zkey', 'b.zkey.json'])
  await draft.discard()
})

test('a file is read where it lies, and missed by name', async () => {
  const path = join(folder, 'file')
  await writeFile(path, 'hello')
  const source = await openFileSource(path)
  expect(source.size).toBe(5)
  expect(new TextDecoder().decode(await source.read(1, 3, { signal }))).toBe('ell')
  await writeFile(path, 'he')
  await expect(source.read(0, 5, { signal })).rejects.toMatchObject({ code: 'proving/unreadable-source' })
  await source.close()
  await expect(openFileSource(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'proving/unreadable-source' })
})

test('a download says what is wrong', async () => {
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/there' ? 200 : 404
    response.end('12345')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const collected = async (path: string): Promise<number> => {
    let bytes = 0
    for await (const piece of download(new URL(path, base), { signal })) bytes += piece.length
    return bytes
  }
  expect(await collected('/there')).toBe(5)
  await expect(collected('/nowhere')).rejects.toMatchObject({
    code: 'proving/cannot-download',
    detail: { why: 'the answer was 404' },
  })
})

test('a download from which nothing comes any more is given up', async () => {
  const server = createServer((_, response) => void response.write('12345'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const clock = new ManualClock(1000)
  const pieces = download(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`), { signal }, clock)
  clock.advance(59)
  expect((await pieces.next()).value).toHaveLength(5)
  const second = pieces.next()
  clock.advance(59)
  clock.advance(1)
  await expect(second).rejects.toMatchObject({
    code: 'proving/cannot-download',
    detail: { why: 'nothing came for 60 s' },
  })
  expect([clock.waiting, (await pieces.next()).done]).toEqual([0, true])
})

test('the cache folder is where the system wants it', () => {
  expect(cacheFolder({ XDG_CACHE_HOME: '/x' }, 'linux')).toBe(join('/x', 'codex-light'))
  expect(cacheFolder({ XDG_CACHE_HOME: 'relative' }, 'linux')).toMatch(/\.cache.codex-light$/)
  expect(cacheFolder({}, 'darwin')).toMatch(/Library.Caches.codex-light$/)
  expect(cacheFolder({ LOCALAPPDATA: 'C:' }, 'win32')).toBe(join('C:', 'codex-light', 'Cache'))
})
