// Time that another process gives. Not a test.

import type { WallTime } from '../../src/lib/systemclock.ts'

export class GivenTime implements WallTime {
  readonly #timers = new Set<{ readonly atMs: number; readonly wake: () => void }>()
  #nowMs: number

  constructor(nowMs: number) {
    this.#nowMs = nowMs
  }

  readMs(): number {
    return this.#nowMs
  }

  wakeAfter(delayMs: number, wake: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, wake }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  advance(nowMs: number): void {
    this.#nowMs = nowMs
    for (const timer of [...this.#timers].sort((a, b) => a.atMs - b.atMs))
      if (timer.atMs <= nowMs && this.#timers.delete(timer)) timer.wake()
  }
}
