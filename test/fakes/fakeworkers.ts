// A WorkerSource without threads: its workers answer in the same thread, load when they are told to and die when they are told to.

import { CodexError } from '../../src/lib/errors.ts'
import { performJobs } from '../../src/workers/performjobs.ts'
import type { SlicedJobs } from '../../src/workers/performjobs.ts'
import type { TicketedJobs } from '../../src/workers/ticketedjobs.ts'
import type { WorkerFunctions, WorkerHandle, WorkerSource } from '../../src/workers/workersource.ts'

export type Loading = 'loads' | 'fails' | 'throws' | 'by hand'

export class FakeWorkers<Jobs extends WorkerFunctions<Jobs>> implements WorkerSource<TicketedJobs<Jobs>> {
  readonly parallelism: number
  /** Every worker ever started, oldest first. */
  readonly spawned: FakeWorker<Jobs>[] = []
  /** How workers started from now on load. */
  loading: Loading = 'loads'
  readonly #jobs: (index: number) => SlicedJobs<Jobs>

  /** @param jobs of the worker that is started as number `index` */
  constructor(jobs: (index: number) => SlicedJobs<Jobs>, parallelism = 4) {
    this.#jobs = jobs
    this.parallelism = parallelism
  }

  get alive(): FakeWorker<Jobs>[] {
    return this.spawned.filter(({ isGone }) => !isGone)
  }

  spawn(): WorkerHandle<TicketedJobs<Jobs>> {
    if (this.loading === 'throws') throw new TypeError('no more threads')
    const worker = new FakeWorker<Jobs>(performJobs(this.#jobs(this.spawned.length)))
    this.spawned.push(worker)
    if (this.loading === 'loads') worker.load()
    if (this.loading === 'fails') worker.die('its script did not load')
    return worker
  }
}

export class FakeWorker<Jobs> implements WorkerHandle<TicketedJobs<Jobs>> {
  readonly api: TicketedJobs<Jobs>
  readonly closed: Promise<void>
  /** Whether it takes a call of `finishClosing` until a worker that is ended or dies is really gone. */
  closesSlowly = false
  /** Whether its owner ended it. */
  isEnded = false
  #gone: CodexError | undefined
  readonly #rejects = new Set<(reason: unknown) => void>()
  readonly #loaded: Promise<void>
  #load: () => void = () => {}
  #close: () => void = () => {}

  constructor(functions: TicketedJobs<Jobs>) {
    this.#loaded = new Promise((resolve) => (this.#load = resolve))
    this.closed = new Promise((resolve) => (this.#close = resolve))
    const real = functions as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
    this.api = Object.fromEntries(
      Object.entries(real).map(([name, perform]) => [name, (...args: unknown[]) => this.#call(() => perform(...args))]),
    ) as unknown as TicketedJobs<Jobs>
  }

  get isGone(): boolean {
    return this.#gone !== undefined
  }

  load(): void {
    this.#load()
  }

  die(why: string): void {
    this.#gone ??= new CodexError('worker/ended', `the worker is gone: ${why}`, { detail: { why } })
    for (const reject of this.#rejects) reject(this.#gone)
    if (!this.closesSlowly) this.#close()
  }

  finishClosing(): void {
    this.#close()
  }

  end(): void {
    this.isEnded = true
    this.die('it was ended by its owner')
  }

  #call(perform: () => Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#gone !== undefined) return reject(this.#gone)
      this.#rejects.add(reject)
      const answer = this.#loaded.then(perform)
      answer.then(resolve, reject).finally(() => this.#rejects.delete(reject))
    })
  }
}
