// Wall time and timers moved by hand, for a SystemClock under test. Unlike a ManualClock it knows of milliseconds and may jump back.

import type { WallTime } from '../../src/lib/systemclock.ts'

interface Timer {
  /** On the monotonic scale, which setting the wall clock does not touch. */
  readonly dueMs: number
  readonly wake: () => void
}

export class HandWall implements WallTime {
  #wallMs: number
  #monotonicMs = 0
  readonly timers = new Set<Timer>()
  /** Every delay ever asked for. */
  readonly delaysMs: number[] = []

  constructor(wallMs: number) {
    this.#wallMs = wallMs
  }

  readMs(): number {
    return this.#wallMs
  }

  wakeAfter(delayMs: number, wake: () => void): () => void {
    this.delaysMs.push(delayMs)
    const timer = { dueMs: this.#monotonicMs + delayMs, wake }
    this.timers.add(timer)
    return () => this.timers.delete(timer)
  }

  /** Time goes by, and every timer fires when it is due. */
  passMs(spanMs: number): void {
    const endMs = this.#monotonicMs + spanMs
    for (let next = this.#next(); next !== undefined && next.dueMs <= endMs; next = this.#next()) {
      this.#wallMs += next.dueMs - this.#monotonicMs
      this.#monotonicMs = next.dueMs
      this.timers.delete(next)
      next.wake()
    }
    this.#wallMs += endMs - this.#monotonicMs
    this.#monotonicMs = endMs
  }

  /** Somebody sets the wall clock, or the machine wakes from sleep: timers have not moved. */
  jumpMs(spanMs: number): void {
    this.#wallMs += spanMs
  }

  #next(): Timer | undefined {
    return [...this.timers].sort((a, b) => a.dueMs - b.dueMs)[0]
  }
}
