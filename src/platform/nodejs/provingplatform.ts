// What proving takes of Node: threads, files, the network, a folder for what comes from there, randomness. What is done with it is the proving room's.

import { join } from 'node:path'

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

export function provingPlatform(): ProvingPlatform {
  return {
    openPool: (size) =>
      new WorkerPool({ source: computeWorkers(), clock: new SystemClock(), ...(size !== undefined && { size }) }),
    openFile: openFileSource,
    download,
    openStore: STORE,
    random: new SystemRandom(),
  }
}
