import { fileURLToPath } from 'node:url'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { SystemClock } from '../../src/lib/systemclock.ts'
import { SystemRandom } from '../../src/lib/systemrandom.ts'
import { computeWorkers } from '../../src/platform/nodejs/computeworkers.ts'
import { download } from '../../src/platform/nodejs/download.ts'
import { FileArtefacts, openFileSource } from '../../src/platform/nodejs/fileartefacts.ts'
import { provingFunctions, type ProvingPlatform } from '../../src/proving/provingfunctions.ts'
import { WorkerPool } from '../../src/workers/workerpool.ts'
import { bundleModule } from '../bundlemodule.ts'
import { UnsharedPool } from '../proving/unsharedpool.ts'
import { proverSuite } from '../suites/prover.ts'

let script: URL
let scalarScript: URL
let folder: string
beforeAll(async () => {
  script = await bundleModule(fileURLToPath(new URL('../../src/entries/computeworker.nodejs.ts', import.meta.url)))
  scalarScript = await bundleModule(fileURLToPath(new URL('../children/scalarprover.nodejs.ts', import.meta.url)))
  folder = await mkdtemp(join(tmpdir(), 'codex-light-artefacts-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** As the entry is put together, but for the script, which a test has to bundle. */
const platform: ProvingPlatform = {
  openPool: (size = 2) => new WorkerPool({ source: computeWorkers(script), clock: new SystemClock(), size }),
  openFile: openFileSource,
  download,
  openStore: async () => new FileArtefacts(folder),
  random: new SystemRandom(),
}
const { createProver } = provingFunctions({
  ...platform,
  loadSnarkjs: () => import('../../src/proving/snarkjsprover.ts'),
})
const plain = provingFunctions({
  ...platform,
  openPool: (size = 2) => new UnsharedPool({ source: computeWorkers(scalarScript), clock: new SystemClock(), size }),
})

proverSuite('the prover of engine wasm', createProver, { extent: 'all' })
proverSuite('the prover of engine snarkjs', (options) => createProver({ engine: 'snarkjs', ...options }), {
  extent: 'reference',
})
proverSuite('the prover of engine wasm without shared memory or relaxed SIMD', plain.createProver, {
  extent: 'variant',
})
