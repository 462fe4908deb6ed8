// Whether a slot that is not ours was ours and taken from us: what was at stake in it is gone then. A fill that a reorganisation took back cost
// nothing, and neither did what befell other hosts of the slot.

import { CodexError } from '../lib/errors.ts'
import { insist, RETRY_SECONDS } from '../lib/insist.ts'
import type { SaleContext } from './salecontext.ts'
import { isOurs } from './salecontext.ts'

/** A fill may come into a block before the newest one of when it was sent, after a reorganisation to a chain that is shorter. */
const SLACK_BLOCKS = 8

/**
 * Of a slot that the chain does not name as ours: whether a fill of this sale stands in the chain all the same, and what freed the slot after it does.
 * Where the endpoint keeps no events of that time it counts as taken: accounts that say too little was lost would be wrong in the worse way.
 */
export async function wasTakenFromUs(context: SaleContext): Promise<boolean> {
  const { wait } = context
  const since = await earliestFill(context)
  for (;;) {
    await untilFillIsSeen(context)
    const found = await insist(context, () => lookUp(context, since))
    if (found !== 'filled') return found === 'taken'
    // A reorganisation brought our fill back meanwhile, or the endpoint has not all of the newest events yet.
    if (await isOurs(context)) return false
    await wait.atMost(RETRY_SECONDS)
  }
}

/**
 * Waits until the endpoint has the block that our fill is in, as far as that was noted. One that has not is in the past: it knows of no fill, and not of
 * what is told of it, for as long as it takes. Rejects with the signal's reason only.
 */
export async function untilFillIsSeen(context: SaleContext): Promise<void> {
  const { market, slot, reservations, signal } = context
  const { sentBlock = 0, filledBlock = 0 } = reservations.reservationOf(slot.requestId, slot.slotIndex) ?? {}
  const needed = Math.max(sentBlock, filledBlock)
  await insist(context, async () => {
    const newest = await market.blockAt(Infinity, { signal })
    if (newest >= needed) return
    throw new CodexError(
      'sale/endpoint-behind',
      `expected block ${needed}, which was there when the slot was filled, found ${newest} to be the newest: the endpoint is behind; give another if it goes on`,
      { detail: { needed, newest } },
    )
  })
}

/** What became of our fill: `filled` where nothing is told of it but that it filled the slot. */
async function lookUp(context: SaleContext, since: number): Promise<'none' | 'filled' | 'taken'> {
  const { market, id, log, signal } = context
  const host = market.host.toLowerCase()
  let isFilled = false
  try {
    for await (const event of market.pastEvents({ from: since, signal })) {
      if (event.type === 'SlotFreed' && event.slotId === id && isFilled) return 'taken'
      if (event.type !== 'SlotFilled' || event.slotId !== id) continue
      // Whose, the event does not say; others fill what was taken from us, and lose it too.
      if ((await market.fillerOf(event, { signal })).toLowerCase() === host) isFilled = true
    }
    return isFilled ? 'filled' : 'none'
  } catch (error) {
    if (!CodexError.is(error, 'market/history-missing')) throw error
    log.error('whether a slot was ours cannot be looked up; it counts as taken from us', { slotId: id, error })
    return 'taken'
  }
}

/** The earliest block that our fill can be in: an earlier sale of the same slot may have filled it before. */
async function earliestFill(context: SaleContext): Promise<number> {
  const { market, clock, slot, reservations, signal } = context
  const { sentBlock } = reservations.reservationOf(slot.requestId, slot.slotIndex) ?? {}
  if (sentBlock !== undefined) return Math.max(0, sentBlock - SLACK_BLOCKS)
  return insist(context, () => market.blockAt(clock.now() - market.terms.requestDurationLimit, { signal }))
}
