// A bound on how much of something may come in a second. Who exceeds it is made to wait, which lets the other side wait, too: nothing is thrown away.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { Refilled } from './refilled.ts'

export class RateLimit {
  readonly #budget: Refilled

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#budget = new Refilled(clock, perSecond, burst)
  }

  /** Settles at once while there is some left; more than there is may be spent once, and is waited for before the next. */
  async spend(amount: number, { signal }: AbortOptions): Promise<void> {
    const { clock, left, perSecond } = this.#budget
    if (left <= 0) await clock.until(clock.now() + Math.ceil((1 - left) / perSecond), { signal })
    this.#budget.take(amount)
  }
}
