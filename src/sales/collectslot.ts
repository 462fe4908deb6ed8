// The end of a slot that was ours: the payout, or what is left of it.

import { RETRY_SECONDS, insist } from '../lib/insist.ts'
import type { SaleContext } from './salecontext.ts'
import { isConfirmed } from './salecontext.ts'
import type { SaleOutcome } from './saleoutcome.ts'
import type { SalePhase } from './salephase.ts'

/** Marketplace reference §3.6, §3.8. Asks until the chain has paid, or says that there is nothing to pay. */
export async function* collectSlot(context: SaleContext): AsyncGenerator<SalePhase, SaleOutcome, void> {
  const { market, id, signal, wait } = context
  yield { at: 'collecting' }
  for (;;) {
    const state = await insist(context, () => market.slotState(id, { signal }))
    const collateral = await insist(context, () => market.currentCollateral(id, { signal }))
    if (state === 'Paid') return { end: 'paid', payout: { reward: 0n, collateral } }
    const outcome = await insist(context, () => market.collect(id, { signal }))
    if (outcome.done) {
      const { received } = outcome.transaction
      if (state === 'Failed') return { end: 'failed', filled: true }
      const payout = { reward: received > collateral ? received - collateral : 0n, collateral }
      return state === 'Cancelled' ? { end: 'cancelled', filled: true, payout } : { end: 'paid', payout }
    }
    if (outcome.why === 'not our slot' && (await isConfirmed(context, [state]))) return { end: 'freed' }
    await wait.atMost(RETRY_SECONDS)
  }
}
