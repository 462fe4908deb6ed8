import { expect, onTestFinished, test } from 'vitest'

import { blockStorageOf, openNode, probeStore, raiseQuota } from '../../src/browser.ts'
import { equalBytes } from '../../src/lib/bytes.ts'
import { KiB, MiB } from '../../src/lib/units.ts'
import { describeUpload } from '../../src/protocol/describeupload.ts'
import { crash, pieces, readAll, sampleFile, startNode, tabOptions, workersOf } from './opentab.ts'

const FILE = sampleFile(3 * MiB + 123)
const names = { filename: 'three.bin', mimetype: 'application/octet-stream' }

test('a file is stored, read back whole and in part, kept over a reopening, and removed', async () => {
  const options = tabOptions()
  const { signal } = options
  const first = await startNode(options)
  expect(blockStorageOf(first)).toBe('OPFS')
  const { cid } = await first.datasets.upload(pieces(FILE), { ...names, signal })
  expect(String(cid)).toBe(String(describeUpload(FILE, names).manifestCid))
  const space = await first.repo.space()
  expect(space.quotaUsedBytes).toBeGreaterThanOrEqual(49 * 64 * KiB)
  await first.stop()

  const again = await startNode(options)
  expect(await again.repo.space()).toMatchObject({ quotaUsedBytes: space.quotaUsedBytes, totalBlocks: 50 })
  expect(equalBytes(await readAll(again.datasets.read(cid, { signal })), FILE)).toBe(true)
  const part = await readAll(again.datasets.read(cid, { offset: 65_530, length: 20, signal }))
  expect(part).toEqual(FILE.slice(65_530, 65_550))
  expect((await again.repo.recount({ signal })).problems).toEqual([])
  expect(await again.datasets.remove(cid, { signal })).toBe('removed')
  expect(await again.repo.space()).toMatchObject({ quotaUsedBytes: 0, totalBlocks: 0 })
  await again.stop()
})

test('without OPFS the blocks are kept in IndexedDB', async () => {
  const options = tabOptions()
  const { signal } = options
  const original = Object.getOwnPropertyDescriptor(StorageManager.prototype, 'getDirectory') ?? {}
  Object.defineProperty(StorageManager.prototype, 'getDirectory', { value: undefined, configurable: true })
  try {
    const first = await startNode(options)
    expect(blockStorageOf(first)).toBe('IndexedDB')
    const { cid } = await first.datasets.upload(pieces(FILE), { ...names, signal })
    await first.stop()
    const again = await startNode(options)
    expect(equalBytes(await readAll(again.datasets.read(cid, { signal })), FILE)).toBe(true)
    expect((await again.repo.recount({ signal })).problems).toEqual([])
    await again.stop()
  } finally {
    Object.defineProperty(StorageManager.prototype, 'getDirectory', original)
  }
})

test('one tab at a time; the next in line follows', async () => {
  const options = tabOptions()
  const first = await startNode(options)
  await expect(openNode(options)).rejects.toMatchObject({ code: 'node/other-tab', detail: { name: options.name } })
  const next = openNode({ ...options, inLine: true })
  const impatient = new AbortController()
  const never = openNode({ ...options, inLine: true, signal: impatient.signal })
  impatient.abort(new Error('had enough'))
  await expect(never).rejects.toThrow('had enough')
  await first.stop()
  await (await next).stop()
})

test('the quota is never more than the browser leaves', async () => {
  const options = tabOptions()
  const generous = await openNode({ ...options, quotaBytes: 2 ** 52 })
  const { quotaMaxBytes } = await generous.repo.space()
  await generous.stop()
  const { quota = 0 } = await navigator.storage.estimate()
  expect(quotaMaxBytes).toBeGreaterThan(MiB)
  expect(quotaMaxBytes).toBeLessThanOrEqual(Math.floor(0.8 * quota))
  const byDefault = await openNode(options)
  // All that may be pledged, where nobody says how much; and more once the browser grants more.
  const granted = (await byDefault.repo.space()).quotaMaxBytes
  expect(granted).toBeGreaterThan(0.99 * quotaMaxBytes)
  const { estimate } = navigator.storage
  navigator.storage.estimate = async () => ({ quota: 2 * quota, usage: 0 })
  onTestFinished(() => void (navigator.storage.estimate = estimate))
  await raiseQuota(byDefault)
  expect((await byDefault.repo.space()).quotaMaxBytes).toBe(Math.floor(0.8 * 2 * quota))
  await probeStore(byDefault)
  await byDefault.stop()
  const modest = await openNode({ ...options, quotaBytes: 5 * MiB })
  expect((await modest.repo.space()).quotaMaxBytes).toBe(5 * MiB)
  await modest.stop()
})

test('bad settings are refused, and hold nothing', async () => {
  const options = tabOptions()
  await expect(openNode({ ...options, quotaBytes: -1 })).rejects.toMatchObject({ code: 'units/not-a-size' })
  for (const name of ['', 'Upper', '../up', 'x'.repeat(41)])
    await expect(openNode({ ...options, name })).rejects.toMatchObject({ code: 'node/bad-name' })
  await (await openNode(options)).stop()
})

test('a node that cannot open lets go of its lock', async () => {
  const options = tabOptions()
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(`codex-light/${options.name}`, 999)
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('no database'))
  })
  database.close()
  await expect(openNode(options)).rejects.toMatchObject({ code: 'datastore/outdated' })
  await expect(openNode(options)).rejects.toMatchObject({ code: 'datastore/outdated' })
})

test('an upload goes on when the worker that holds the blocks dies in the middle of it, and the books are right', async () => {
  const options = tabOptions()
  const { signal } = options
  const { result: node, workers } = await workersOf(() => startNode(options))
  const kept = await node.datasets.upload(pieces(FILE), { ...names, signal })
  const large = sampleFile(40 * MiB, 5)
  let crashed = 0
  const { cid } = await node.datasets.upload(pieces(large), {
    signal,
    progress: ({ storedBytes }) => {
      if (storedBytes < 8 * MiB) return
      for (const worker of workers.splice(0)) {
        crash(worker)
        crashed++
      }
    },
  })
  expect(crashed).toBeGreaterThan(0)
  expect((await node.repo.recount({ signal })).problems).toEqual([])
  await node.stop()
  const again = await startNode(options)
  expect((await again.repo.recount({ signal })).problems).toEqual([])
  expect(equalBytes(await readAll(again.datasets.read(kept.cid, { signal })), FILE)).toBe(true)
  expect(equalBytes(await readAll(again.datasets.read(cid, { signal })), large)).toBe(true)
  await again.stop()
})

test('cleared site data is told once, and is an error from then on', async () => {
  const told: string[] = []
  const options = { ...tabOptions(), lost: ({ code }: { readonly code: string }) => void told.push(code) }
  const node = await startNode(options)
  await new Promise<void>((resolve, reject) => {
    const request = indexedDB.deleteDatabase(`codex-light/${options.name}`)
    request.onsuccess = () => resolve()
    request.onerror = () => reject(request.error ?? new Error('not deleted'))
  })
  await expect(node.repo.reserve(1)).rejects.toMatchObject({ code: 'datastore/lost' })
  expect(told).toEqual(['datastore/lost'])
  await node.stop()
})
