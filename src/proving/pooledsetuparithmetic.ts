// The multiples of a development setup on the workers of a pool: cuts the scalars into jobs. It computes nothing itself.

import { concatBytes } from '../lib/bytes.ts'
import { mapBounded } from '../lib/mapbounded.ts'
import { evenRuns } from '../workers/evenruns.ts'
import { transfer } from '../workers/transfer.ts'
import type { WorkerPool } from '../workers/workerpool.ts'
import { ELEMENT_BYTES } from './bn254.ts'
import type { SetupArithmetic } from './setuparithmetic.ts'
import type { SetupJobs } from './setupjobs.ts'

export type SetupPool = Pick<WorkerPool<SetupJobs>, 'run' | 'size'>

/** Scalars in one job: some tens of milliseconds in G1. */
const JOB_SCALARS = 8192
/** Jobs of one call that wait or run, for each worker. */
const JOBS_PER_WORKER = 2
/** What the tables are made for: a circuit of the size that takes a while. For a small one they cost a tenth of a second too much. */
const EXPECTED_SCALARS = 2 ** 17

/** Rejects as the pool does, and with the signal's reason. */
export function pooledSetupArithmetic(pool: SetupPool): SetupArithmetic {
  return {
    fixedBaseMany: async (group, scalars, { signal }) => {
      const runs = evenRuns(scalars.length / ELEMENT_BYTES, JOB_SCALARS, pool.size)
      const pieces = await mapBounded(runs, JOBS_PER_WORKER * pool.size, ({ from, to }) =>
        pool.run(
          (worker) => {
            const some = scalars.slice(ELEMENT_BYTES * from, ELEMENT_BYTES * to)
            return worker.multiples(group, transfer(some, [some.buffer]), EXPECTED_SCALARS)
          },
          { signal, rank: 'background', idempotent: true },
        ),
      )
      return concatBytes(...pieces)
    },
  }
}
