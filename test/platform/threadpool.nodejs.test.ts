import { beforeAll } from 'vitest'
import { ThreadWorkers } from '../../src/platform/nodejs/threadworkers.ts'
import type { TicketedJobs } from '../../src/workers/ticketedjobs.ts'
import { bundleChild } from '../children.ts'
import type { PoolJobs } from '../children/pooljobs.ts'
import { workerPoolSuite } from '../suites/workerpool.ts'

let script: URL
beforeAll(async () => {
  script = await bundleChild('pool.nodejs')
})

workerPoolSuite('ThreadWorkers', {
  working: () => new ThreadWorkers<TicketedJobs<PoolJobs>>({ script }),
  broken: () => new ThreadWorkers<TicketedJobs<PoolJobs>>({ script: new URL('missing.mjs', script) }),
})
