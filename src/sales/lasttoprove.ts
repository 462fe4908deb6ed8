// Until when the data of a slot has to be here for the slot to become ours still: it is proven from the beginning of the next period on, and filled in it.

import type { Seconds } from '../lib/units.ts'
import { Periodicity } from '../market/periodicity.ts'
import type { SaleContext } from './salecontext.ts'

/** For the fill to be in a block. */
const FILL_SECONDS: Seconds = 15

/** @param deadline chain time before which the slot has to be filled */
export function lastToProve(
  { market, capacity }: Pick<SaleContext, 'market' | 'capacity'>,
  deadline: Seconds,
): Seconds {
  const periods = new Periodicity(market.terms.proofs.period)
  const lastStart = deadline - FILL_SECONDS - (capacity?.()?.secondsPerProof ?? 0)
  return periods.startOf(periods.periodOf(lastStart)) - 1
}
