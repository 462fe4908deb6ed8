// Time as the core sees it. Only implementations of this seam read a wall clock or set a timer.

import type { AbortOptions } from './abort.ts'
import type { Seconds } from './units.ts'

export interface Clock {
  /** Synchronous, without effect, never decreasing within one clock. */
  now(): Seconds
  /** Settles at the first moment `now() >= time`, at once when that has passed. Rejects with `signal.reason`. */
  until(time: Seconds, options: AbortOptions): Promise<void>
}
