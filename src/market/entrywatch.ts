// A node that wants into the marketplace and whose endpoint does not answer: why, since when, and what may be lost meanwhile. Told to whoever asks at once, and as
// an alert when it lasts.

import type { Alert } from '../lib/alert.ts'
import type { Clock } from '../lib/clock.ts'
import type { Seconds } from '../lib/units.ts'

export interface EntryProblem {
  /** The machine's time. */
  readonly since: Seconds
  /** For people. */
  readonly problem: string
  /** In slots that an earlier run filled, in token base units; undefined where that could not be read. */
  readonly atStake: bigint | undefined
}

export interface EntryWatchParts {
  /** The machine's. */
  readonly wall: Clock
  readonly atStake: () => Promise<bigint>
  readonly raise: (alert: Alert) => void
  readonly over: (alert: Alert) => void
}

/** What is over by then nobody has to look after. */
export const TOLD_AFTER_SECONDS: Seconds = 10

export class EntryWatch {
  readonly #parts: EntryWatchParts
  #waiting: EntryProblem | undefined
  #alert: Alert | undefined

  constructor(parts: EntryWatchParts) {
    this.#parts = parts
  }

  /** Undefined while nothing stands in the way. */
  get waiting(): EntryProblem | undefined {
    return this.#waiting
  }

  /** @param problem why it waits still; undefined once it need not, or has given up */
  async hear(problem: string | undefined): Promise<void> {
    const { wall, atStake, raise, over } = this.#parts
    if (problem === undefined) {
      if (this.#alert !== undefined) over({ ...this.#alert, over: wall.now() })
      this.#alert = this.#waiting = undefined
      return
    }
    if (this.#waiting === undefined) {
      this.#waiting = { since: wall.now(), problem, atStake: undefined }
      const staked = await atStake().catch(() => undefined)
      if (this.#waiting === undefined) return
      this.#waiting = { ...this.#waiting, atStake: staked }
    } else this.#waiting = { ...this.#waiting, problem }
    const at = wall.now()
    if (this.#alert !== undefined || at - this.#waiting.since < TOLD_AFTER_SECONDS) return
    this.#alert = {
      ...{ code: 'market/unreachable', at, atStake: this.#waiting.atStake },
      cause: `The marketplace was not entered yet: ${problem}`,
      action: 'Check the endpoint, or give another one',
    }
    raise(this.#alert)
  }
}
