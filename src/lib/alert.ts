// An alert: what a person has to know and can do something about. Plain data; who raises it, and who shows it, is not said here.

import type { Seconds } from './units.ts'

/** What a person has to know and can do something about. */
export interface Alert {
  /** Stable, for machines: `<room>/<what>`. */
  readonly code: string
  /** Chain time. */
  readonly at: Seconds
  /** What happened, in a sentence. */
  readonly cause: string
  /** What may be, or was, lost by it, in token base units; undefined where no money is at stake. */
  readonly atStake: bigint | undefined
  /** The one thing to do about it. */
  readonly action: string
  /** Chain time at which its cause was over; undefined while it lasts, and for what cannot be undone. */
  readonly over?: Seconds | undefined
}

/** As it is raised: whoever takes it in knows the time. */
export type RaisedAlert = Omit<Alert, 'at' | 'over'>
