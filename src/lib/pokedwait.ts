// Waits that end early when a bell rings, also one that rang since the last wait.

import type { Bell } from './bell.ts'
import { ChildAbort } from './childabort.ts'
import type { Clock } from './clock.ts'
import { CodexError } from './errors.ts'
import type { Seconds } from './units.ts'

/** Given to waits that nobody awaits any more; one for all, because an error remembers where it was made, which costs. */
const OVER = new CodexError('wait/over', 'somebody was quicker')

export class PokedWait {
  readonly #clock: Clock
  readonly #abort: ChildAbort
  readonly #rings: AsyncGenerator<void, never>
  #ring: Promise<unknown> | undefined

  /** Hears the bell from now on, until {@link PokedWait.end}. */
  constructor(clock: Clock, bell: Bell, signal: AbortSignal) {
    this.#clock = clock
    this.#abort = new ChildAbort(signal)
    this.#rings = bell.listen({ signal: this.#abort.signal })
  }

  /** Rejects with the signal's reason. */
  async atMost(seconds: Seconds): Promise<void> {
    // One that nobody waited for in the end is still outstanding: asking twice would lose a ring.
    this.#ring ??= this.#rings.next()
    const timer = new ChildAbort(this.#abort.signal)
    const time = this.#clock.until(this.#clock.now() + seconds, { signal: timer.signal })
    try {
      const hasRung = await Promise.race([time.then(() => false), this.#ring.then(() => true)])
      if (!hasRung) return
      this.#ring = undefined
      timer.abort(OVER)
    } finally {
      timer.leave()
    }
  }

  end(): void {
    this.#abort.abort(OVER)
  }
}
