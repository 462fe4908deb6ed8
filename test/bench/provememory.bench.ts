// What proofs of the full circuit leave in memory: after the first one, which brings the key to the threads, after more of them, and once the prover is closed.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { SystemClock } from '../../src/lib/systemclock.ts'
import { computeWorkers } from '../../src/platform/nodejs/computeworkers.ts'
import { provingPlatform } from '../../src/platform/nodejs/provingplatform.ts'
import type { ProveJobs } from '../../src/proving/provejobs.ts'
import { provingFunctions } from '../../src/proving/provingfunctions.ts'
import type { SetupJobs } from '../../src/proving/setupjobs.ts'
import { WorkerPool } from '../../src/workers/workerpool.ts'
import type { Bench, Place, Sample } from './harness.ts'
import { placeProvingFiles, readProvingFiles } from './provefiles.ts'
import { toMib } from './provesides.ts'

const THREADS = 2
/** After the first. */
const PROOFS = 5
const SETTLE_MS = 500

export const bench: Bench = {
  name: 'prove-memory',
  title: 'Six full proofs, Node, 2 threads',
  rounds: 1,
  figures: [
    { key: 'firstMiB', unit: 'MiB', title: 'memory above idle after the first' },
    // An allocator keeps what it got for a while: pages of the kernels are counted exactly, by the next figure.
    {
      key: 'laterMiB',
      unit: 'MiB',
      title: 'memory after the sixth, beyond that after the second',
      goal: { of: 'ours', atMost: 16 },
    },
    {
      key: 'kernelMiB',
      unit: 'MiB',
      title: 'memory of kernels after the sixth, beyond that after the second',
      goal: { of: 'ours', atMost: 0 },
    },
    { key: 'closedMiB', unit: 'MiB', title: 'memory above idle once closed', goal: { of: 'ours', atMost: 64 } },
  ],
  prepare: (place) => placeProvingFiles(place, join(place.folder, 'circuit')),
  sides: { ours },
}

async function ours({ folder }: Place): Promise<Sample> {
  const { inputs } = await readProvingFiles(join(folder, 'circuit'))
  const pool = new WorkerPool<ProveJobs & SetupJobs>({
    source: computeWorkers(),
    clock: new SystemClock(),
    size: THREADS,
  })
  const { createProver } = provingFunctions({ ...provingPlatform(), openPool: () => pool })
  const file = (name: string): URL => pathToFileURL(join(folder, 'circuit', name))
  const { signal } = new AbortController()
  const kernelMiB = async (): Promise<number> => {
    const each = Array.from({ length: THREADS }, () =>
      pool.run((worker) => worker.proveMemory(), { signal, rank: 'duty', idempotent: true }),
    )
    return toMib((await Promise.all(each)).reduce((sum, bytes) => sum + bytes, 0))
  }
  const idle = await residentMiB()
  const prover = await createProver({ circuit: { wasm: file('circuit.wasm'), zkey: file('circuit.zkey') } })
  const prove = () => prover.prove(inputs, { signal, rank: 'duty' })
  await prove()
  const first = await residentMiB()
  await prove()
  const [second, secondKernels] = [await residentMiB(), await kernelMiB()]
  for (let i = 2; i <= PROOFS; i++) await prove()
  const [sixth, sixthKernels] = [await residentMiB(), await kernelMiB()]
  await prover.close()
  const closed = await residentMiB()
  return {
    firstMiB: first - idle,
    laterMiB: sixth - second,
    kernelMiB: sixthKernels - secondKernels,
    closedMiB: closed - idle,
  }
}

/** Once what nobody holds any more was collected, where the process may ask for that. */
async function residentMiB(): Promise<number> {
  for (let i = 0; i < 2; i++) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  }
  return toMib(process.memoryUsage.rss())
}
