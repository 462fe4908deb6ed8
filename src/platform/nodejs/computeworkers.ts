// Threads of Node for what takes computing: hashing, coding, proving. What they do is in their script.

import type { CodeJobs } from '../../erasure/codejobs.ts'
import type { ProveJobs } from '../../proving/provejobs.ts'
import type { SetupJobs } from '../../proving/setupjobs.ts'
import type { HashJobs } from '../../slots/hashjobs.ts'
import type { TicketedJobs } from '../../workers/ticketedjobs.ts'
import { enableRelaxedSimd } from './relaxedsimd.ts'
import { ThreadWorkers } from './threadworkers.ts'

/** What each of these threads can do. */
export type ComputeJobs = HashJobs & CodeJobs & ProveJobs & SetupJobs

/** @param script default: the thread's script beside the entries, as it is built into the package */
export function computeWorkers(
  script: URL = new URL('../../entries/computeworker.nodejs.ts', import.meta.url),
): ThreadWorkers<TicketedJobs<ComputeJobs>> {
  enableRelaxedSimd()
  return new ThreadWorkers({ script })
}
