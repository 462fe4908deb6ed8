// The wall clock of the machine as a Clock. The one core file that reads the system's time and sets timers.

import type { AbortOptions } from './abort.ts'
import type { Clock } from './clock.ts'
import { assert } from './errors.ts'
import type { Seconds } from './units.ts'

/**
 * Longest single timer. Timers run on monotonic time and stand still while a machine sleeps, and one beyond 2^31 - 1 ms fires at once;
 * looking at the wall clock this often bounds how late a wait notices that the clock was set or the machine slept.
 */
export const MAX_TIMER_MS = 60_000

/** A step of the wall clock beyond this is no waiting of ours: the machine slept, or the clock was set. */
const STEP_MS = MAX_TIMER_MS + 30_000

/** What the clock stands on. A tab hands in a timer kept by a dedicated worker, because timers of hidden pages are throttled. */
export interface WallTime {
  /** Milliseconds since 1970; may jump both ways. */
  readMs(): number
  /** Calls `wake` once, `delayMs` from now or later, never before returning. The result takes the timer back. */
  wakeAfter(delayMs: number, wake: () => void): () => void
}

const SYSTEM_TIME: WallTime = {
  readMs: () => Date.now(),
  wakeAfter(delayMs, wake) {
    const timer = setTimeout(wake, delayMs)
    return () => clearTimeout(timer)
  },
}

/**
 * When the wall clock is set back, `now()` goes on from where it was, since a Clock never decreases and waits of seconds must not become
 * waits of hours; what it is ahead by then is given up when the wall clock is set forward again, or the machine sleeps.
 * A pending `until` keeps the process alive; abort it to end.
 */
export class SystemClock implements Clock {
  readonly #wall: WallTime
  #latestMs = -Infinity
  /** How far we are ahead of the wall clock. */
  #aheadMs = 0

  constructor(wall: WallTime = SYSTEM_TIME) {
    this.#wall = wall
  }

  now(): Seconds {
    return Math.floor(this.#nowMs() / 1000)
  }

  until(time: Seconds, { signal }: AbortOptions): Promise<void> {
    assert(!Number.isNaN(time), 'a wait ends at an instant, not at NaN')
    return new Promise<void>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error)
      let cancelTimer: (() => void) | undefined
      const abort = () => {
        cancelTimer?.()
        reject(signal.reason as Error)
      }
      const look = () => {
        if (this.now() < time) {
          cancelTimer = this.#wall.wakeAfter(this.#timerMs(time), look)
          return
        }
        signal.removeEventListener('abort', abort)
        resolve()
      }
      signal.addEventListener('abort', abort, { once: true })
      look()
    })
  }

  /** At least 1 ms: a timer that fires early must not become a busy loop. */
  #timerMs(time: Seconds): number {
    return Math.min(Math.max(Math.ceil(time) * 1000 - this.#nowMs(), 1), MAX_TIMER_MS)
  }

  #nowMs(): number {
    const wallMs = this.#wall.readMs()
    const stepMs = wallMs - this.#latestMs
    if (stepMs < 0) this.#aheadMs -= stepMs
    else if (stepMs > STEP_MS) this.#aheadMs = Math.max(0, this.#aheadMs - stepMs)
    this.#latestMs = wallMs
    return wallMs + this.#aheadMs
  }
}
