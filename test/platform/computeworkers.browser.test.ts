import { expect, test } from 'vitest'
import { SystemClock } from '../../src/lib/systemclock.ts'
import { computeWorkers } from '../../src/platform/browser/computeworkers.ts'
import type { ComputeJobs } from '../../src/platform/browser/computeworkers.ts'
import { WorkerPool } from '../../src/workers/workerpool.ts'
import { computeWorkersSuite } from '../suites/computeworkers.ts'

test('a Web Worker has relaxed SIMD', async () => {
  const pool = new WorkerPool<ComputeJobs>({ source: computeWorkers(), clock: new SystemClock(), size: 1 })
  const { signal } = new AbortController()
  expect(await pool.run((worker) => worker.hashVariant(), { signal, rank: 'duty' })).toBe('relaxed-simd')
  await pool.close()
})

computeWorkersSuite('Web Workers', computeWorkers)
