// The laws of hashing and coding on workers: the seams over a pool, with shared memory and without, and what aborts and deaths cost. Run over
// every source of compute workers, each in its own runtime.

import { afterAll, describe, expect, test } from 'vitest'
import type { CodeJobs } from '../../src/erasure/codejobs.ts'
import { PooledErasure } from '../../src/erasure/poolederasure.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import type { HashJobs } from '../../src/slots/hashjobs.ts'
import { PooledPoseidon2 } from '../../src/slots/pooledposeidon2.ts'
import type { TicketedJobs } from '../../src/workers/ticketedjobs.ts'
import { WorkerPool } from '../../src/workers/workerpool.ts'
import type { WorkerHandle, WorkerSource } from '../../src/workers/workersource.ts'
import { leopardTwin } from '../../wasm/leopard/leopardtwin.ts'
import { expectAllBytes } from '../fakes/expectbytes.ts'
import { noise } from '../wasm/leoparddata.ts'
import { erasureSuite } from './erasure.ts'
import { poseidon2Suite } from './poseidon2.ts'

type Jobs = HashJobs & CodeJobs
type Source = WorkerSource<TicketedJobs<Jobs>>

interface Bench {
  readonly pool: WorkerPool<Jobs>
  readonly clock: ManualClock
  /** Every worker ever started. */
  readonly workers: readonly WorkerHandle<TicketedJobs<Jobs>>[]
}

/** @param parts how the pool gives memory to workers: kept apart, so that one machine tests both kinds */
export function computeWorkersSuite(name: string, make: () => Source): void {
  const benches: Bench[] = []
  const bench = (): Bench => {
    const source = make()
    const workers: WorkerHandle<TicketedJobs<Jobs>>[] = []
    const spawn = (): WorkerHandle<TicketedJobs<Jobs>> => {
      const worker = source.spawn()
      workers.push(worker)
      return worker
    }
    const clock = new ManualClock()
    const pool = new WorkerPool<Jobs>({ source: { parallelism: 2, spawn }, clock, size: 2 })
    benches.push({ pool, clock, workers })
    return { pool, clock, workers }
  }
  afterAll(async () => {
    await Promise.all(benches.map(({ pool }) => pool.close()))
    expect(benches.filter(({ clock }) => clock.waiting > 0)).toEqual([])
  })

  let shared: Bench | undefined
  const both = (): WorkerPool<Jobs> => (shared ??= bench()).pool
  const apart = (): Pick<WorkerPool<Jobs>, 'run' | 'size' | 'canShare'> => {
    const pool = both()
    return { run: (work, options) => pool.run(work, options), size: pool.size, canShare: false }
  }
  poseidon2Suite(`PooledPoseidon2 over ${name}, sharing memory`, () => new PooledPoseidon2(both()))
  poseidon2Suite(`PooledPoseidon2 over ${name}, sharing none`, () => new PooledPoseidon2(apart()))
  erasureSuite(`PooledErasure over ${name}, sharing memory`, () => new PooledErasure({ pool: both() }))
  erasureSuite(`PooledErasure over ${name}, sharing none`, () => new PooledErasure({ pool: apart() }))
  const memory = (bytes: number): Uint8Array => new Uint8Array(new SharedArrayBuffer(bytes))
  erasureSuite(`PooledErasure over ${name} into shared memory`, () => new PooledErasure({ pool: both(), memory }))
  abortsAndDeaths(name, bench)
}

function abortsAndDeaths(name: string, bench: () => Bench): void {
  const blocks = noise(8, 65_536, 5)
  const many = Array.from({ length: 64 }, (_, i) => blocks[i % 8] as Uint8Array)
  const rank = 'background'

  describe(`hashing and coding over ${name}`, () => {
    test('an abort ends a batch soon and frees the workers without ending one', async () => {
      const { pool, workers } = bench()
      const hasher = new PooledPoseidon2(pool)
      const expected = await hasher.hashBlocks(blocks, 2048, { signal: new AbortController().signal, rank })
      const controller = new AbortController()
      const started = hasher.hashBlocks(many, 2048, { signal: controller.signal, rank })
      const reason = new Error('enough')
      controller.abort(reason)
      await expect(started).rejects.toBe(reason)
      expect([pool.running, pool.queued]).toEqual([0, 0])
      expect(await hasher.hashBlocks(blocks, 2048, { signal: new AbortController().signal, rank: 'duty' })).toEqual(
        expected,
      )
      expect(workers).toHaveLength(2)
    })

    test('a worker that dies costs its job a second try and nothing else', async () => {
      const { pool, workers } = bench()
      const hasher = new PooledPoseidon2(pool)
      const { signal } = new AbortController()
      const expected = await hasher.hashBlocks(blocks, 2048, { signal, rank })
      const hashes = hasher.hashBlocks(many, 2048, { signal, rank })
      expect(pool.running).toBe(2)
      workers[0]?.end()
      const found = await hashes
      for (let at = 0; at < found.length; at += expected.length)
        expect(found.subarray(at, at + expected.length)).toEqual(expected)
      expect(workers).toHaveLength(3)
    })

    test('a worker that dies while it codes, too', async () => {
      const { pool, workers } = bench()
      const erasure = new PooledErasure({ pool })
      const { signal } = new AbortController()
      const pattern = { dataCount: 4, parityCount: 4, given: [0, 1, 2, 3], wanted: [4, 5, 6, 7] }
      const step = blocks.slice(0, 4)
      await erasure.compute(pattern, [step, step], { signal, rank })
      const steps = Array.from({ length: 64 }, () => step)
      const computing = erasure.compute(pattern, steps, { signal, rank })
      expect(pool.running).toBeGreaterThan(0)
      workers[0]?.end()
      workers[1]?.end()
      const parity = leopardTwin.encode(step, 4)
      for (const found of await computing) expectAllBytes(found, parity)
    })
  })
}
