// What proving takes of a tab: Web Workers, the network, a file system for what comes from there, randomness. What is done with it is the proving room's.

import type { Clock } from '../../lib/clock.ts'
import { SystemClock } from '../../lib/systemclock.ts'
import { SystemRandom } from '../../lib/systemrandom.ts'
import type { ProvingPlatform } from '../../proving/provingfunctions.ts'
import { WorkerPool } from '../../workers/workerpool.ts'
import { computeWorkers } from './computeworkers.ts'
import { download } from './download.ts'
import { OpfsArtefacts } from './opfsartefacts.ts'

/** @param clock that the pools wait by; a tab's own runs on while its page is hidden */
export function provingPlatform(clock: Clock = new SystemClock()): ProvingPlatform {
  return {
    openPool: (size) => new WorkerPool({ source: computeWorkers(), clock, ...(size !== undefined && { size }) }),
    openFile: undefined,
    download,
    openStore: () => OpfsArtefacts.open(),
    random: new SystemRandom(),
  }
}
