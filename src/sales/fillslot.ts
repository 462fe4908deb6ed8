// The step that puts our collateral at stake: noted before it is sent, and known afterwards. Nothing is sent twice.

import { CodexError } from '../lib/errors.ts'
import { RETRY_SECONDS, insist } from '../lib/insist.ts'
import type { Groth16Proof } from '../market/groth16proof.ts'
import type { FillOutcome } from '../market/market.ts'
import { REORG_REACH_SECONDS } from '../market/reorgreach.ts'
import type { Reservation } from './reservation.ts'
import type { SaleContext } from './salecontext.ts'
import { isConfirmed, isInFlight, isOurs } from './salecontext.ts'
import type { SaleOutcome } from './saleoutcome.ts'
import { untilFillIsSeen, wasTakenFromUs } from './takenfromus.ts'

/** `again`: it is known that the slot was not filled, and another proof may fill it. */
export type Filled = 'filled' | { readonly again: unknown } | SaleOutcome

/** @throws CodexError when it could not be noted: then nothing was sent */
export async function fillSlot(context: SaleContext, reservation: Reservation, proof: Groth16Proof): Promise<Filled> {
  const { market, reservations, slot, signal } = context
  const stake = await insist(context, () => market.slotCollateral(slot, { signal }))
  const block = await insist(context, () => market.blockAt(Infinity, { signal }))
  await reservations.markFill(reservation.id, 'sent', { block, stake })
  let outcome: FillOutcome
  try {
    outcome = await market.fillSlot(slot, proof, { signal })
  } catch (error) {
    // The node stops: our record says sent, and the next start finds out.
    signal.throwIfAborted()
    const found = await findOutFill(context, reservation)
    return found === 'not sent' ? { again: error } : found
  }
  if (outcome.done) {
    await note(context, reservation, outcome.transaction.block)
    return 'filled'
  }
  const found = await findOutFill(context, reservation)
  if (found !== 'not sent') return found
  switch (outcome.why) {
    case 'reservation missing':
      return { end: 'declined', why: 'reservations full' }
    case 'request over':
      return requestOver(context)
    case 'slot not free':
    case 'proof already in this period':
    case 'period over':
      return { again: new CodexError('sale/not-filled', outcome.sentence) }
  }
}

/**
 * What became of a fill that was noted as sent, or as landed where the slot is not ours any more. Waits for as long as a transaction of it is open.
 * @returns `not sent` when the slot is free for us
 */
export async function findOutFill(
  context: SaleContext,
  reservation: Reservation,
): Promise<'filled' | 'not sent' | SaleOutcome> {
  const { market, wait, signal } = context
  // Settled only by answers that last: an endpoint that lags does not know our fill yet.
  const isNotOurs = async (): Promise<boolean> => !isInFlight(context) && !(await isOurs(context))
  let isTaken = false
  for (;;) {
    while (isInFlight(context)) await wait.atMost(RETRY_SECONDS)
    if (await isOurs(context)) {
      await note(context, reservation)
      return 'filled'
    }
    if (!(await isConfirmed(context, isNotOurs))) continue
    isTaken = await wasTakenFromUs(context)
    // That may have taken for as long as the endpoint was behind.
    if (isTaken || (await isNotOurs())) break
  }
  const state = await insist(context, () => market.slotState(context.id, { signal }))
  if (isTaken) return state === 'Failed' ? { end: 'failed', filled: true } : { end: 'freed' }
  switch (state) {
    case 'Free':
    case 'Repair':
      return 'not sent'
    case 'Filled':
      return { end: 'declined', why: 'filled by another host' }
    case 'Finished':
    case 'Paid':
    case 'Cancelled':
    case 'Failed':
      return requestOver(context)
  }
}

/**
 * Of a fill that failed in the chain: a reorganisation may run its transaction anew, and it may succeed then. Until nothing can come of it any more,
 * our record says that it was sent, and the data stays. @returns whether the slot became ours after all
 */
export async function landsLate(context: SaleContext, reservation: Reservation): Promise<boolean> {
  for (;;) {
    if (await isOurs(context)) {
      await note(context, reservation)
      return true
    }
    const isNotOurs = async (): Promise<boolean> => !isInFlight(context) && !(await isOurs(context))
    if (!(await isConfirmed(context, isNotOurs, REORG_REACH_SECONDS))) continue
    await untilFillIsSeen(context)
    if (await isNotOurs()) return false
  }
}

/** A record that cannot be written now is no reason to give up a slot: what it says is found out again at the next start. */
async function note({ reservations, clock, log }: SaleContext, { id }: Reservation, block?: number): Promise<void> {
  try {
    await reservations.markFill(id, 'landed', { at: Math.floor(clock.now()), block })
  } catch (error) {
    log.error('how far a fill is could not be noted', { reservationId: id, error })
  }
}

async function requestOver(context: SaleContext): Promise<SaleOutcome> {
  const { market, slot, signal } = context
  const state = await insist(context, () => market.requestState(slot.requestId, { signal }))
  if (state === 'Cancelled') return { end: 'cancelled', filled: false }
  if (state === 'Failed') return { end: 'failed', filled: false }
  return { end: 'declined', why: 'slot not free' }
}
