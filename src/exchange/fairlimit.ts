// A bound on how much of something all may do together in a second. When there is no more, those wait who want the most: who wants little is let through first.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import type { Seconds } from '../lib/units.ts'

interface Waiting {
  readonly amount: number
  isServed: boolean
}

export class FairLimit {
  readonly #clock: Clock
  readonly #perSecond: number
  readonly #burst: number
  #waiting: Waiting[] = []
  #left: number
  #at: Seconds

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock
    this.#perSecond = perSecond
    this.#burst = burst
    this.#left = burst
    this.#at = clock.now()
  }

  /** Settles at once while there is some left and nobody waits; more than there is may be spent once. Rejects with `signal.reason`. */
  async spend(amount: number, { signal }: AbortOptions): Promise<void> {
    const mine: Waiting = { amount, isServed: false }
    this.#waiting.push(mine)
    if (this.#waiting.length === 1) this.#serve()
    try {
      while (!mine.isServed) {
        await this.#clock.until(this.#clock.now() + 1, { signal })
        this.#serve()
      }
    } finally {
      if (!mine.isServed) this.#waiting = this.#waiting.filter((each) => each !== mine)
    }
  }

  #serve(): void {
    const now = this.#clock.now()
    this.#left = Math.min(this.#burst, this.#left + (now - this.#at) * this.#perSecond)
    this.#at = now
    this.#waiting.sort((a, b) => a.amount - b.amount)
    let served = 0
    for (const waiting of this.#waiting) {
      if (this.#left <= 0) break
      this.#left -= waiting.amount
      waiting.isServed = true
      served++
    }
    this.#waiting.splice(0, served)
  }
}
