// A thread of Node that computes: the jobs of all rooms that have any. Started by a pool; nothing imports it.

import { parentPort } from 'node:worker_threads'
import { loadLeopard } from '../../wasm/leopard/loadleopard.ts'
import { loadPoseidon2 } from '../../wasm/poseidon2/loadposeidon2.ts'
import { codeJobs } from '../erasure/codejobs.ts'
import type { CodeJobs } from '../erasure/codejobs.ts'
import { enableRelaxedSimd } from '../platform/nodejs/relaxedsimd.ts'
import { threadEndpoint } from '../platform/nodejs/threadendpoint.ts'
import { hashJobs } from '../slots/hashjobs.ts'
import type { HashJobs } from '../slots/hashjobs.ts'
import { exposeApi } from '../workers/exposeapi.ts'
import { performJobs } from '../workers/performjobs.ts'
import type { SlicedJobs } from '../workers/performjobs.ts'

enableRelaxedSimd()

const jobs: SlicedJobs<HashJobs & CodeJobs> = { ...hashJobs(loadPoseidon2), ...codeJobs(loadLeopard) }

if (parentPort !== null) exposeApi(performJobs<HashJobs & CodeJobs>(jobs), threadEndpoint(parentPort))
