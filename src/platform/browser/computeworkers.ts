// Web Workers of a tab for what takes computing: hashing, coding, proving. What they do is in their script.

import type { CodeJobs } from '../../erasure/codejobs.ts'
import type { ProveJobs } from '../../proving/provejobs.ts'
import type { SetupJobs } from '../../proving/setupjobs.ts'
import type { HashJobs } from '../../slots/hashjobs.ts'
import type { TicketedJobs } from '../../workers/ticketedjobs.ts'
import { TrustedWorker } from './trustedworker.ts'
import { WebWorkers } from './webworkers.ts'

/** What each of these workers can do. */
export type ComputeJobs = HashJobs & CodeJobs & ProveJobs & SetupJobs

export function computeWorkers(): WebWorkers<TicketedJobs<ComputeJobs>> {
  return new WebWorkers({ create: () => start(TrustedWorker) })
}

/** Its parameter keeps that name in builds of the package, by which the bundlers of those who use it find the script. */
function start(Worker: typeof TrustedWorker): TrustedWorker {
  return new Worker(new URL('../../entries/computeworker.browser.ts', import.meta.url), { type: 'module' })
}
