// Arithmetic of proof periods (marketplace reference §3.10): the chain's time cut into equal spans. It reads no clock.

import { assert } from '../lib/errors.ts'
import type { Seconds } from '../lib/units.ts'

/** Number of a period, counted from 1970. */
export type Period = number

/** How the chain's time is divided into periods; in each a slot may owe a proof. */
export class Periodicity {
  /** Length of a period. */
  readonly seconds: Seconds

  constructor(seconds: Seconds) {
    assert(
      Number.isSafeInteger(seconds) && seconds >= 1,
      `a period lasts whole seconds, at least one, found ${seconds}`,
    )
    this.seconds = seconds
  }

  /** The period that `time` falls into. */
  periodOf(time: Seconds): Period {
    return Math.floor(time / this.seconds)
  }

  /** Its first second. */
  startOf(period: Period): Seconds {
    return period * this.seconds
  }

  /** The first second behind it, which is the start of the next. */
  endOf(period: Period): Seconds {
    return this.startOf(period + 1)
  }
}
