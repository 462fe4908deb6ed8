import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AssertionError, CodexError } from '../../src/lib/errors.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { nextTask } from '../../src/lib/nexttask.ts'
import type { SlicedJobs } from '../../src/workers/performjobs.ts'
import { ABORT_PATIENCE } from '../../src/workers/pooledworker.ts'
import { RANKS } from '../../src/workers/rankqueue.ts'
import type { Rank } from '../../src/workers/rankqueue.ts'
import {
  MAX_ATTEMPTS,
  MAX_LOAD_FAILURES,
  MAX_POOL_WORKERS,
  MAX_QUEUED_PER_RANK,
  WorkerPool,
} from '../../src/workers/workerpool.ts'
import { CountingController } from '../fakes/countingcontroller.ts'
import { FakeWorkers } from '../fakes/fakeworkers.ts'
import { isSettled } from '../fakes/issettled.ts'

interface HeldJobs {
  /** Answers when the test says so. */
  hold(name: string): Promise<string>
  /** Ends only when the job is given up. */
  slices(): Promise<never>
}

/** Jobs that end by hand, and everything that was begun: `name@worker`. */
class Desk {
  readonly begun: string[] = []
  readonly #release = new Map<string, (answer: string) => void>()
  readonly #busy = new Set<number>()

  readonly jobs = (index: number): SlicedJobs<HeldJobs> => ({
    hold: (_, name) => {
      this.begun.push(`${name}@${index}`)
      expect(this.#busy.has(index), `worker ${index} has one job at a time`).toBe(false)
      this.#busy.add(index)
      return new Promise((resolve) => {
        this.#release.set(name, (answer) => {
          this.#busy.delete(index)
          resolve(answer)
        })
      })
    },
    slices: async (job) => {
      this.begun.push(`slices@${index}`)
      for (;;) await job.checkpoint()
    },
  })

  release(name: string): void {
    this.#release.get(name)?.(name)
  }
}

function bench(size: number) {
  const desk = new Desk()
  const source = new FakeWorkers<HeldJobs>(desk.jobs)
  const clock = new ManualClock(1000)
  const pool = new WorkerPool<HeldJobs>({ source, clock, size })
  const { signal } = new AbortController()
  const run = (name: string, options: Partial<Parameters<typeof pool.run>[1]> = {}): Promise<string> =>
    pool.run((worker) => worker.hold(name), { signal, rank: 'sale', ...options })
  /** Lets everything happen that waits for no release. */
  const settle = async (): Promise<void> => void (await isSettled(new Promise(() => {})))
  return { desk, source, clock, pool, run, settle, signal }
}

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: unknown) => (CodexError.is(error) ? error.code : error),
  )

describe('the workers of a pool', () => {
  test('are as many as the machine runs, up to a limit', () => {
    const make = (parallelism: number) =>
      new WorkerPool<HeldJobs>({ source: new FakeWorkers(new Desk().jobs, parallelism), clock: new ManualClock() })
    expect(make(1).size).toBe(1)
    expect(make(1000).size).toBe(MAX_POOL_WORKERS)
  })

  test('start only for jobs that no worker, idle or loading, would take', async () => {
    const { pool, source, run, desk, settle } = bench(3)
    source.loading = 'by hand'
    const jobs = [run('a'), run('b')]
    expect(source.spawned.length).toBe(2)
    source.spawned[1]?.load()
    await settle()
    expect(desk.begun).toEqual(['a@1'])
    desk.release('a')
    await settle()
    expect(desk.begun).toEqual(['a@1', 'b@1'])
    desk.release('b')
    expect(await Promise.all(jobs)).toEqual(['a', 'b'])
    await pool.close()
    expect(source.alive).toEqual([])
  })

  test('a job that comes while a worker loads is served by rank, not by who made the worker start', async () => {
    const { source, run, desk, settle } = bench(1)
    source.loading = 'by hand'
    void run('background', { rank: 'background' })
    void run('duty', { rank: 'duty' })
    source.spawned[0]?.load()
    await settle()
    expect(desk.begun).toEqual(['duty@0'])
  })

  test('one that dies while it idles is replaced when a job needs one', async () => {
    const { pool, source, run, desk, settle } = bench(1)
    const first = run('first')
    await settle()
    desk.release('first')
    await first
    source.spawned[0]?.die('for a test')
    await settle()
    expect([pool.workers, source.spawned.length]).toEqual([0, 1])
    const second = run('second')
    await settle()
    desk.release('second')
    expect(await second).toBe('second')
    expect(desk.begun).toEqual(['first@0', 'second@1'])
  })

  test('those that live go on when more cannot load', async () => {
    const { source, run, desk, settle } = bench(2)
    const first = run('first')
    await settle()
    source.loading = 'fails'
    const others = [run('second'), run('third')]
    await settle()
    expect(source.spawned.length).toBe(1 + MAX_LOAD_FAILURES)
    for (const name of ['first', 'second', 'third']) {
      desk.release(name)
      await settle()
    }
    expect(await Promise.all([first, ...others])).toEqual(['first', 'second', 'third'])
    expect(desk.begun).toEqual(['first@0', 'second@0', 'third@0'])
  })

  test('when the last one that lived dies, the rest of the queue still gets an answer', async () => {
    const { source, run, settle } = bench(2)
    const jobs = [run('first')]
    await settle()
    source.loading = 'fails'
    jobs.push(run('second'))
    await settle()
    source.spawned[0]?.die('for a test')
    expect(await Promise.all(jobs.map(codeOf))).toEqual(['worker/ended', 'worker/unavailable'])
    // Two may be loading at once, so one more may have begun when the last failure counts.
    expect(source.spawned.length).toBeLessThanOrEqual(1 + 2 * (MAX_LOAD_FAILURES + 1))
    expect(source.alive).toEqual([])
  })

  test('a source that throws is a source whose workers do not load', async () => {
    const { source, run, desk, settle } = bench(1)
    source.loading = 'throws'
    expect(await codeOf(run('a'))).toBe('worker/unavailable')
    source.loading = 'loads'
    const job = run('b')
    await settle()
    desk.release('b')
    expect(await job).toBe('b')
  })
})

describe('a job', () => {
  test('of a full rank is refused with the limit; others are not', async () => {
    const { pool, run, settle, clock } = bench(1)
    const jobs = [run('runs')]
    await settle()
    for (let index = 0; index < MAX_QUEUED_PER_RANK; index++) jobs.push(run(`${index}`))
    await expect(run('too many')).rejects.toMatchObject({
      code: 'worker/queue-full',
      detail: { rank: 'sale', limit: MAX_QUEUED_PER_RANK },
    })
    jobs.push(run('duty', { rank: 'duty' }))
    expect(pool.queued).toBe(MAX_QUEUED_PER_RANK + 1)
    const codes = Promise.all(jobs.map(codeOf))
    const closing = pool.close()
    await settle()
    clock.advance(ABORT_PATIENCE)
    await closing
    expect(new Set(await codes)).toEqual(new Set(['worker/pool-closed']))
  })

  test('under an aborted signal never begins', async () => {
    const { source, run } = bench(1)
    const controller = new CountingController()
    controller.abort('before')
    await expect(run('a', { signal: controller.signal })).rejects.toBe('before')
    expect([source.spawned.length, controller.listeners]).toEqual([0, 0])
  })

  test('however it ends leaves no listener behind', async () => {
    const { source, run, desk, settle, clock } = bench(1)
    const controller = new CountingController()
    const { signal } = controller
    const done = run('done', { signal })
    await settle()
    desk.release('done')
    await done
    const lost = codeOf(run('lost', { signal }))
    await settle()
    source.alive[0]?.die('for a test')
    expect(await lost).toBe('worker/ended')
    expect([controller.listeners, clock.waiting]).toEqual([0, 0])
  })

  test('that hears of its abort frees its worker; patience leaves no timer', async () => {
    const { pool, source, run, clock, desk, settle } = bench(1)
    const controller = new AbortController()
    const sliced = pool.run((worker) => worker.slices(), { signal: controller.signal, rank: 'duty' })
    const next = run('next')
    await settle()
    controller.abort('enough')
    await expect(sliced).rejects.toBe('enough')
    await settle()
    expect(desk.begun).toEqual(['slices@0', 'next@0'])
    expect([clock.waiting, source.spawned.length]).toEqual([0, 1])
    desk.release('next')
    expect(await next).toBe('next')
  })

  test('that does not hear of it keeps its worker as long as patience lasts, then costs it', async () => {
    const { source, run, clock, desk, settle } = bench(1)
    const controller = new AbortController()
    const deaf = run('deaf', { signal: controller.signal, idempotent: true })
    void run('next')
    await settle()
    controller.abort('enough')
    await settle()
    clock.advance(ABORT_PATIENCE - 1)
    expect(await isSettled(deaf)).toBe(false)
    expect(source.alive.length).toBe(1)
    clock.advance(1)
    await expect(deaf).rejects.toBe('enough')
    await settle()
    expect(desk.begun).toEqual(['deaf@0', 'next@1'])
    expect(source.spawned[0]?.isEnded).toBe(true)
    expect(clock.waiting).toBe(0)
  })

  test('whose own code never ends is let go when patience ends', async () => {
    const { pool, clock, source, settle } = bench(1)
    const controller = new AbortController()
    const stuck = pool.run(() => new Promise<never>(() => {}), { signal: controller.signal, rank: 'duty' })
    await settle()
    controller.abort('enough')
    await settle()
    clock.advance(ABORT_PATIENCE)
    await expect(stuck).rejects.toBe('enough')
    expect(source.alive).toEqual([])
  })

  test("is not over, and its worker nobody else's, before a lost thread is really gone", async () => {
    const { source, run, desk, settle, pool } = bench(1)
    const lost = codeOf(run('lost'))
    void run('next')
    await settle()
    const [worker] = source.alive
    if (worker !== undefined) worker.closesSlowly = true
    worker?.die('for a test')
    expect(await isSettled(lost)).toBe(false)
    expect([desk.begun, pool.workers]).toEqual([['lost@0'], 1])
    worker?.finishClosing()
    expect(await lost).toBe('worker/ended')
    await settle()
    expect(desk.begun).toEqual(['lost@0', 'next@1'])
  })

  test('that ends in the same moment as its abort counts as aborted', async () => {
    const { run, desk, settle } = bench(1)
    const controller = new AbortController()
    const job = run('a', { signal: controller.signal })
    await settle()
    desk.release('a')
    controller.abort('enough')
    await expect(job).rejects.toBe('enough')
  })

  test('makes no further calls once it is given up', async () => {
    const { pool, desk, settle } = bench(1)
    const controller = new AbortController()
    const job = pool.run(
      async (worker) => {
        await worker.slices().catch(() => {})
        return worker.hold('late')
      },
      { signal: controller.signal, rank: 'duty' },
    )
    await settle()
    controller.abort('enough')
    await expect(job).rejects.toBe('enough')
    expect(desk.begun).toEqual(['slices@0'])
  })

  test('that leaves calls open has them given up before its worker goes to the next', async () => {
    const { pool, run, desk, source, settle, signal } = bench(1)
    let open: Promise<unknown> | undefined
    const job = pool.run(
      async (worker) => {
        open = codeOf(worker.slices())
        return 'early'
      },
      { signal, rank: 'duty' },
    )
    void run('next')
    await settle()
    expect(await job).toBe('early')
    expect(await open).toBe('worker/aborted')
    await settle()
    expect(desk.begun).toEqual(['slices@0', 'next@0'])
    expect(source.spawned.length).toBe(1)
  })

  test('that keeps its worker for later is told of the mistake', async () => {
    const { pool, signal, settle } = bench(1)
    const kept = await pool.run(async (worker) => [worker], { signal, rank: 'duty' })
    await settle()
    await expect(kept[0]?.hold('late')).rejects.toBeInstanceOf(AssertionError)
  })

  test('is begun again after a loss only where it said so, before later ones, and not for ever', async () => {
    const { run, source, desk, settle } = bench(1)
    const again = codeOf(run('again', { idempotent: true }))
    const later = codeOf(run('later'))
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      await settle()
      source.alive[0]?.die('for a test')
    }
    expect(await again).toBe('worker/ended')
    await settle()
    source.alive[0]?.die('for a test')
    expect(await later).toBe('worker/ended')
    expect(desk.begun).toEqual(['again@0', 'again@1', 'again@2', 'later@3'])
  })

  test('may ask for another job, and close its pool', async () => {
    const { pool, source, signal } = bench(2)
    let closing: Promise<void> | undefined
    const job = pool.run(
      async () => {
        closing = pool.close()
        return 'over'
      },
      { signal, rank: 'duty' },
    )
    expect(['over', 'worker/pool-closed']).toContain(await job.catch((error: CodexError) => error.code))
    await closing
    expect(source.alive).toEqual([])
  })

  test('asked for by whoever hears of the closing is refused', async () => {
    const { pool, run, settle, signal } = bench(1)
    let late: Promise<unknown> | undefined
    const job = pool.run(
      (_, ownSignal) =>
        new Promise<never>((_, reject) => {
          ownSignal.addEventListener('abort', () => {
            late = codeOf(run('late'))
            reject(ownSignal.reason)
          })
        }),
      { signal, rank: 'duty' },
    )
    const code = codeOf(job)
    await settle()
    await pool.close()
    expect([await code, await late]).toEqual(['worker/pool-closed', 'worker/pool-closed'])
  })
})

test('whatever happens in whatever order: every job settles with its own answer, no worker has two, none is left', async () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ act: fc.constant('run'), rank: fc.constantFrom(...RANKS), again: fc.boolean() }),
    },
    { weight: 6, arbitrary: fc.record({ act: fc.constant('release'), nth: fc.nat(30) }) },
    { weight: 2, arbitrary: fc.record({ act: fc.constant('abort'), nth: fc.nat(30) }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('die'), nth: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('pass') }) },
  )
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 3 }), fc.array(step, { maxLength: 60 }), async (size, steps) => {
      const { pool, source, desk, run, clock, settle } = bench(size)
      const jobs: { controller: CountingController; result: Promise<unknown> }[] = []
      for (const { act, ...how } of steps as { act: string; rank?: Rank; again?: boolean; nth?: number }[]) {
        const nth = how.nth ?? 0
        if (act === 'run') {
          const controller = new CountingController()
          const rank = how.rank ?? 'sale'
          const options = { signal: controller.signal, rank, idempotent: how.again === true }
          jobs.push({ controller, result: run(`${jobs.length}`, options).catch((error: unknown) => error) })
        }
        if (act === 'release') desk.release(`${nth}`)
        if (act === 'abort') jobs[nth]?.controller.abort(`given up ${nth}`)
        if (act === 'die') source.alive[nth]?.die('for a test')
        if (act === 'pass') clock.advance(ABORT_PATIENCE)
        await settle()
        expect(source.alive.length).toBeLessThanOrEqual(size)
        expect(pool.running).toBeLessThanOrEqual(size)
      }
      const closing = pool.close()
      await settle()
      clock.advance(ABORT_PATIENCE)
      await closing
      const results = await Promise.all(jobs.map(({ result }) => result))
      for (const [index, result] of results.entries()) {
        const isOwn = result === `${index}` || result === `given up ${index}`
        const isLost = CodexError.is(result, 'worker/ended') || CodexError.is(result, 'worker/pool-closed')
        expect(isOwn || isLost, `job ${index}: ${String(result)}`).toBe(true)
      }
      expect(source.alive).toEqual([])
      expect([pool.running, pool.queued, pool.workers, clock.waiting]).toEqual([0, 0, 0, 0])
      expect(jobs.map(({ controller }) => controller.listeners)).toEqual(jobs.map(() => 0))
      await nextTask()
    }),
    { numRuns: 100 },
  )
})
