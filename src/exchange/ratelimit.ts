// A bound on how much of something may come in a second. Who exceeds it is made to wait, which lets the other side wait, too: nothing is thrown away.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import type { Seconds } from '../lib/units.ts'

export class RateLimit {
  readonly #clock: Clock
  readonly #perSecond: number
  readonly #burst: number
  #left: number
  #at: Seconds

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock
    this.#perSecond = perSecond
    this.#burst = burst
    this.#left = burst
    this.#at = clock.now()
  }

  /** Settles at once while there is some left; more than there is may be spent once, and is waited for before the next. */
  async spend(amount: number, { signal }: AbortOptions): Promise<void> {
    this.#refill()
    if (this.#left <= 0) {
      await this.#clock.until(this.#clock.now() + Math.ceil((1 - this.#left) / this.#perSecond), { signal })
      this.#refill()
    }
    this.#left -= amount
  }

  #refill(): void {
    const now = this.#clock.now()
    this.#left = Math.min(this.#burst, this.#left + (now - this.#at) * this.#perSecond)
    this.#at = now
  }
}
