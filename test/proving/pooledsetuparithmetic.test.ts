import { expect, it } from 'vitest'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { devSetup } from '../../src/proving/devsetup.ts'
import { pooledSetupArithmetic } from '../../src/proving/pooledsetuparithmetic.ts'
import { setupJobs, type SetupJobs } from '../../src/proving/setupjobs.ts'
import { slowSetupArithmetic } from '../../src/proving/slowsetuparithmetic.ts'
import { WorkerPool } from '../../src/workers/workerpool.ts'
import { loadField } from '../../wasm/field/loadfield.ts'
import { FakeWorkers } from '../fakes/fakeworkers.ts'
import { setupArithmeticSuite } from '../suites/setuparithmetic.ts'
import { templateCircuit } from './circuits.ts'

const { signal } = new AbortController()

function pool(size: number): { readonly pool: WorkerPool<SetupJobs>; readonly workers: FakeWorkers<SetupJobs> } {
  const workers = new FakeWorkers<SetupJobs>(() => setupJobs(() => loadField()), size)
  return { workers, pool: new WorkerPool<SetupJobs>({ source: workers, clock: new ManualClock(), size }) }
}

for (const size of [1, 3])
  setupArithmeticSuite(`pooledSetupArithmetic over ${size}`, () => pooledSetupArithmetic(pool(size).pool))

it('gives the same keys as the slow twin, byte for byte, and shares the work', async () => {
  const { r1cs } = await templateCircuit('hash.circom', 'Compress()')
  const bench = pool(2)
  const ours = await devSetup({ r1cs, seed: 'a test', arithmetic: pooledSetupArithmetic(bench.pool), signal })
  const slow = await devSetup({ r1cs, seed: 'a test', arithmetic: slowSetupArithmetic, signal })
  expect(ours.zkey).toEqual(slow.zkey)
  expect(ours.verificationKey).toEqual(slow.verificationKey)
  expect(bench.workers.spawned).toHaveLength(2)
  await bench.pool.close()
})

it('goes on when a worker dies', async () => {
  const scalars = new Uint8Array(32 * 20).fill(3, 0, 31)
  const bench = pool(1)
  const arithmetic = pooledSetupArithmetic(bench.pool)
  const working = arithmetic.fixedBaseMany('g1', scalars, { signal })
  bench.workers.spawned[0]?.die('killed by the test')
  expect(await working).toEqual(await slowSetupArithmetic.fixedBaseMany('g1', scalars, { signal }))
  await bench.pool.close()
})
