// One measurement of proving in Node: the same for any number of threads and either kernel.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { SystemClock } from '../../src/lib/systemclock.ts'
import { computeWorkers } from '../../src/platform/nodejs/computeworkers.ts'
import { provingPlatform } from '../../src/platform/nodejs/provingplatform.ts'
import { provingFunctions } from '../../src/proving/provingfunctions.ts'
import { WorkerPool } from '../../src/workers/workerpool.ts'
import type { Bench, Figure, Place, Sample } from './harness.ts'
import { peakRssMiB } from './peakmemory.js'
import { placeProvingFiles, readProvingFiles } from './provefiles.ts'
import { measureOurs, measureSnarkjs, PROCESSOR, SPEED, STAGE_FIGURES, toMib } from './provesides.ts'

export interface ProveBench {
  readonly name: string
  readonly title: string
  readonly threads: 1 | 2
  /** Times as fast as snarkjs. */
  readonly atLeast: number
  /** The threads' script; default: the package's own. */
  readonly script?: URL
}

const PEAK: Figure = {
  key: 'peakMiB',
  unit: 'MiB',
  title: 'peak memory above idle',
  goal: { of: 'ours', atMost: 286 }, // 300 MB
}

export function proveBench({ name, title, threads, atLeast, script }: ProveBench): Bench {
  return {
    name,
    title,
    peerTitle: 'snarkjs 0.7.6',
    rounds: 3,
    figures: [{ ...SPEED, goal: { of: 'ratio', atLeast } }, PROCESSOR, PEAK, ...(threads === 1 ? STAGE_FIGURES : [])],
    prepare: (place) => placeProvingFiles(place, join(place.folder, 'circuit')),
    sides: {
      ours: (place) => ours(place, threads, script),
      peer: async (place) => {
        const files = await readProvingFiles(join(place.folder, 'circuit'))
        return measureSnarkjs(files, threads === 1 ? 1 : 'all')
      },
    },
  }
}

/** The key is read from its file, as a node does it. */
async function ours({ folder }: Place, threads: number, script: URL | undefined): Promise<Sample> {
  const { inputs } = await readProvingFiles(join(folder, 'circuit'))
  const idleMiB = toMib(process.memoryUsage.rss())
  const { createProver } = provingFunctions({
    ...provingPlatform(),
    openPool: (size = threads) => new WorkerPool({ source: computeWorkers(script), clock: new SystemClock(), size }),
  })
  const file = (name: string): URL => pathToFileURL(join(folder, 'circuit', name))
  const prover = await createProver({ circuit: { wasm: file('circuit.wasm'), zkey: file('circuit.zkey') }, threads })
  const sample = await measureOurs(prover, inputs)
  await prover.close()
  return { ...sample, peakMiB: peakRssMiB() - idleMiB }
}
