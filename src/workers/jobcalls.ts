// What one job holds of its worker: the functions, each call under the job's ticket, and the count of calls that are open.

import { assert, CodexError } from '../lib/errors.ts'
import type { JobTicket } from './ticketedjobs.ts'

type Functions = Readonly<Record<string, (...args: unknown[]) => Promise<unknown>>>

export class JobCalls<Jobs> {
  /** The worker's functions without their tickets. They refuse with the signal's reason once it aborted. */
  readonly worker: Jobs
  readonly #functions: Functions
  readonly #ticket: JobTicket
  readonly #signal: AbortSignal
  readonly #open = new Set<Promise<unknown>>()
  #isOver = false
  #hasLostWorker = false

  /** @param functions the api of a worker's handle */
  constructor(functions: object, ticket: JobTicket, signal: AbortSignal) {
    this.#functions = functions as Functions
    this.#ticket = ticket
    this.#signal = signal
    // Symbols and `then` are no functions of a worker, so that it may pass through an `await` or a logger unharmed.
    this.worker = new Proxy(Object.create(null), {
      get: (_, name) =>
        typeof name === 'symbol' || name === 'then' ? undefined : (...args: unknown[]) => this.#call(name, args),
    }) as Jobs
  }

  get open(): number {
    return this.#open.size
  }

  /** Whether a call found the worker gone. */
  get hasLostWorker(): boolean {
    return this.#hasLostWorker
  }

  /** Settles once no call is open; never rejects. */
  async settled(): Promise<void> {
    while (this.#open.size > 0) await Promise.allSettled(this.#open)
  }

  /** The worker goes to somebody else: calls from now on are a mistake. */
  end(): void {
    this.#isOver = true
  }

  async #call(name: string, args: readonly unknown[]): Promise<unknown> {
    this.#signal.throwIfAborted()
    assert(!this.#isOver, `${name} was called after its job had ended; a worker is a job's only while the job runs`)
    const perform = this.#functions[name]
    assert(perform !== undefined, `the worker has no function ${name}`)
    const call = perform(this.#ticket, ...args)
    this.#open.add(call)
    try {
      return await call
    } catch (error) {
      if (CodexError.is(error, 'worker/ended')) this.#hasLostWorker = true
      throw error
    } finally {
      this.#open.delete(call)
    }
  }
}
