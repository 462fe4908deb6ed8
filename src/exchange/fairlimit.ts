// A bound on how much of something all may do together in a second. When there is no more, those wait who want the most: who wants little is let through first.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { Refilled } from './refilled.ts'

interface Waiting {
  readonly amount: number
  isServed: boolean
}

export class FairLimit {
  readonly #budget: Refilled
  #waiting: Waiting[] = []

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#budget = new Refilled(clock, perSecond, burst)
  }

  /** Settles at once while there is some left and nobody waits; more than there is may be spent once. Rejects with `signal.reason`. */
  async spend(amount: number, { signal }: AbortOptions): Promise<void> {
    const { clock } = this.#budget
    const mine: Waiting = { amount, isServed: false }
    this.#waiting.push(mine)
    if (this.#waiting.length === 1) this.#serve()
    try {
      while (!mine.isServed) {
        await clock.until(clock.now() + 1, { signal })
        this.#serve()
      }
    } finally {
      if (!mine.isServed) this.#waiting = this.#waiting.filter((each) => each !== mine)
    }
  }

  #serve(): void {
    this.#waiting.sort((a, b) => a.amount - b.amount)
    let served = 0
    for (const waiting of this.#waiting) {
      if (this.#budget.left <= 0) break
      this.#budget.take(waiting.amount)
      waiting.isServed = true
      served++
    }
    this.#waiting.splice(0, served)
  }
}
