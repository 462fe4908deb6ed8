// A Web Worker that computes: the jobs of all rooms that have any. Started by a pool; nothing imports it.

import { loadLeopard } from '../../wasm/leopard/loadleopard.ts'
import { loadPoseidon2 } from '../../wasm/poseidon2/loadposeidon2.ts'
import { codeJobs } from '../erasure/codejobs.ts'
import type { CodeJobs } from '../erasure/codejobs.ts'
import { proveJobs } from '../proving/provejobs.ts'
import type { ProveJobs } from '../proving/provejobs.ts'
import type { ProveKernel } from '../proving/provekernel.ts'
import { setupJobs } from '../proving/setupjobs.ts'
import type { SetupJobs } from '../proving/setupjobs.ts'
import { hashJobs } from '../slots/hashjobs.ts'
import type { HashJobs } from '../slots/hashjobs.ts'
import { exposeApi } from '../workers/exposeapi.ts'
import { performJobs } from '../workers/performjobs.ts'
import type { SlicedJobs } from '../workers/performjobs.ts'

type Jobs = HashJobs & CodeJobs & ProveJobs & SetupJobs

/** The largest kernel, and not every worker proves: it comes when it is needed. */
const loadField = async (): Promise<ProveKernel> => (await import('../../wasm/field/loadfield.ts')).loadField()

const jobs: SlicedJobs<Jobs> = {
  ...hashJobs(loadPoseidon2),
  ...codeJobs(loadLeopard),
  ...proveJobs(loadField),
  ...setupJobs(loadField),
}

exposeApi(performJobs<Jobs>(jobs))
