// Keys for development of the full circuit, from its compiled form, in Node on two threads: how long, and how much memory beside what comes out.

import { readFileSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'

import { SystemClock } from '../../src/lib/systemclock.ts'
import { computeWorkers } from '../../src/platform/nodejs/computeworkers.ts'
import { provingPlatform } from '../../src/platform/nodejs/provingplatform.ts'
import { provingFunctions } from '../../src/proving/provingfunctions.ts'
import { WorkerPool } from '../../src/workers/workerpool.ts'
import { FULL_CIRCUIT, SMALL_CIRCUIT, storageProofMain } from '../../wasm/circuit/templates.ts'
import { compileForTests, ROOT } from '../proving/compilefortests.ts'
import type { Bench, Place, Sample } from './harness.ts'
import { peakRssMiB } from './peakmemory.js'
import { toMib } from './provesides.ts'

const THREADS = 2

export const bench: Bench = {
  name: 'setup',
  title: 'Development setup of the full circuit, Node, 2 threads',
  rounds: 3,
  figures: [
    { key: 'ms', unit: 'ms', title: 'time', goal: { of: 'ours', atMost: 30_000 } },
    { key: 'peakMiB', unit: 'MiB', title: 'peak memory above idle' },
  ],
  prepare: async ({ folder, quick }) => {
    const { r1cs } = await compileForTests(storageProofMain(quick ? SMALL_CIRCUIT : FULL_CIRCUIT))
    await copyFile(ROOT + r1cs, join(folder, 'circuit.r1cs'))
  },
  sides: { ours },
}

async function ours({ folder }: Place): Promise<Sample> {
  const r1cs = new Uint8Array(readFileSync(join(folder, 'circuit.r1cs')))
  const idleMiB = toMib(process.memoryUsage.rss())
  const { devSetup } = provingFunctions({
    ...provingPlatform(),
    openPool: (size = THREADS) => new WorkerPool({ source: computeWorkers(), clock: new SystemClock(), size }),
  })
  const begin = performance.now()
  await devSetup({ r1cs, seed: 'bench', threads: THREADS, keep: false })
  return { ms: performance.now() - begin, peakMiB: peakRssMiB() - idleMiB }
}
