// One at a time, in the order of asking. Guards awaits within one thread; it is no lock between threads, tabs or processes.

import { raceAbort } from './abort.ts'

export interface MutexOptions {
  /** Leaves the line when it aborts; once `work` has begun only `work` itself can heed it. */
  readonly signal?: AbortSignal | undefined
}

export class Mutex {
  /** Everyone in line, first the one who goes next, by the call that lets him go. */
  readonly #line = new Set<() => void>()
  #held = false

  /** Whether somebody works under the lock right now. */
  get held(): boolean {
    return this.#held
  }

  /** How many are in line behind the one who works. */
  get waiting(): number {
    return this.#line.size
  }

  /**
   * Runs `work` alone and settles as it does; the lock is free again however it ends. Rejects with `signal.reason`, `work` not begun,
   * when the signal aborts in line. Not re-entrant: work that waits for its own lock waits for ever.
   */
  async run<T>(work: () => T | PromiseLike<T>, { signal }: MutexOptions = {}): Promise<T> {
    signal?.throwIfAborted()
    if (this.#held) await this.#waitInLine(signal)
    else this.#held = true
    try {
      // The signal may have aborted between being let go and getting here.
      signal?.throwIfAborted()
      return await work()
    } finally {
      this.#passOn()
    }
  }

  /** The lock is handed from one to the next without ever being free in between, so that no newcomer can slip in. */
  #passOn(): void {
    const [next] = this.#line
    if (next === undefined) this.#held = false
    else {
      this.#line.delete(next)
      next()
    }
  }

  async #waitInLine(signal: AbortSignal | undefined): Promise<void> {
    let go: () => void = () => {}
    const turn = new Promise<void>((resolve) => {
      go = resolve
    })
    this.#line.add(go)
    if (signal === undefined) return turn
    try {
      await raceAbort(turn, signal)
    } catch (reason) {
      // Aborted after the lock was handed over but before this ran: the lock is ours and must go on.
      if (!this.#line.delete(go)) this.#passOn()
      throw reason
    }
  }
}
