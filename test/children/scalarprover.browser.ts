// A Web Worker that proves with the kernel for engines without relaxed SIMD.

import { proveJobs } from '../../src/proving/provejobs.ts'
import { exposeApi } from '../../src/workers/exposeapi.ts'
import { performJobs } from '../../src/workers/performjobs.ts'
import { loadField } from '../../wasm/field/loadfield.ts'

exposeApi(performJobs(proveJobs(() => loadField({ variant: 'scalar' }))))
