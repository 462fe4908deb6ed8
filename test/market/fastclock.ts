// A clock that runs faster than the machine's, so that waits of seconds take moments, and can be set. Not a test.

import { SystemClock } from '../../src/lib/systemclock.ts'

export class FastClock extends SystemClock {
  readonly #set: { aheadMs: number }

  constructor(factor: number) {
    const start = Date.now()
    const set = { aheadMs: 0 }
    super({
      readMs: () => start + (Date.now() - start) * factor + set.aheadMs,
      wakeAfter(delayMs, wake) {
        const timer = setTimeout(wake, delayMs / factor)
        return () => clearTimeout(timer)
      },
    })
    this.#set = set
  }

  /** As if somebody set the machine's clock. */
  setOn(seconds: number): void {
    this.#set.aheadMs += seconds * 1000
  }
}

export function fastClock(factor: number): FastClock {
  return new FastClock(factor)
}
