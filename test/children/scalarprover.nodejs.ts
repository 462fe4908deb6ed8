// A thread of Node that proves with the kernel for engines without relaxed SIMD.

import { parentPort } from 'node:worker_threads'

import { threadEndpoint } from '../../src/platform/nodejs/threadendpoint.ts'
import { proveJobs } from '../../src/proving/provejobs.ts'
import { exposeApi } from '../../src/workers/exposeapi.ts'
import { performJobs } from '../../src/workers/performjobs.ts'
import { loadField } from '../../wasm/field/loadfield.ts'

if (parentPort === null) throw new Error('runs as a thread')
exposeApi(performJobs(proveJobs(() => loadField({ variant: 'scalar' }))), threadEndpoint(parentPort))
