// What is left of so much a second, saved up to a burst. Who waits for it, and in which order, is ratelimit.ts's and fairlimit.ts's.

import type { Clock } from '../lib/clock.ts'
import type { Seconds } from '../lib/units.ts'

export class Refilled {
  readonly clock: Clock
  readonly perSecond: number
  readonly #burst: number
  #left: number
  #at: Seconds

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.clock = clock
    this.perSecond = perSecond
    this.#burst = burst
    this.#left = burst
    this.#at = clock.now()
  }

  /** As of now; below zero once more than there was is taken. */
  get left(): number {
    const now = this.clock.now()
    this.#left = Math.min(this.#burst, this.#left + (now - this.#at) * this.perSecond)
    this.#at = now
    return this.#left
  }

  /** From what is left now. */
  take(amount: number): void {
    this.#left = this.left - amount
  }
}
