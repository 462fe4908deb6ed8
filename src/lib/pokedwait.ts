// Waits that end early when a bell rings, also one that rang since the last wait.

import type { Bell } from './bell.ts'
import type { Clock } from './clock.ts'
import type { Seconds } from './units.ts'

export class PokedWait {
  readonly #clock: Clock
  readonly #signal: AbortSignal
  readonly #ended = new AbortController()
  readonly #rings: AsyncGenerator<void, never>
  #ring: Promise<unknown> | undefined

  /** Hears the bell from now on, until {@link PokedWait.end}. */
  constructor(clock: Clock, bell: Bell, signal: AbortSignal) {
    this.#clock = clock
    this.#signal = AbortSignal.any([signal, this.#ended.signal])
    this.#rings = bell.listen({ signal: this.#signal })
  }

  /** Rejects with the signal's reason. */
  async atMost(seconds: Seconds): Promise<void> {
    // One that nobody waited for in the end is still outstanding: asking twice would lose a ring.
    this.#ring ??= this.#rings.next()
    const timer = new AbortController()
    const time = this.#clock.until(this.#clock.now() + seconds, {
      signal: AbortSignal.any([this.#signal, timer.signal]),
    })
    try {
      const hasRung = await Promise.race([time.then(() => false), this.#ring.then(() => true)])
      if (hasRung) this.#ring = undefined
    } finally {
      timer.abort()
    }
  }

  end(): void {
    this.#ended.abort()
  }
}
