// The end of a slot that was ours: the payout, or what is left of it.

import { RETRY_SECONDS, insist } from '../lib/insist.ts'
import type { SlotState } from '../market/chainstates.ts'
import type { SaleContext } from './salecontext.ts'
import { REORG_REACH_SECONDS } from '../market/reorgreach.ts'
import { isConfirmedLost, isConfirmedState, isOurs } from './salecontext.ts'
import type { Payout, SaleOutcome } from './saleoutcome.ts'
import type { SalePhase } from './salephase.ts'
import { wasTakenFromUs } from './takenfromus.ts'

/** Marketplace reference §3.6, §3.8. Asks until the chain has paid, or says that there is nothing to pay, or that the slot is not over after all. */
export async function* collectSlot(context: SaleContext): AsyncGenerator<SalePhase, SaleOutcome | 'not over', void> {
  const { market, id, signal, wait } = context
  yield { at: 'collecting' }
  for (;;) {
    const state = await insist(context, () => market.slotState(id, { signal }))
    if (state === 'Filled') return 'not over'
    // Where a reorganisation lets the last slot be filled in time after all, to collect would give our slot up; nor does a failure hurry, which pays nothing.
    const mayBeUndone = state === 'Failed' || state === 'Cancelled'
    if (mayBeUndone && !(await isConfirmedState(context, state, REORG_REACH_SECONDS))) continue
    const left = await insist(context, () => market.currentCollateral(id, { signal }))
    if (state === 'Paid') {
      if (await isOurs(context)) return { end: 'paid', payout: await pastPayout(context, left) }
      if (await isConfirmedLost(context)) return whoseLoss(context, state)
      continue
    }
    const outcome = await insist(context, () => market.collect(id, { signal }))
    if (outcome.done) {
      if (state === 'Failed') return { end: 'failed', filled: true }
      const payout = payoutOf(outcome.transaction.received, left)
      return state === 'Cancelled' ? { end: 'cancelled', filled: true, payout } : { end: 'paid', payout }
    }
    if (outcome.why === 'not our slot' && (await isConfirmedLost(context))) return whoseLoss(context, state)
    await wait.atMost(RETRY_SECONDS)
  }
}

/** How the sale of a slot ends that is over and not ours any more. */
async function whoseLoss(context: SaleContext, state: SlotState): Promise<SaleOutcome> {
  if (await wasTakenFromUs(context)) return { end: 'freed' }
  // A reorganisation took our fill back in the meantime, which cost nothing.
  if (state === 'Cancelled') return { end: 'cancelled', filled: false }
  if (state === 'Failed') return { end: 'failed', filled: false }
  return { end: 'declined', why: 'filled by another host' }
}

/** Of a slot that an earlier transaction of ours collected, whose answer we did not get. @param left of the collateral, as the chain says */
async function pastPayout(context: SaleContext, left: bigint): Promise<Payout> {
  const { market, id, signal } = context
  const received = await insist(context, () => market.collected(id, { signal }))
  return received === undefined ? { reward: 0n, collateral: left } : payoutOf(received, left)
}

export function payoutOf(received: bigint, left: bigint): Payout {
  const collateral = received < left ? received : left
  return { reward: received - collateral, collateral }
}
