// A Web Worker that performs the jobs of the pool's tests.

import { exposeApi } from '../../src/workers/exposeapi.ts'
import { performJobs } from '../../src/workers/performjobs.ts'
import { poolJobs } from './pooljobs.ts'

exposeApi(performJobs(poolJobs))
