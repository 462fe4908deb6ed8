// A Clock wound by hand, for tests and simulations: time stands still until somebody moves it.

import type { AbortOptions } from './abort.ts'
import type { Clock } from './clock.ts'
import { assert } from './errors.ts'
import { IndexedHeap } from './heap.ts'
import type { Seconds } from './units.ts'

/**
 * How many promise steps {@link ManualClock.play} leaves to woken code at each due moment. Code that awaits only other promises needs a
 * few; whoever waits for real input or output must be awaited by its test instead.
 */
export const PLAY_TURNS = 100

interface Waiter {
  readonly time: Seconds
  readonly wake: () => void
}

export class ManualClock implements Clock {
  readonly #waiters = new IndexedHeap<symbol, Waiter>((a, b) => a.time - b.time)
  #now: Seconds

  constructor(start: Seconds = 0) {
    assert(Number.isFinite(start), 'a clock starts at an instant')
    this.#now = start
  }

  now(): Seconds {
    return this.#now
  }

  until(time: Seconds, { signal }: AbortOptions): Promise<void> {
    assert(!Number.isNaN(time), 'a wait ends at an instant, not at NaN')
    return new Promise<void>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error)
      if (this.#now >= time) return resolve()
      const key = Symbol()
      const abort = () => {
        this.#waiters.remove(key)
        reject(signal.reason as Error)
      }
      const wake = () => {
        signal.removeEventListener('abort', abort)
        resolve()
      }
      signal.addEventListener('abort', abort, { once: true })
      this.#waiters.push(key, { time, wake })
    })
  }

  /** Number of waits under way; zero when nothing was left behind. */
  get waiting(): number {
    return this.#waiters.size
  }

  /** The earliest instant somebody waits for. */
  get nextDue(): Seconds | undefined {
    return this.#waiters.peek()?.item.time
  }

  /**
   * Jumps to `time` at once, as a machine waking from sleep does, and wakes all that became due, earliest first, equal ones in the order
   * they began to wait. Their code runs after this call and sees `time`. Never backwards.
   */
  set(time: Seconds): void {
    assert(Number.isFinite(time) && time >= this.#now, `a clock never decreases: now ${this.#now}, asked for ${time}`)
    this.#now = time
    for (let next = this.#waiters.peek(); next !== undefined && next.item.time <= time; next = this.#waiters.peek()) {
      this.#waiters.pop()
      next.item.wake()
    }
  }

  /** As {@link set}, counted from now. */
  advance(seconds: Seconds): void {
    this.set(this.#now + seconds)
  }

  /**
   * Moves on as time really does: stops at every due moment on the way and lets the woken code run there, so that a loop which waits again
   * within the span is woken again.
   */
  async play(seconds: Seconds): Promise<void> {
    const end = this.#now + seconds
    await runTurns()
    for (let due = this.nextDue; due !== undefined && due <= end; due = this.nextDue) {
      this.set(due)
      await runTurns()
    }
    this.set(end)
  }
}

async function runTurns(): Promise<void> {
  for (let turn = 0; turn < PLAY_TURNS; turn++) await Promise.resolve()
}
