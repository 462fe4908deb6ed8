// One worker of a pool: performs one job at a time, takes it back when it is given up. It does not choose jobs.

import type { Clock } from '../lib/clock.ts'
import type { Seconds } from '../lib/units.ts'
import { JobCalls } from './jobcalls.ts'
import type { JobTicket, TicketedJobs } from './ticketedjobs.ts'
import type { WorkerHandle } from './workersource.ts'

/**
 * How long a job that was given up may go on before its worker is ended. Jobs that keep their slices short are out within 100 ms; this is
 * for those that do not, on a slow machine too, because ending a worker loses what is resident in it. A Clock counts whole
 * seconds: it is more than 1 s and at most 2 s.
 */
export const ABORT_PATIENCE: Seconds = 2

/** Tells the pool what is really resident in the worker, where that is not what the job's affinity says. */
export type NoteResident = (resident: string | undefined) => void

/** What a job does with its worker. Calls that it leaves open when it settles are given up. */
export type Work<Jobs, Result> = (worker: Jobs, signal: AbortSignal, note: NoteResident) => Promise<Result>

export interface PooledJob<Jobs> {
  readonly ticket: JobTicket
  readonly signal: AbortSignal
  readonly work: Work<Jobs, unknown>
}

/** `isLost`: a call of the job found its worker gone. */
export type JobOutcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: unknown; readonly isLost: boolean }

export class PooledWorker<Jobs> {
  /** Settles once the worker can take jobs; rejects when it cannot load. */
  readonly loaded: Promise<void>
  /** What the last job with an affinity left in the worker. */
  resident: string | undefined
  readonly #handle: WorkerHandle<TicketedJobs<Jobs>>
  readonly #clock: Clock
  #state: 'loading' | 'idle' | 'busy' | 'gone' = 'loading'

  constructor(handle: WorkerHandle<TicketedJobs<Jobs>>, clock: Clock) {
    this.#handle = handle
    this.#clock = clock
    this.loaded = this.#load()
  }

  get state(): 'loading' | 'idle' | 'busy' | 'gone' {
    return this.#state
  }

  /** Settles when the worker is gone; never rejects. */
  get closed(): Promise<void> {
    return this.#handle.closed
  }

  /** Ends the worker at once; a no-op when it is gone. */
  end(): void {
    this.#state = 'gone'
    this.#handle.end()
  }

  /**
   * Settles when nothing of the job runs in the worker any more: shortly after `job.signal` aborts, at the latest when
   * {@link ABORT_PATIENCE} is over and the worker was ended for it. An aborted signal wins over a result. Never rejects.
   */
  async perform(job: PooledJob<Jobs>): Promise<JobOutcome> {
    this.#state = 'busy'
    const calls = new JobCalls<Jobs>(this.#handle.api, job.ticket, job.signal)
    const ended = settle(async () => job.work(calls.worker, job.signal, (resident) => (this.resident = resident)))
    await Promise.race([ended, aborted(job.signal)])
    if (job.signal.aborted || calls.open > 0) await this.#stop(job.ticket, Promise.all([ended, calls.settled()]))
    calls.end()
    if (calls.hasLostWorker) this.end()
    // Until a thread is really gone it may still write to memory that it shares.
    if (this.state === 'gone') await this.closed
    else this.#state = 'idle'
    // An aborted job may not have settled: its worker was ended, but it may wait for something else.
    const outcome = job.signal.aborted ? { ok: false as const, error: job.signal.reason as unknown } : await ended
    return outcome.ok ? outcome : { ...outcome, isLost: calls.hasLostWorker }
  }

  async #load(): Promise<void> {
    void this.#handle.closed.then(() => (this.#state = 'gone'))
    try {
      await this.#handle.api.loaded()
    } catch (error) {
      this.end()
      throw error
    }
    if (this.#state === 'loading') this.#state = 'idle'
  }

  /** Tells the worker, and ends it when the job has not ended after all patience. */
  async #stop(ticket: JobTicket, ended: Promise<unknown>): Promise<void> {
    void settle(() => this.#handle.api.abortJob(ticket))
    const impatience = new AbortController()
    const tooLong = this.#clock.until(this.#clock.now() + ABORT_PATIENCE, { signal: impatience.signal })
    await Promise.race([ended, tooLong.then(() => this.end())])
    impatience.abort()
  }
}

type Settled = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown }

async function settle(work: () => Promise<unknown>): Promise<Settled> {
  try {
    return { ok: true, value: await work() }
  } catch (error) {
    return { ok: false, error }
  }
}

/** The signal is the job's own and goes with it, so the listener needs no removal. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
