// Asks again until there is an answer: for questions whose answer something of value depends on, so that giving up is no option.

import type { Log } from './log.ts'
import type { PokedWait } from './pokedwait.ts'
import type { Seconds } from './units.ts'

/** Between two tries. */
export const RETRY_SECONDS: Seconds = 5

export interface InsistOptions {
  readonly signal: AbortSignal
  readonly wait: PokedWait
  readonly log: Log
}

/** Failures are told and tried again, at once when poked. Rejects only with the signal's reason. */
export async function insist<T>({ signal, wait, log }: InsistOptions, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      signal.throwIfAborted()
      log.warn('no answer; trying again', { error })
      await wait.atMost(RETRY_SECONDS)
    }
  }
}
