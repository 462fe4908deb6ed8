// A prover of engine wasm over the real workers of whichever runtime a test runs in, for as long as the test needs it.

import { SystemClock } from '../../src/lib/systemclock.ts'
import { SystemRandom } from '../../src/lib/systemrandom.ts'
import type * as NodejsWorkers from '../../src/platform/nodejs/computeworkers.ts'
import type { ProveJobs } from '../../src/proving/provejobs.ts'
import type { Prover } from '../../src/proving/prover.ts'
import { provingFunctions } from '../../src/proving/provingfunctions.ts'
import type { SetupJobs } from '../../src/proving/setupjobs.ts'
import type { TicketedJobs } from '../../src/workers/ticketedjobs.ts'
import { WorkerPool } from '../../src/workers/workerpool.ts'
import type { WorkerSource } from '../../src/workers/workersource.ts'
import type * as BundleModule from '../bundlemodule.ts'
import type { CircuitWithKeys } from './keys.ts'

type Workers = WorkerSource<TicketedJobs<ProveJobs & SetupJobs>>

const THREADS = 2
const NODEJS_WORKERS = '../../src/platform/nodejs/computeworkers.ts'
const BUNDLE_MODULE = '../bundlemodule.ts'

export async function withProver(circuit: CircuitWithKeys, use: (prover: Prover) => Promise<void>): Promise<void> {
  const source = await workers()
  const { createProver } = provingFunctions({
    openPool: (size = THREADS) => new WorkerPool({ source, clock: new SystemClock(), size }),
    openFile: undefined,
    download: () => {
      throw new Error('nothing is to be fetched')
    },
    openStore: async () => undefined,
    random: new SystemRandom(),
  })
  const { wasm, zkey, verificationKey } = circuit
  const prover = await createProver({ circuit: { wasm, zkey, verificationKey } })
  try {
    await use(prover)
  } finally {
    await prover.close()
  }
}

async function workers(): Promise<Workers> {
  if ('window' in globalThis) return (await import('../../src/platform/browser/computeworkers.ts')).computeWorkers()
  const { bundleModule } = (await import(/* @vite-ignore */ BUNDLE_MODULE)) as typeof BundleModule
  const { computeWorkers } = (await import(/* @vite-ignore */ NODEJS_WORKERS)) as typeof NodejsWorkers
  const path = decodeURIComponent(new URL('../../src/entries/computeworker.nodejs.ts', import.meta.url).pathname)
  return computeWorkers(await bundleModule(path))
}
