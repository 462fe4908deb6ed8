import { WebWorkers } from '../../src/platform/browser/webworkers.ts'
import type { TicketedJobs } from '../../src/workers/ticketedjobs.ts'
import type { PoolJobs } from '../children/pooljobs.ts'
import { workerPoolSuite } from '../suites/workerpool.ts'

workerPoolSuite('WebWorkers', {
  working: () =>
    new WebWorkers<TicketedJobs<PoolJobs>>({
      create: () => new Worker(new URL('../children/pool.browser.ts', import.meta.url), { type: 'module' }),
    }),
  broken: () =>
    new WebWorkers<TicketedJobs<PoolJobs>>({ create: () => new Worker('/nothing/here.js', { type: 'module' }) }),
})
