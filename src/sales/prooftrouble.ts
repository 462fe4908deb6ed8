// Why proofs are not in the chain, as an alert says it, and what is to be done.

import type { Spending } from '../market/market.ts'
import { RAISE_CAP } from './captrouble.ts'

interface Troubled {
  /** Why the last try failed, in words that say what helps. */
  readonly trouble?: string | undefined
}

/** @returns the end of a sentence about proofs of `slots`: the first trouble among them; empty where there is none */
export function troubleOf(slots: readonly Troubled[]): string {
  const trouble = slots.find((slot) => slot.trouble !== undefined)?.trouble
  return trouble === undefined ? '' : `; the last try failed: ${trouble}`
}

/** @param otherwise where nothing is known to have failed: it only takes too long */
export function actionFor(slots: readonly Troubled[], spending: Pick<Spending, 'refused'>, otherwise: string): string {
  if (spending.refused === 'duty') return RAISE_CAP
  return troubleOf(slots) === '' ? otherwise : 'Mend what it failed for: it is tried again every few seconds'
}
