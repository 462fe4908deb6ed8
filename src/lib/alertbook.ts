// The alerts of a node, the latest so many: raised, and marked once their cause is over. It tells nobody.

import type { Alert, RaisedAlert } from './alert.ts'
import { assert } from './errors.ts'
import type { Seconds } from './units.ts'

export class AlertBook {
  readonly #capacity: number
  /** The oldest first. */
  #alerts: readonly Alert[] = []

  constructor(capacity: number) {
    assert(Number.isSafeInteger(capacity) && capacity >= 1, `a book holds at least one alert, asked for ${capacity}`)
    this.#capacity = capacity
  }

  /** The latest first. */
  get all(): readonly Alert[] {
    return [...this.#alerts].reverse()
  }

  raise(raised: RaisedAlert, at: Seconds): Alert {
    const alert = { ...raised, at }
    this.#alerts = [...this.#alerts, alert].slice(-this.#capacity)
    return alert
  }

  /** The cause of those with this code is over. @returns those that lasted until now */
  over(code: string, at: Seconds): readonly Alert[] {
    const lasted = (alert: Alert): boolean => alert.code === code && alert.over === undefined
    const ended = this.#alerts.filter(lasted).map((alert) => ({ ...alert, over: at }))
    if (ended.length > 0) this.#alerts = this.#alerts.map((alert) => (lasted(alert) ? { ...alert, over: at } : alert))
    return ended
  }
}
