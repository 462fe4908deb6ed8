// The step that puts our collateral at stake: noted before it is sent, and known afterwards. Nothing is sent twice.

import { CodexError } from '../lib/errors.ts'
import { RETRY_SECONDS, insist } from '../lib/insist.ts'
import type { Groth16Proof } from '../market/groth16proof.ts'
import type { FillOutcome } from '../market/market.ts'
import type { Reservation } from './reservation.ts'
import type { SaleContext } from './salecontext.ts'
import { isInFlight, isOurs } from './salecontext.ts'
import type { SaleOutcome } from './saleoutcome.ts'

/** @throws CodexError what ends the sale: then nothing was sent */
export async function fillSlot(
  context: SaleContext,
  { id }: Reservation,
  proof: Groth16Proof,
): Promise<'filled' | 'prove again' | SaleOutcome> {
  const { market, reservations, slot, signal } = context
  await reservations.markFill(id, 'sent')
  let outcome: FillOutcome
  try {
    outcome = await market.fillSlot(slot, proof, { signal })
  } catch (error) {
    // While it is not known what became of it, our record says sent.
    if (isInFlight(context) || (await isOurs(context))) throw error
    await reservations.markFill(id, undefined)
    if (CodexError.is(error, 'market/proof-invalid')) return 'prove again'
    throw error
  }
  if (outcome.done || (await isOurs(context))) {
    await reservations.markFill(id, 'landed')
    return 'filled'
  }
  await reservations.markFill(id, undefined)
  switch (outcome.why) {
    case 'proof already in this period':
      return 'prove again'
    case 'reservation missing':
      return { end: 'declined', why: 'reservations full' }
    case 'slot not free':
      return notFree(context)
    case 'request over':
      return requestOver(context)
  }
}

/**
 * What became of a fill that was noted as sent. Waits for as long as a transaction of it is open.
 * @returns `not sent` when the slot is still free for us
 */
export async function findOutFill(
  context: SaleContext,
  { id }: Reservation,
): Promise<'filled' | 'not sent' | SaleOutcome> {
  const { market, reservations, wait, signal } = context
  while (isInFlight(context)) await wait.atMost(RETRY_SECONDS)
  const state = await insist(context, () => market.slotState(context.id, { signal }))
  if (await isOurs(context)) {
    await reservations.markFill(id, 'landed')
    return 'filled'
  }
  await reservations.markFill(id, undefined)
  return state === 'Free' || state === 'Repair' ? 'not sent' : notFree(context)
}

async function notFree(context: SaleContext): Promise<SaleOutcome> {
  const { market, id, signal } = context
  const state = await insist(context, () => market.slotState(id, { signal }))
  if (state === 'Filled') return { end: 'declined', why: 'filled by another host' }
  return requestOver(context)
}

async function requestOver(context: SaleContext): Promise<SaleOutcome> {
  const { market, slot, signal } = context
  const state = await insist(context, () => market.requestState(slot.requestId, { signal }))
  if (state === 'Cancelled') return { end: 'cancelled', filled: false }
  if (state === 'Failed') return { end: 'failed', filled: false }
  return { end: 'declined', why: 'slot not free' }
}
