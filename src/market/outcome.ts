// Which refusals of the contract are answers and no faults.

import { CodexError } from '../lib/errors.ts'
import type { Landed, Outcome } from './market.ts'
import { revertName } from './reverts.ts'

/** Turns those refusals into answers that `answers` names, by the contract's error, `withdrawn` or `notOver`; all others stay errors. */
export async function outcome<Why extends string, Done = Landed>(
  sending: Promise<Done>,
  answers: Readonly<Record<string, Why>>,
): Promise<Outcome<Why, Done>> {
  try {
    return { done: true, transaction: await sending }
  } catch (error) {
    const name = CodexError.is(error, 'market/withdrawn')
      ? 'withdrawn'
      : CodexError.is(error, 'market/not-over-yet')
        ? 'notOver'
        : revertName(error)
    const why = name === undefined ? undefined : answers[name]
    if (why === undefined || !(error instanceof Error)) throw error
    return { done: false, why, sentence: error.message }
  }
}
