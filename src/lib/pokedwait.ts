// Waits that end early when a bell rings, also one that rang since the last wait.

import type { Bell } from './bell.ts'
import { ChildAbort } from './childabort.ts'
import type { Clock } from './clock.ts'
import { CodexError } from './errors.ts'
import type { Seconds } from './units.ts'

/** Given to waits that are over; one each for all, because an error remembers where it was made, which costs. */
const OVER = new CodexError('wait/over', 'nobody waits any more')
const RUNG = new CodexError('wait/rung', 'the bell was quicker')

export class PokedWait {
  readonly #clock: Clock
  readonly #abort: ChildAbort
  readonly #rings: AsyncGenerator<void, never>
  readonly #timers = new Set<ChildAbort>()
  /** A ring is waited for; asking for another one meanwhile would lose one. */
  #isListening = false
  /** It rang, and nobody waited. */
  #hasRung = false

  /** Hears the bell from now on, until {@link PokedWait.end}. */
  constructor(clock: Clock, bell: Bell, signal: AbortSignal) {
    this.#clock = clock
    this.#abort = new ChildAbort(signal)
    this.#rings = bell.listen({ signal: this.#abort.signal })
  }

  /** Rejects with the signal's reason. */
  async atMost(seconds: Seconds): Promise<void> {
    this.#abort.signal.throwIfAborted()
    this.#listen()
    if (this.#hasRung) {
      this.#hasRung = false
      return
    }
    const timer = new ChildAbort(this.#abort.signal)
    this.#timers.add(timer)
    try {
      await this.#clock.until(this.#clock.now() + seconds, { signal: timer.signal })
    } catch (error) {
      if (timer.signal.reason !== RUNG) throw error
    } finally {
      this.#timers.delete(timer)
      timer.leave()
    }
  }

  end(): void {
    this.#abort.abort(OVER)
  }

  /** Once for each ring, however many waits it takes: each would stay with a bell that may be silent for weeks. */
  #listen(): void {
    if (this.#isListening) return
    this.#isListening = true
    this.#rings.next().then(
      () => {
        this.#isListening = false
        this.#hasRung = this.#timers.size === 0
        for (const timer of this.#timers) timer.abort(RUNG)
      },
      // The end of the signal, which the timers hear themselves.
      () => undefined,
    )
  }
}
