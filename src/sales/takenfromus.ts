// Whether a slot that is not ours was ours and taken from us: what was at stake in it is gone then. A fill that a reorganisation took back cost nothing.

import { insist } from '../lib/insist.ts'
import type { Seconds } from '../lib/units.ts'
import type { SaleContext } from './salecontext.ts'

/** How far our clock may be ahead of the block that our fill came into. */
const CLOCK_SLACK_SECONDS: Seconds = 60

export async function wasTakenFromUs(context: SaleContext): Promise<boolean> {
  const { market, id, slot, reservations, signal } = context
  const reservation = reservations.reservationOf(slot.requestId, slot.slotIndex)
  if (reservation?.fill === 'landed') return wasFreed(context, await blockOfFill(context))
  const filled = await insist(context, () => market.filled(id, { signal }))
  if (filled === undefined) return false
  const { sentAt } = reservation ?? {}
  // An earlier reservation of the same slot may have filled it once.
  return sentAt === undefined || filled >= (await blockAt(context, sentAt - CLOCK_SLACK_SECONDS))
}

/** A block in which the slot was ours, by our record; where it does not tell, the earliest that a fill of an open request can be in. */
export async function blockOfFill(context: SaleContext): Promise<number> {
  const { market, clock, slot, reservations } = context
  const { filledAt } = reservations.reservationOf(slot.requestId, slot.slotIndex) ?? {}
  return blockAt(context, filledAt ?? clock.now() - market.terms.requestDurationLimit)
}

/** @param since a block in which it was ours */
export function wasFreed(context: SaleContext, since: number): Promise<boolean> {
  const { market, id, signal } = context
  return insist(context, async () => {
    for await (const event of market.pastEvents({ from: since, signal }))
      if (event.type === 'SlotFreed' && event.slotId === id) return true
    return false
  })
}

function blockAt(context: SaleContext, time: Seconds): Promise<number> {
  const { market, signal } = context
  return insist(context, () => market.blockAt(time, { signal }))
}
