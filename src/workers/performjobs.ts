// The worker's end of a pool: lets jobs that run in slices hear of an abort. Which job comes when is the pool's business.

import { assert, CodexError } from '../lib/errors.ts'
import { nextTask } from '../lib/nexttask.ts'
import type { JobTicket, TicketedJobs } from './ticketedjobs.ts'
import type { WorkerFunctions } from './workersource.ts'

/**
 * Longest time that a job computes without a {@link JobContext.checkpoint}. An abort waits for at most this and one turn of the event
 * loop, which leaves an aborted job's thread free within 100 ms; kernels better stay at a fifth of it, since devices are slow.
 */
export const MAX_SLICE_MS = 50

/** What a job's function gets from the worker it runs in. */
export interface JobContext {
  /** Aborts when the job was given up; for waits inside the job. */
  readonly signal: AbortSignal
  /**
   * Await it between slices of at most {@link MAX_SLICE_MS}: only then can messages come in. Costs some ten microseconds, so a
   * slice is worth a millisecond or more. Rejects with `worker/aborted` when the job was given up: let that end the job.
   */
  checkpoint(): Promise<void>
}

/** The functions `Jobs` as a worker implements them. Bytes of its own in a result move when marked with `transfer`. */
export type SlicedJobs<Jobs> = {
  readonly [Name in keyof Jobs]: Jobs[Name] extends (...args: infer Args) => infer Result
    ? (context: JobContext, ...args: Args) => Result
    : never
}

/**
 * The api that a worker's script hands to `exposeApi` so that a `WorkerPool` can use it. Relies on the pool's promise that a worker has
 * one job at a time, which may have several calls.
 */
export function performJobs<Jobs extends WorkerFunctions<Jobs>>(jobs: SlicedJobs<Jobs>): TicketedJobs<Jobs> {
  let current = new JobRun(0)
  const runOf = (ticket: JobTicket): JobRun => {
    if (current.ticket !== ticket) current = new JobRun(ticket)
    return current
  }
  const api: Record<string, (ticket: JobTicket, ...args: unknown[]) => Promise<unknown>> = {
    loaded: async () => {},
    abortJob: async (ticket) => {
      if (current.ticket === ticket) current.abort()
    },
  }
  for (const [name, perform] of Object.entries(jobs as Record<string, (...args: unknown[]) => Promise<unknown>>)) {
    assert(!(name in api), `${name} is the pool's own function, a job has another name`)
    api[name] = async (ticket, ...args) => perform(runOf(ticket), ...args)
  }
  return api as unknown as TicketedJobs<Jobs>
}

class JobRun implements JobContext {
  readonly ticket: JobTicket
  readonly #controller = new AbortController()

  constructor(ticket: JobTicket) {
    this.ticket = ticket
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  abort(): void {
    this.#controller.abort(new CodexError('worker/aborted', 'the job was given up by whoever asked for it'))
  }

  async checkpoint(): Promise<void> {
    await nextTask()
    this.signal.throwIfAborted()
  }
}
