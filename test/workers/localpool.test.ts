import { expect, test } from 'vitest'
import { localPool } from '../../src/workers/localpool.ts'
import type { SlicedJobs } from '../../src/workers/performjobs.ts'

interface Jobs {
  add(a: number, b: number): Promise<number>
  count(turns: number): Promise<number>
  fail(): Promise<never>
}

const done: number[] = []
const jobs: SlicedJobs<Jobs> = {
  add: async (_, a, b) => a + b,
  count: async (job, turns) => {
    for (let turn = 0; turn < turns; turn++) {
      done.push(turn)
      await job.checkpoint()
    }
    return turns
  },
  fail: async () => {
    throw new Error('on purpose')
  },
}
const pool = localPool<Jobs>(jobs)
const { signal } = new AbortController()

test('answers as a worker would', async () => {
  expect(
    await pool.run(async (worker) => (await worker.add(1, 2)) + (await worker.add(3, 4)), { signal, rank: 'duty' }),
  ).toBe(10)
  await expect(pool.run((worker) => worker.fail(), { signal, rank: 'duty' })).rejects.toThrow('on purpose')
  const unknown = pool.run(
    (worker) => (worker as unknown as Record<string, () => Promise<void>>)['none']?.() ?? Promise.resolve(),
    {
      signal,
      rank: 'duty',
    },
  )
  await expect(unknown).rejects.toThrow('no job none')
})

test('ends at the next checkpoint after an abort, with the reason; other tasks come in between', async () => {
  const controller = new AbortController()
  const reason = new Error('enough')
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => {
    port1.close()
    controller.abort(reason)
  }
  const counting = pool.run((worker) => worker.count(1e9), { signal: controller.signal, rank: 'duty' })
  port2.postMessage(undefined)
  await expect(counting).rejects.toBe(reason)
  expect(done.length).toBeGreaterThan(0)
  await expect(pool.run((worker) => worker.add(1, 2), { signal: controller.signal, rank: 'duty' })).rejects.toBe(reason)
})
