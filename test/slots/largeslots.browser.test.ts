// A dataset in a tab, over its own file system and over IndexedDB alone, hashed and coded by Web Workers: two slots are lost and come back. In a long run
// the first has 256 MiB, within bounded memory.

import { expect, test } from 'vitest'

import { blockStorageOf } from '../../src/browser.ts'
import { equalBytes } from '../../src/lib/bytes.ts'
import type { Bytes } from '../../src/lib/units.ts'
import { MiB } from '../../src/lib/units.ts'
import { pieces, readAll, sampleFile, startNode, tabOptions } from '../browser/opentab.ts'

const IS_LONG = Boolean(import.meta.env['LONG'])
const LARGE_BYTES: Bytes = (IS_LONG ? 256 : 3) * MiB
const SMALL_BYTES: Bytes = MiB
/** What a long run repeats, so that the test itself holds little. */
const PERIOD_BYTES: Bytes = 3 * MiB + 17
/** Of this page and its workers. */
const MAX_MEMORY_BYTES: Bytes = 400 * MiB
/** How often memory is asked for, in reports of progress: the answer takes its time. */
const REPORTS_PER_LOOK = 64

interface Measuring {
  measureUserAgentSpecificMemory(): Promise<{ readonly bytes: Bytes }>
}

/** Never twice the same block: a counter stands in each period. */
async function* noise(bytes: Bytes): AsyncGenerator<Uint8Array, void> {
  const period = sampleFile(PERIOD_BYTES)
  for (let sent = 0, count = 0; sent < bytes; sent += PERIOD_BYTES, count++) {
    const part = period.slice(0, Math.min(PERIOD_BYTES, bytes - sent))
    for (let at = 0; at + 4 <= part.length; at += 32_768) new DataView(part.buffer).setUint32(at, count)
    yield part
  }
}

async function withoutOpfs<T>(run: () => Promise<T>): Promise<T> {
  const original = Object.getOwnPropertyDescriptor(StorageManager.prototype, 'getDirectory') ?? {}
  Object.defineProperty(StorageManager.prototype, 'getDirectory', { value: undefined, configurable: true })
  try {
    return await run()
  } finally {
    Object.defineProperty(StorageManager.prototype, 'getDirectory', original)
  }
}

test('a dataset is protected, loses two slots and gets them back', async () => {
  const options = tabOptions()
  const { signal } = options
  const node = await startNode(options)
  expect(blockStorageOf(node)).toBe('OPFS')
  const { cid } = await node.datasets.upload(noise(LARGE_BYTES), { signal })
  let reports = 0
  const looks: Promise<{ readonly bytes: Bytes }>[] = []
  const progress = (): void => {
    // The page is isolated, which is what this asks for. It waits for the collector, so a short run has no time for it.
    if (IS_LONG && ++reports % REPORTS_PER_LOOK === 0)
      looks.push((performance as unknown as Measuring).measureUserAgentSpecificMemory())
  }
  const { verifiableCid, protectedCid } = await node.slots.protect(cid, { ecK: 3, ecM: 2, signal, progress })
  for (const other of [cid, protectedCid]) await node.datasets.remove(other, { signal })
  for (const slot of [0, 4]) await node.slots.dropSlot(verifiableCid, slot, { signal })
  for (const slot of [0, 4]) await node.slots.repair(verifiableCid, slot, { signal, progress })
  const reported = await node.slots.verify(verifiableCid, { signal })
  expect(reported.map(({ outcome, hasTree }) => [outcome, hasTree])).toEqual(Array(5).fill(['ok', true]))
  const read = node.datasets.read(verifiableCid, { signal })[Symbol.asyncIterator]()
  const [first] = [await read.next()]
  await read.return()
  const { value: head = new Uint8Array(0) } = await noise(MiB).next()
  expect(equalBytes(first.value ?? new Uint8Array(0), head.subarray(0, first.value?.length))).toBe(true)
  expect((await node.repo.recount({ signal })).problems).toEqual([])
  await node.datasets.remove(verifiableCid, { signal })
  expect(await node.repo.space()).toMatchObject({ totalBlocks: 0, quotaUsedBytes: 0 })
  for (const { bytes } of await Promise.all(looks)) expect(bytes).toBeLessThan(MAX_MEMORY_BYTES)
  await node.stop()
})

test('without OPFS it is all the same, and a stopped node opens on it again', async () => {
  const options = tabOptions()
  const { signal } = options
  const file = sampleFile(SMALL_BYTES, 7)
  await withoutOpfs(async () => {
    const node = await startNode(options)
    expect(blockStorageOf(node)).toBe('IndexedDB')
    const { cid } = await node.datasets.upload(pieces(file), { signal })
    const { verifiableCid, protectedCid, datasetRoot } = await node.slots.protect(cid, { ecK: 2, ecM: 2, signal })
    await node.stop()
    const again = await startNode(options)
    for (const other of [cid, protectedCid]) await again.datasets.remove(other, { signal })
    for (const slot of [0, 1]) await again.slots.dropSlot(verifiableCid, slot, { signal })
    for (const slot of [1, 0]) await again.slots.repair(verifiableCid, slot, { signal })
    expect(await again.slots.show(verifiableCid, { signal })).toMatchObject({ datasetRoot })
    expect(equalBytes(await readAll(again.datasets.read(verifiableCid, { signal })), file)).toBe(true)
    expect((await again.repo.recount({ signal })).problems).toEqual([])
    await again.stop()
  })
})

test('a node that stops ends its work on slots, and opens whole', async () => {
  const options = tabOptions()
  const { signal } = options
  const node = await startNode(options)
  const { cid } = await node.datasets.upload(noise(SMALL_BYTES), { signal })
  const { totalBlocks, quotaUsedBytes } = await node.repo.space()
  const work = node.slots.protect(cid, { ecK: 2, ecM: 1, signal }).catch((error: unknown) => error)
  await node.stop()
  expect(await work).toMatchObject({ code: 'slots/closed' })
  const again = await startNode(options)
  expect(await again.repo.space()).toMatchObject({ totalBlocks, quotaUsedBytes })
  expect((await again.repo.recount({ signal })).problems).toEqual([])
  await again.stop()
})
