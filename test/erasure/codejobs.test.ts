import { afterEach, expect, test } from 'vitest'
import { codeJobs } from '../../src/erasure/codejobs.ts'
import type { CodeJobs, CodeKernel } from '../../src/erasure/codejobs.ts'
import { PooledErasure } from '../../src/erasure/poolederasure.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { WorkerPool } from '../../src/workers/workerpool.ts'
import { loadLeopard } from '../../wasm/leopard/loadleopard.ts'
import { FakeWorkers } from '../fakes/fakeworkers.ts'
import { erasureSuite } from '../suites/erasure.ts'

const options = { signal: new AbortController().signal, rank: 'sale' } as const
const pools: WorkerPool<CodeJobs>[] = []
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close())))

function poolOf(load: () => Promise<CodeKernel>, size = 2): WorkerPool<CodeJobs> {
  const source = new FakeWorkers<CodeJobs>(() => codeJobs(load), size)
  const pool = new WorkerPool<CodeJobs>({ source, clock: new ManualClock(), size })
  pools.push(pool)
  return pool
}

/** Copies nothing and computes nothing; writes down which columns it was asked for, and how many coders were made. */
function countingKernel(sliceBytes: number): { kernel: CodeKernel; columns: string[]; made: string[] } {
  const columns: string[] = []
  const made: string[] = []
  const kernel: CodeKernel = {
    decoder: ({ present, wanted }) => {
      made.push(wanted.join())
      return { inputs: present, outputs: wanted, sliceBytes, run: (_, __, from, to) => columns.push(`${from}-${to}`) }
    },
  }
  return { kernel, columns, made }
}

erasureSuite('PooledErasure over workers in this thread', () => new PooledErasure({ pool: poolOf(loadLeopard) }))

test('the coder of a pattern is made once, until many others came between', async () => {
  const { kernel, made } = countingKernel(1024)
  const erasure = new PooledErasure({ pool: poolOf(async () => kernel, 1) })
  const compute = (row: number): Promise<unknown> =>
    erasure.compute({ dataCount: 1, parityCount: 99, given: [0], wanted: [row] }, [[new Uint8Array(64)]], options)
  for (const row of [1, 1, 2, 1, 3, 4, 5, 6, 7, 8, 1]) await compute(row)
  expect(made.splice(0)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8'])
  for (const row of [9, 1, 2]) await compute(row)
  expect(made).toEqual(['9', '2'])
})

test('no more columns than a slice are computed between two checkpoints, of one step or of several', async () => {
  const { kernel, columns } = countingKernel(4096)
  const controller = new AbortController()
  const reason = new Error('enough')
  const pool = poolOf(async () => kernel, 1)
  const computing = new PooledErasure({ pool }).compute(
    { dataCount: 1, parityCount: 1, given: [0], wanted: [1] },
    [[new Uint8Array(10_240)], [new Uint8Array(10_240)]],
    { ...options, signal: controller.signal },
  )
  await computing
  expect(columns.splice(0)).toEqual(['0-4096', '4096-8192', '8192-10240', '0-4096', '4096-8192', '8192-10240'])
  const small = Array.from({ length: 100 }, () => [new Uint8Array(1024)])
  const aborted = new PooledErasure({
    pool: poolOf(
      async () => ({
        decoder: (pattern) => ({
          ...kernel.decoder(pattern),
          run: (...args) => {
            if (columns.push(`${args[2]}-${args[3]}`) === 6) controller.abort(reason)
          },
        }),
      }),
      1,
    ),
  }).compute({ dataCount: 1, parityCount: 1, given: [0], wanted: [1] }, small, {
    ...options,
    signal: controller.signal,
  })
  await expect(aborted).rejects.toBe(reason)
  expect(columns).toHaveLength(8)
})
