// A thread of Node that performs the jobs of the pool's tests.

import { parentPort } from 'node:worker_threads'
import { assert } from '../../src/lib/errors.ts'
import { threadEndpoint } from '../../src/platform/nodejs/threadendpoint.ts'
import { exposeApi } from '../../src/workers/exposeapi.ts'
import { performJobs } from '../../src/workers/performjobs.ts'
import { poolJobs } from './pooljobs.ts'

assert(parentPort !== null, 'runs as a thread')
exposeApi(performJobs(poolJobs), threadEndpoint(parentPort))
