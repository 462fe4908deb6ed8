import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import { SystemClock } from '../../src/lib/systemclock.ts'
import { computeWorkers } from '../../src/platform/nodejs/computeworkers.ts'
import type { ComputeJobs } from '../../src/platform/nodejs/computeworkers.ts'
import { ThreadWorkers } from '../../src/platform/nodejs/threadworkers.ts'
import type { TicketedJobs } from '../../src/workers/ticketedjobs.ts'
import { WorkerPool } from '../../src/workers/workerpool.ts'
import { bundleModule } from '../bundlemodule.ts'
import { computeWorkersSuite } from '../suites/computeworkers.ts'

let script: URL
beforeAll(async () => {
  script = await bundleModule(fileURLToPath(new URL('../../src/entries/computeworker.nodejs.ts', import.meta.url)))
})

test('a thread has relaxed SIMD, whether or not whoever starts it switched it on', async () => {
  const source = new ThreadWorkers<TicketedJobs<ComputeJobs>>({ script })
  const pool = new WorkerPool<ComputeJobs>({ source, clock: new SystemClock(), size: 1 })
  const { signal } = new AbortController()
  expect(await pool.run((worker) => worker.hashVariant(), { signal, rank: 'duty' })).toBe('relaxed-simd')
  await pool.close()
})

computeWorkersSuite('threads of Node', () => computeWorkers(script))
