// A bound on how much of something all may do together in a second. When there is no more, those who wait share what comes by how much they ask for, not by
// how often: whoever asks for little waits until each of the others has had as much, whatever they ask for and in how many pieces (weighted fair queueing).

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { Refilled } from './refilled.ts'

/** One who asks; kept by the caller for as long as it is to be remembered. */
export interface Asker {
  /** {@link FairLimit.#reached} will have come here when it has had its share of all it asked for. */
  due: number
}

interface Waiting {
  readonly amount: number
  readonly due: number
  isServed: boolean
}

export class FairLimit {
  readonly #budget: Refilled
  /** Ordered by when they are due. */
  readonly #waiting: Waiting[] = []
  /** What each of those who wait would have had by now, were all served evenly. Who comes begins here: nobody saves up by being silent. */
  #reached = 0

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#budget = new Refilled(clock, perSecond, burst)
  }

  /** Settles at once while there is some left and nobody waits; more than there is may be spent once. Rejects with `signal.reason`. */
  async spend(asker: Asker, amount: number, { signal }: AbortOptions): Promise<void> {
    const { clock } = this.#budget
    const mine: Waiting = { amount, due: Math.max(asker.due, this.#reached) + amount, isServed: false }
    asker.due = mine.due
    const behind = this.#waiting.findIndex(({ due }) => due > mine.due)
    this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, mine)
    if (this.#waiting.length === 1) this.#serve()
    try {
      while (!mine.isServed) {
        await clock.until(clock.now() + 1, { signal })
        this.#serve()
      }
    } finally {
      if (!mine.isServed) this.#waiting.splice(this.#waiting.indexOf(mine), 1)
    }
  }

  #serve(): void {
    let served = 0
    for (const waiting of this.#waiting) {
      if (this.#budget.left <= 0) break
      this.#budget.take(waiting.amount)
      this.#reached += waiting.amount / (this.#waiting.length - served)
      waiting.isServed = true
      served++
    }
    this.#waiting.splice(0, served)
  }
}
