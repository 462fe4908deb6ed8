import { expect, test } from 'vitest'
import { OpfsSlabFile } from '../../src/platform/browser/opfsslabfile.ts'
import type { OpfsSlabApi } from '../../src/platform/browser/opfsslabapi.ts'
import { WebWorkers } from '../../src/platform/browser/webworkers.ts'
import type { WorkerHandle, WorkerSource } from '../../src/workers/workersource.ts'
import { pattern, slabFileSuite } from '../suites/slabfile.ts'

const newPath = (): string => `codex-light-test/${crypto.randomUUID()}.slab`

async function remove(path: string): Promise<void> {
  const [folder = '', name = ''] = path.split('/')
  const root = await navigator.storage.getDirectory()
  await (await root.getDirectoryHandle(folder, { create: true })).removeEntry(name)
}

slabFileSuite('OpfsSlabFile', {
  modelRuns: 12,
  place: async () => {
    const path = newPath()
    return { open: () => OpfsSlabFile.open(path), remove: () => remove(path) }
  },
})

test('a file that is held already is slab/locked, and free again once closed', async () => {
  const path = newPath()
  const first = await OpfsSlabFile.open(path)
  await expect(OpfsSlabFile.open(path)).rejects.toMatchObject({ code: 'slab/locked' })
  await first.close()
  await (await OpfsSlabFile.open(path)).close()
  await remove(path)
})

/** Workers that a test can end. */
function endableWorkers(): { workers: WorkerSource<OpfsSlabApi>; spawned: WorkerHandle<OpfsSlabApi>[] } {
  const spawned: WorkerHandle<OpfsSlabApi>[] = []
  const source = new WebWorkers<OpfsSlabApi>({
    create: () => new Worker(new URL('../../src/platform/browser/slabworker.ts', import.meta.url), { type: 'module' }),
  })
  const spawn = (): WorkerHandle<OpfsSlabApi> => {
    const worker = source.spawn()
    spawned.push(worker)
    return worker
  }
  return { workers: { parallelism: 1, spawn }, spawned }
}

test('when its worker dies another one goes on, with what was written and with the calls that were under way', async () => {
  const path = newPath()
  const { workers, spawned } = endableWorkers()
  const ended: string[] = []
  const file = await OpfsSlabFile.open(path, { workers, replaced: ({ code }) => ended.push(code) })
  await file.write([{ offset: 0, bytes: pattern(1000) }])
  const writing = file.write([{ offset: 1000, bytes: pattern(1 << 20) }])
  const reading = file.read([{ offset: 0, length: 1000 }])
  spawned[0]?.end()
  await writing
  expect(await reading).toEqual([pattern(1000)])
  await file.flush()
  expect(spawned.length).toBe(2)
  expect(ended).toEqual(['worker/ended'])
  spawned[1]?.end()
  expect(await file.size()).toBe(1000 + (1 << 20))
  await file.close()
  const again = await OpfsSlabFile.open(path)
  expect(await again.read([{ offset: 0, length: 1000 }])).toEqual([pattern(1000)])
  expect(await again.read([{ offset: 1000, length: 1 << 20 }])).toEqual([pattern(1 << 20)])
  await again.close()
  await remove(path)
})

test('a file that is gone is not made anew when its worker dies: that is slab/failed, for as long as it is gone', async () => {
  const path = newPath()
  const { workers, spawned } = endableWorkers()
  const file = await OpfsSlabFile.open(path, { workers })
  await file.write([{ offset: 0, bytes: pattern(1000) }])
  spawned[0]?.end()
  const removed = (): Promise<boolean> =>
    remove(path).then(
      () => true,
      () => false,
    )
  await expect.poll(removed, { timeout: 20_000 }).toBe(true)
  await expect(file.size()).rejects.toMatchObject({ code: 'slab/failed' })
  await expect(file.read([{ offset: 0, length: 10 }])).rejects.toMatchObject({ code: 'slab/failed' })
  await file.close()
})
