import { expect, test } from 'vitest'
import { OpfsSlabFile } from '../../src/platform/browser/opfsslabfile.ts'
import type { OpfsSlabApi } from '../../src/platform/browser/opfsslabapi.ts'
import { WebWorkers } from '../../src/platform/browser/webworkers.ts'
import type { WorkerHandle } from '../../src/workers/workersource.ts'
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

test('when its worker dies calls reject with slab/failed, and flushed bytes are there when it is opened anew', async () => {
  const path = newPath()
  const spawned: WorkerHandle<OpfsSlabApi>[] = []
  const source = new WebWorkers<OpfsSlabApi>({
    create: () => new Worker(new URL('../../src/platform/browser/slabworker.ts', import.meta.url), { type: 'module' }),
  })
  const workers = {
    parallelism: 1,
    spawn: () => {
      const worker = source.spawn()
      spawned.push(worker)
      return worker
    },
  }
  const file = await OpfsSlabFile.open(path, { workers })
  await file.write([{ offset: 0, bytes: pattern(1000) }])
  await file.flush()
  const open = expect(file.write([{ offset: 1000, bytes: pattern(1 << 20) }])).rejects.toMatchObject({
    code: 'slab/failed',
    cause: { code: 'worker/ended' },
  })
  spawned[0]?.end()
  await open
  await expect(file.size()).rejects.toMatchObject({ code: 'slab/failed' })
  await file.close()
  const again = await OpfsSlabFile.open(path)
  expect(await again.read([{ offset: 0, length: 1000 }])).toEqual([pattern(1000)])
  await again.close()
  await remove(path)
})
