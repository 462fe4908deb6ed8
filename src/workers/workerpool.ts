// The workers that hashing, coding and proving share: gives each job a worker, the most urgent first. It does not know what jobs do.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { assert, CodexError } from '../lib/errors.ts'
import { AbortWatch } from './abortwatch.ts'
import { canShare } from './canshare.ts'
import { PooledWorker } from './pooledworker.ts'
import type { JobOutcome, PooledJob, Work } from './pooledworker.ts'
import { RankQueue } from './rankqueue.ts'
import type { Rank, Ranked } from './rankqueue.ts'
import type { TicketedJobs } from './ticketedjobs.ts'
import type { WorkerFunctions, WorkerSource } from './workersource.ts'

/** Most workers of one pool, however many cores there are: each may hold its own kernel memory. */
export const MAX_POOL_WORKERS = 8

/** Most jobs of one rank that wait. Whoever has more to do keeps them itself and asks a few at a time, see `mapBounded`. */
export const MAX_QUEUED_PER_RANK = 1024

/** How often an idempotent job is begun at most; each further time its worker has died of something. */
export const MAX_ATTEMPTS = 3

/** So many workers in a row may fail to load before the pool stops trying for the jobs that wait; those then loading come on top. */
export const MAX_LOAD_FAILURES = 3

export interface WorkerPoolOptions<Jobs> {
  readonly source: WorkerSource<TicketedJobs<Jobs>>
  readonly clock: Clock
  /** Most workers at once. Default: what the machine runs at once, at most {@link MAX_POOL_WORKERS}. */
  readonly size?: number
}

export interface RunOptions extends AbortOptions {
  readonly rank: Rank
  /**
   * Names what the job leaves resident in its worker, or hopes to find there. An idle worker whose last named job named the same is
   * preferred; a busy one is not waited for, and a new worker has nothing: the job itself must look.
   */
  readonly affinity?: string
  /**
   * The job may be begun again, at most {@link MAX_ATTEMPTS} times in all, when its worker dies. `work` is called anew then, so it must
   * make anew what it transfers. Default: false
   */
  readonly idempotent?: boolean
}

interface Job<Jobs> extends PooledJob<Jobs>, Ranked {
  readonly affinity: string | undefined
  attemptsLeft: number
  /** Ends the job's own signal. */
  abort(reason: unknown): void
  settle(outcome: JobOutcome | { readonly ok: false; readonly error: unknown }): void
}

/**
 * Starts workers as jobs need them and keeps them until {@link WorkerPool.endIdle} or {@link WorkerPool.close}. An idle worker costs
 * no time and keeps no process alive. Ranks and how long a job can be passed over: see {@link RankQueue}.
 */
export class WorkerPool<Jobs extends WorkerFunctions<Jobs>> {
  /** Most workers at once. */
  readonly size: number
  /** Whether jobs may pass `SharedArrayBuffer`s; the pool itself needs none. */
  readonly canShare = canShare()
  readonly #source: WorkerSource<TicketedJobs<Jobs>>
  readonly #clock: Clock
  readonly #queue = new RankQueue<Job<Jobs>>(MAX_QUEUED_PER_RANK)
  readonly #running = new Map<Job<Jobs>, Promise<void>>()
  readonly #workers = new Set<PooledWorker<Jobs>>()
  readonly #aborts = new AbortWatch()
  #tickets = 0
  /** In a row. */
  #loadFailures = 0
  #closing: Promise<void> | undefined

  constructor({ source, clock, size = Math.min(source.parallelism, MAX_POOL_WORKERS) }: WorkerPoolOptions<Jobs>) {
    assert(Number.isSafeInteger(size) && size >= 1, `a pool has at least one worker, not ${size}`)
    this.#source = source
    this.#clock = clock
    this.size = size
  }

  /** Jobs that wait for a worker. */
  get queued(): number {
    return this.#queue.size
  }

  /** Jobs that have a worker. */
  get running(): number {
    return this.#running.size
  }

  /** Workers that load, live or are about to be gone. */
  get workers(): number {
    return this.#workers.size
  }

  /**
   * Calls `work` when a worker is free for it, and settles as it does, once nothing of it runs in the worker any more. `work` calls the
   * functions of its worker; it is the place to read or copy what the job needs, since a job that only waits should hold
   * no memory. Arguments are copied; what `work` made itself it moves with `transfer`. Rejects with `signal.reason`: at once while the
   * job waits, and when it runs as soon as its worker is free again.
   *
   * @throws CodexError `worker/ended` when the worker died, `worker/unavailable` when none loads, `worker/queue-full`,
   *   `worker/pool-closed`, and what the job throws
   */
  run<Result>(work: Work<Jobs, Result>, options: RunOptions): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      const { signal, rank, affinity, idempotent = false } = options
      if (signal.aborted) return reject(signal.reason)
      if (this.#closing !== undefined) return reject(closedError())
      const controller = new AbortController()
      const job: Job<Jobs> = {
        ticket: ++this.#tickets,
        rank,
        affinity,
        work,
        signal: controller.signal,
        attemptsLeft: idempotent ? MAX_ATTEMPTS : 1,
        abort: (reason) => controller.abort(reason),
        settle(outcome) {
          unwatch()
          if (outcome.ok) resolve(outcome.value as Result)
          else reject(outcome.error)
        },
      }
      if (!this.#queue.push(job)) return reject(fullError(rank))
      const unwatch = this.#aborts.watch(signal, () => this.#abort(job, signal.reason))
      this.#dispatch()
    })
  }

  /** Ends the workers that have nothing to do, and what is resident in them; for owners who need the memory. */
  endIdle(): void {
    for (const worker of this.#workers) if (worker.state === 'idle') worker.end()
  }

  /**
   * Gives up every job (`worker/pool-closed`), waits for those that run, at most their patience, and ends all workers. Never rejects;
   * later calls wait for the first one's end. A job may call it but not await it.
   */
  close(): Promise<void> {
    // Marked closed before the first abort is heard: whoever hears it may ask for a job.
    this.#closing ??= Promise.resolve().then(() => this.#close())
    return this.#closing
  }

  async #close(): Promise<void> {
    const error = closedError()
    for (const job of this.#queue.drain()) job.settle({ ok: false, error })
    for (const job of this.#running.keys()) job.abort(error)
    await Promise.all(this.#running.values())
    const workers = [...this.#workers]
    for (const worker of workers) worker.end()
    await Promise.all(workers.map(({ closed }) => closed))
  }

  #abort(job: Job<Jobs>, reason: unknown): void {
    if (this.#queue.remove(job)) job.settle({ ok: false, error: reason })
    else job.abort(reason)
  }

  /** Gives waiting jobs to idle workers and starts workers where there are too few. Called whenever either may have changed. */
  #dispatch(): void {
    if (this.#closing !== undefined) return
    while (this.#queue.size > 0 && this.#countWorkers('idle') > 0) {
      const job = this.#queue.take()
      const worker = this.#choose(job?.affinity)
      assert(job !== undefined && worker !== undefined, 'a job waits and a worker idles')
      this.#running.set(job, this.#perform(job, worker))
    }
    while (this.#wantsWorker()) this.#spawn()
  }

  #countWorkers(state: PooledWorker<Jobs>['state']): number {
    let count = 0
    for (const worker of this.#workers) if (worker.state === state) count++
    return count
  }

  /** An idle worker: one that has what the job hopes for, else one whose loss of residents hurts nobody. */
  #choose(affinity: string | undefined): PooledWorker<Jobs> | undefined {
    const idle = [...this.#workers].filter(({ state }) => state === 'idle')
    return (
      idle.find(({ resident }) => resident === affinity) ??
      idle.find(({ resident }) => resident === undefined) ??
      idle[0]
    )
  }

  async #perform(job: Job<Jobs>, worker: PooledWorker<Jobs>): Promise<void> {
    job.attemptsLeft--
    worker.resident = job.affinity ?? worker.resident
    const outcome = await worker.perform(job)
    this.#running.delete(job)
    const isAgain = !outcome.ok && outcome.isLost && job.attemptsLeft > 0 && !job.signal.aborted
    if (isAgain) this.#queue.putBack(job)
    else job.settle(outcome)
    this.#dispatch()
  }

  #wantsWorker(): boolean {
    return (
      this.#queue.size > this.#countWorkers('loading') &&
      this.#workers.size < this.size &&
      this.#loadFailures < MAX_LOAD_FAILURES
    )
  }

  #spawn(): void {
    let worker: PooledWorker<Jobs>
    try {
      worker = new PooledWorker(this.#source.spawn(), this.#clock)
    } catch (error) {
      return this.#failToLoad(error)
    }
    this.#workers.add(worker)
    void this.#follow(worker)
  }

  /** A worker's life as the pool sees it: loaded, perhaps; then gone. */
  async #follow(worker: PooledWorker<Jobs>): Promise<void> {
    const failure = await worker.loaded.then(
      () => undefined,
      (cause: unknown) => ({ cause }),
    )
    if (failure === undefined) {
      this.#loadFailures = 0
      this.#dispatch()
    }
    await worker.closed
    this.#workers.delete(worker)
    // Where a worker had loaded others may again. Each such loss costs a job an attempt, so this cannot go on for ever.
    if (failure === undefined) this.#loadFailures = 0
    else this.#failToLoad(failure.cause)
    this.#dispatch()
  }

  /** While other workers live, they serve the queue; when none is left, those who wait must hear of it. */
  #failToLoad(cause: unknown): void {
    this.#loadFailures++
    if (this.#loadFailures < MAX_LOAD_FAILURES || this.#workers.size > 0) return
    const error = unavailableError(this.#loadFailures, cause)
    this.#loadFailures = 0
    for (const job of this.#queue.drain()) job.settle({ ok: false, error })
  }
}

function closedError(): CodexError {
  return new CodexError('worker/pool-closed', 'expected an open worker pool, found it closed: its owner has stopped')
}

function fullError(rank: Rank): CodexError {
  return new CodexError(
    'worker/queue-full',
    `expected fewer than ${MAX_QUEUED_PER_RANK} waiting jobs of rank ${rank}, found so many; ask for fewer at a time`,
    { detail: { rank, limit: MAX_QUEUED_PER_RANK } },
  )
}

function unavailableError(failures: number, cause: unknown): CodexError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new CodexError('worker/unavailable', `${failures} workers in a row did not load: ${why}`, {
    detail: { failures, why },
    cause,
  })
}
