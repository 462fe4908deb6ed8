// What proving takes of Node: threads, files, the network, a folder for what comes from there, randomness. What is done with it is the proving room's.

import { join } from 'node:path'

import type { Clock } from '../../lib/clock.ts'
import { loadOnce } from '../../lib/loadonce.ts'
import { SystemClock } from '../../lib/systemclock.ts'
import { SystemRandom } from '../../lib/systemrandom.ts'
import type { ProvingPlatform } from '../../proving/provingfunctions.ts'
import { WorkerPool } from '../../workers/workerpool.ts'
import { cacheFolder } from './cachefolder.ts'
import { computeWorkers } from './computeworkers.ts'
import { download } from './download.ts'
import { FileArtefacts, openFileSource } from './fileartefacts.ts'

/** What is open is known to one store: so there is one. */
const STORE = loadOnce(async () => new FileArtefacts(join(cacheFolder(), 'artefacts')))

/** @param clock that the pools wait by */
export function provingPlatform(clock: Clock = new SystemClock()): ProvingPlatform {
  return {
    openPool: (size) => new WorkerPool({ source: computeWorkers(), clock, ...(size !== undefined && { size }) }),
    openFile: openFileSource,
    download,
    openStore: STORE,
    random: new SystemRandom(),
  }
}
