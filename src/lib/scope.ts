// Structured concurrency: background work belongs to an owner, who can end it, wait for it, and hears of its failures.

import { ChildAbort } from './childabort.ts'
import { CodexError } from './errors.ts'

export interface ScopeOptions {
  /** Aborts the scope when it aborts; the scope must still be closed. */
  readonly signal?: AbortSignal | undefined
  /**
   * Hears of each task that failed, once, also while closing; the owner decides what follows. Called while no task of the scope is on the
   * stack. Must not throw: what it throws ends up as an uncaught error.
   */
  readonly report: (error: unknown, task: string) => void
}

/** Runs until its work is done or the signal aborts; may then reject with the signal's reason. */
export type Task = (signal: AbortSignal) => Promise<void> | void

interface RunningTask {
  readonly name: string
  readonly ended: Promise<void>
}

/** Every owner of background work holds one and closes it in its own `stop`. */
export class Scope {
  readonly #abort: ChildAbort
  readonly #running = new Set<RunningTask>()
  readonly #report: ScopeOptions['report']
  #closing: Promise<void> | undefined

  constructor({ signal, report }: ScopeOptions) {
    this.#report = report
    this.#abort = new ChildAbort(signal)
  }

  /** Aborts when the scope closes or its parent aborts. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Names of the tasks that have not ended, oldest first: who a slow `close` waits for. */
  get running(): readonly string[] {
    return Array.from(this.#running, ({ name }) => name)
  }

  /**
   * Starts `task` at once. Once the signal has aborted, rejecting with its reason is a normal end; any other failure at any time is
   * reported. @throws CodexError `scope/closed` after `close` or an abort of the parent
   */
  spawn(name: string, task: Task): void {
    if (this.signal.aborted) {
      throw new CodexError(
        'scope/closed',
        `task ${JSON.stringify(name)} came after the end of its scope; start its owner again first`,
        {
          detail: { task: name },
          cause: this.signal.reason,
        },
      )
    }
    const started = new Promise<void>((resolve) => {
      resolve(task(this.signal))
    })
    const running: RunningTask = {
      name,
      ended: started
        .catch((error: unknown) => this.#fail(error, name))
        .then(() => {
          this.#running.delete(running)
        }),
    }
    this.#running.add(running)
  }

  /**
   * Aborts with `reason`, then waits until every task has ended. Never rejects; later calls wait for the first one's end.
   * A task of this scope may call it but not await it: it would wait for itself.
   */
  close(reason?: unknown): Promise<void> {
    this.#closing ??= this.#close(reason)
    return this.#closing
  }

  async #close(reason: unknown): Promise<void> {
    this.#abort.abort(reason ?? new CodexError('scope/closed', 'the owner of this work was stopped'))
    await Promise.all(Array.from(this.#running, ({ ended }) => ended))
  }

  #fail(error: unknown, task: string): void {
    if (this.signal.aborted && isAbort(error, this.signal.reason)) return
    try {
      this.#report(error, task)
    } catch (broken) {
      queueMicrotask(() => {
        throw broken
      })
    }
  }
}

/** The reason itself, or the platform's AbortError around it (Node's streams and timers wrap it so). */
function isAbort(error: unknown, reason: unknown): boolean {
  return error === reason || (error instanceof Error && error.name === 'AbortError' && error.cause === reason)
}
