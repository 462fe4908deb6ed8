// Poseidon2 and the erasure code over one pool of workers, as a node wants them. Which workers is the platform's choice.

import type { CodeJobs } from '../erasure/codejobs.ts'
import { PooledErasure } from '../erasure/poolederasure.ts'
import type { Clock } from '../lib/clock.ts'
import type { TicketedJobs } from '../workers/ticketedjobs.ts'
import { WorkerPool } from '../workers/workerpool.ts'
import type { WorkerSource } from '../workers/workersource.ts'
import type { HashJobs } from './hashjobs.ts'
import { PooledPoseidon2 } from './pooledposeidon2.ts'
import type { Compute } from './slotsparts.ts'

/** Starts no worker yet. */
export function pooledCompute(source: WorkerSource<TicketedJobs<HashJobs & CodeJobs>>, clock: Clock): Compute {
  const pool = new WorkerPool<HashJobs & CodeJobs>({ source, clock })
  return { poseidon2: new PooledPoseidon2(pool), erasure: new PooledErasure({ pool }), close: () => pool.close() }
}
