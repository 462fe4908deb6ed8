// The laws of a WorkerPool over real workers. Run over every WorkerSource, each in its own runtime.

import { afterEach, describe, expect, test, vi } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { mapBounded } from '../../src/lib/mapbounded.ts'
import { nextTask } from '../../src/lib/nexttask.ts'
import { ABORT_PATIENCE } from '../../src/workers/pooledworker.ts'
import type { Rank } from '../../src/workers/rankqueue.ts'
import type { TicketedJobs } from '../../src/workers/ticketedjobs.ts'
import { transfer } from '../../src/workers/transfer.ts'
import { MAX_ATTEMPTS, MAX_LOAD_FAILURES, WorkerPool } from '../../src/workers/workerpool.ts'
import type { WorkerSource } from '../../src/workers/workersource.ts'
import type { PoolJobs } from '../children/pooljobs.ts'
import { CountingController } from '../fakes/countingcontroller.ts'

export interface WorkerPoolSetup {
  /** Workers that perform `test/children/pooljobs.ts`. */
  readonly working: () => WorkerSource<TicketedJobs<PoolJobs>>
  /** Workers whose script is not there. */
  readonly broken: () => WorkerSource<TicketedJobs<PoolJobs>>
}

/** A pool and how often it started a worker. The clock stands still: no patience ends unless a test ends it. */
interface Bench {
  readonly pool: WorkerPool<PoolJobs>
  readonly clock: ManualClock
  readonly spawned: () => number
}

type MakeBench = (size: number, make?: () => WorkerSource<TicketedJobs<PoolJobs>>) => Bench

export function workerPoolSuite(name: string, setup: WorkerPoolSetup): void {
  describe(`WorkerPool over ${name}`, () => {
    const benches: Bench[] = []
    const bench: MakeBench = (size, make = setup.working) => {
      const source = make()
      let spawned = 0
      const counting = {
        parallelism: source.parallelism,
        spawn: () => {
          spawned++
          return source.spawn()
        },
      }
      const clock = new ManualClock()
      const made = { pool: new WorkerPool<PoolJobs>({ source: counting, clock, size }), clock, spawned: () => spawned }
      benches.push(made)
      return made
    }
    afterEach(async () => {
      await Promise.all(benches.map(({ pool }) => pool.close()))
      expect(benches.map(({ pool }) => pool.workers)).toEqual(benches.map(() => 0))
      expect(benches.splice(0).filter(({ clock }) => clock.waiting > 0)).toEqual([])
    })
    results(bench)
    bytes(bench)
    withoutSharing(bench)
    order(bench)
    aborts(bench)
    losses(bench)
    brokenScripts(bench, setup.broken)
    closing(bench)
  })
}

const { signal } = new AbortController()
const duty = { signal, rank: 'duty' } as const

function results(bench: MakeBench): void {
  test('each of a thousand jobs gets its own result, whatever the order they end in', async () => {
    const { pool } = bench(2)
    const values = Array.from({ length: 1000 }, (_, index) => index)
    const squares = await Promise.all(values.map((value) => pool.run((worker) => worker.square(value, 0), duty)))
    expect(squares).toEqual(values.map((value) => value * value))
    // Long and short ones mixed, so that later ones overtake.
    const mixed = values.slice(0, 12)
    const slow = mixed.map((value) => pool.run((worker) => worker.square(value, (value * 7) % 4), duty))
    expect(await Promise.all(slow)).toEqual(mixed.map((value) => value * value))
  })

  test('starts workers as jobs need them, no more than its size, and keeps them', async () => {
    const { pool, spawned } = bench(2)
    expect(spawned()).toBe(0)
    await pool.run((worker) => worker.echo(1), duty)
    expect(spawned()).toBe(1)
    await mapBounded([...Array(9).keys()], 9, (value) => pool.run((worker) => worker.square(value, 1), duty))
    expect(spawned()).toBe(2)
    expect(pool.workers).toBe(2)
  })

  test('a job may call its worker several times and finds the same one', async () => {
    const { pool } = bench(2)
    const recalled = await mapBounded(['a', 'b', 'c', 'd'], 4, (value) =>
      pool.run(async (worker) => {
        await worker.remember(value)
        await worker.square(3, 1)
        return worker.recall()
      }, duty),
    )
    expect(recalled).toEqual(['a', 'b', 'c', 'd'])
  })

  test('errors of a job keep code, detail and message; the worker goes on', async () => {
    const { pool, spawned } = bench(1)
    const error = await rejection(pool.run((worker) => worker.failTyped(), duty))
    expect(error).toMatchObject({ code: 'job/failed', message: 'on purpose', detail: { index: 7n } })
    expect(await pool.run((worker) => worker.echo('still there'), duty)).toBe('still there')
    expect(spawned()).toBe(1)
  })
}

function bytes(bench: MakeBench): void {
  test("copies bytes: the caller's own stay", async () => {
    const { pool } = bench(1)
    const lent = new Uint8Array(1 << 16).fill(3)
    const inverted = await pool.run((worker) => worker.invert(lent), duty)
    expect(inverted).toEqual(new Uint8Array(1 << 16).fill(252))
    expect(lent).toEqual(new Uint8Array(1 << 16).fill(3))
    expect(await pool.run((worker) => worker.isGone(), duty)).toBe(true)
  })

  test('moves bytes that a job made itself', async () => {
    const { pool } = bench(1)
    const own = new Uint8Array(1 << 16).fill(1)
    const inverted = await pool.run((worker) => worker.invert(transfer(own, [own.buffer])), duty)
    expect(own.byteLength).toBe(0)
    expect(inverted).toEqual(new Uint8Array(1 << 16).fill(254))
  })

  test('passes shared memory exactly where it says so', async () => {
    const { pool } = bench(1)
    expect(pool.canShare).toBe(typeof SharedArrayBuffer !== 'undefined')
    if (!pool.canShare) return
    const memory = new SharedArrayBuffer(8)
    await pool.run((worker) => worker.fill(memory, 9), duty)
    expect([...new Uint8Array(memory)]).toEqual(Array(8).fill(9))
  })
}

function withoutSharing(bench: MakeBench): void {
  test('needs no shared memory', async () => {
    vi.stubGlobal('SharedArrayBuffer', undefined)
    try {
      const { pool } = bench(2)
      expect(pool.canShare).toBe(false)
      const lent = new Uint8Array(1 << 12).fill(7)
      const answers = await mapBounded([...Array(20).keys()], 8, () => pool.run((worker) => worker.invert(lent), duty))
      expect(answers.every((answer) => answer.every((byte) => byte === 248))).toBe(true)
      const { running, stop } = await startSpinning(pool)
      stop('over')
      await expect(running).rejects.toBe('over')
    } finally {
      vi.unstubAllGlobals()
    }
  })
}

function order(bench: MakeBench): void {
  test('the highest rank goes first, the earlier of one rank before the later', async () => {
    const { pool } = bench(1)
    const ended: string[] = []
    const ranks: Rank[] = ['background', 'sale', 'duty', 'background', 'duty', 'sale']
    const jobs = ranks.map((rank, index) =>
      pool.run(async (worker) => ended.push(String(await worker.echo(`${rank} ${index}`))), { signal, rank }),
    )
    await Promise.all(jobs)
    expect(ended).toEqual(['duty 2', 'duty 4', 'sale 1', 'sale 5', 'background 0', 'background 3'])
  })

  test('an affine job goes to the idle worker that has what it hopes for', async () => {
    const { pool } = bench(2)
    let begun = 0
    const name = (value: string) =>
      pool.run(
        async (worker) => {
          // Both at once, or one worker could get both names.
          for (begun++; begun < 2;) await nextTask()
          await worker.remember(value)
        },
        { ...duty, affinity: value },
      )
    await Promise.all([name('points'), name('other')])
    const recall = (affinity: string) => pool.run((worker) => worker.recall(), { ...duty, affinity })
    expect(await recall('points')).toBe('points')
    expect(await recall('other')).toBe('other')
    expect(await recall('points')).toBe('points')
  })
}

function aborts(bench: MakeBench): void {
  test('a job that waits leaves at once and never begins', async () => {
    const { pool } = bench(1)
    const { running, stop } = await startSpinning(pool)
    const controller = new CountingController()
    let hasBegun = false
    const waiting = pool.run(async () => (hasBegun = true), { signal: controller.signal, rank: 'duty' })
    expect(pool.queued).toBe(1)
    controller.abort('enough')
    expect(pool.queued).toBe(0)
    await expect(waiting).rejects.toBe('enough')
    stop('over')
    await expect(running).rejects.toBe('over')
    expect(hasBegun).toBe(false)
    expect(controller.listeners).toBe(0)
  })

  test('a job that runs frees its thread, and what is resident there stays', async () => {
    const { pool, clock, spawned } = bench(1)
    await pool.run((worker) => worker.remember('points'), duty)
    const { running, stop } = await startSpinning(pool)
    const next = pool.run((worker) => worker.recall(), duty)
    stop('over')
    await expect(running).rejects.toBe('over')
    expect(await next).toBe('points')
    expect(spawned()).toBe(1)
    expect(clock.waiting).toBe(0)
  })

  test('a job that never looks up costs its worker when patience ends; the next one gets another', async () => {
    const { pool, clock, spawned } = bench(1)
    await pool.run((worker) => worker.remember('points'), duty)
    const { running, stop } = await startSpinning(pool, (worker) => worker.wedge())
    const next = pool.run((worker) => worker.recall(), duty)
    stop('over')
    while (clock.waiting === 0) await nextTask()
    clock.advance(ABORT_PATIENCE)
    await expect(running).rejects.toBe('over')
    expect(await next).toBe(undefined)
    expect(spawned()).toBe(2)
  })
}

function losses(bench: MakeBench): void {
  test('a job whose worker dies fails typed; another worker takes the next', async () => {
    const { pool, spawned } = bench(1)
    const error = await rejection(pool.run((worker) => worker.crash(), duty))
    expect(error.code).toBe('worker/ended')
    expect(error.message).toContain('crashed on purpose')
    expect(await pool.run((worker) => worker.echo('next'), duty)).toBe('next')
    expect(spawned()).toBe(2)
  })

  test('an idempotent job is begun again, so many times and no more', async () => {
    const { pool, spawned } = bench(1)
    let begun = 0
    const idempotent = { ...duty, idempotent: true }
    const once = pool.run(async (worker) => (begun++ === 0 ? worker.crash() : worker.echo('again')), idempotent)
    expect(await once).toBe('again')
    expect(begun).toBe(2)
    begun = 0
    const poison = pool.run((worker) => (begun++, worker.crash()), idempotent)
    expect((await rejection(poison)).code).toBe('worker/ended')
    expect(begun).toBe(MAX_ATTEMPTS)
    expect(spawned()).toBe(1 + MAX_ATTEMPTS)
  })

  test('endIdle ends what idles; the next job gets a new worker', async () => {
    const { pool, spawned } = bench(1)
    await pool.run((worker) => worker.remember('points'), duty)
    pool.endIdle()
    expect(await pool.run((worker) => worker.recall(), duty)).toBe(undefined)
    expect(spawned()).toBe(2)
  })
}

function brokenScripts(bench: MakeBench, broken: () => WorkerSource<TicketedJobs<PoolJobs>>): void {
  test('workers that cannot load are tried a few times for the jobs that wait, then again for later ones', async () => {
    const { pool, spawned } = bench(1, broken)
    const jobs = [1, 2, 3].map((value) => rejection(pool.run((worker) => worker.echo(value), duty)))
    for (const error of await Promise.all(jobs)) {
      expect(error.code).toBe('worker/unavailable')
      expect(CodexError.is(error.cause, 'worker/ended')).toBe(true)
    }
    expect(spawned()).toBe(MAX_LOAD_FAILURES)
    expect((await rejection(pool.run((worker) => worker.echo(4), duty))).code).toBe('worker/unavailable')
    expect(spawned()).toBe(2 * MAX_LOAD_FAILURES)
    expect(pool.workers).toBe(0)
  })
}

function closing(bench: MakeBench): void {
  test('close gives up what runs and what waits, and ends every worker', async () => {
    const { pool, clock } = bench(2)
    const spinning = [await startSpinning(pool), await startSpinning(pool)].map(({ running }) => rejection(running))
    const waiting = rejection(pool.run((worker) => worker.echo(1), duty))
    await Promise.all([pool.close(), pool.close()])
    const errors = await Promise.all([...spinning, waiting])
    expect(errors.map(({ code }) => code)).toEqual(Array(3).fill('worker/pool-closed'))
    expect([pool.workers, pool.running, pool.queued, clock.waiting]).toEqual([0, 0, 0, 0])
    expect((await rejection(pool.run((worker) => worker.echo(1), duty))).code).toBe('worker/pool-closed')
  })

  test('close does not wait for a worker that is still loading', async () => {
    const { pool } = bench(1)
    const job = rejection(pool.run((worker) => worker.echo(1), duty))
    await pool.close()
    expect((await job).code).toBe('worker/pool-closed')
    expect(pool.workers).toBe(0)
  })
}

/** A job that has begun and computes until it is stopped. */
async function startSpinning(
  pool: WorkerPool<PoolJobs>,
  compute: (worker: PoolJobs) => Promise<never> = (worker) => worker.spin(),
): Promise<{ readonly running: Promise<never>; readonly stop: (reason: unknown) => void }> {
  const controller = new AbortController()
  let begin: () => void
  const begun = new Promise<void>((resolve) => (begin = resolve))
  const running = pool.run(
    async (worker) => {
      await worker.echo('warm')
      begin()
      return compute(worker)
    },
    { signal: controller.signal, rank: 'background' },
  )
  running.catch(() => {}) // Its test looks at it later.
  await begun
  return { running, stop: (reason) => controller.abort(reason) }
}

async function rejection(promise: Promise<unknown>): Promise<CodexError> {
  const error = await promise.then(
    (value) => expect.unreachable(`expected a rejection, found ${String(value)}`),
    (reason: unknown) => reason,
  )
  if (!CodexError.is(error)) throw error
  return error
}
