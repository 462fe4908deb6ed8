// A clock that runs faster than the machine's, so that waits of seconds take moments. Not a test.

import { SystemClock } from '../../src/lib/systemclock.ts'

export function fastClock(factor: number): SystemClock {
  const start = Date.now()
  return new SystemClock({
    readMs: () => start + (Date.now() - start) * factor,
    wakeAfter(delayMs, wake) {
      const timer = setTimeout(wake, delayMs / factor)
      return () => clearTimeout(timer)
    },
  })
}
