// What proving takes of a tab: Web Workers, the network, a file system for what comes from there, randomness. What is done with it is the proving room's.

import { SystemClock } from '../../lib/systemclock.ts'
import { SystemRandom } from '../../lib/systemrandom.ts'
import type { ProvingPlatform } from '../../proving/provingfunctions.ts'
import { WorkerPool } from '../../workers/workerpool.ts'
import { computeWorkers } from './computeworkers.ts'
import { download } from './download.ts'
import { OpfsArtefacts } from './opfsartefacts.ts'

export function provingPlatform(): ProvingPlatform {
  return {
    openPool: (size) =>
      new WorkerPool({ source: computeWorkers(), clock: new SystemClock(), ...(size !== undefined && { size }) }),
    openFile: undefined,
    download,
    openStore: () => OpfsArtefacts.open(),
    random: new SystemRandom(),
  }
}
