// What the steps of a sale are given, and the questions that several of them ask.

import type { AbortOptions } from '../lib/abort.ts'
import type { Bell } from '../lib/bell.ts'
import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import { insist } from '../lib/insist.ts'
import type { Log } from '../lib/log.ts'
import type { PokedWait } from '../lib/pokedwait.ts'
import type { SlotState } from '../market/chainstates.ts'
import type { Market, Slot } from '../market/market.ts'
import type { SlotId } from '../protocol/request.ts'
import type { Reservations } from './reservations.ts'
import type { SlotContent, SlotWork } from './slotwork.ts'

export interface SaleSeams {
  readonly market: Market
  /** The chain's. */
  readonly clock: Clock
  readonly reservations: Pick<Reservations, 'reserve' | 'markFill'>
  readonly work: SlotWork
  readonly log: Log
}

/** What every step of a sale is given. */
export interface SaleContext extends SaleSeams, AbortOptions {
  readonly slot: Slot
  readonly id: SlotId
  /** Rings when the chain told something of this slot or its request. */
  readonly pokes: Bell
  /** Waits that such a ring ends. */
  readonly wait: PokedWait
}

/** The request as the chain has it; it never changes. @throws CodexError `sale/request-unknown` */
export async function slotContent(context: SaleContext): Promise<SlotContent> {
  const { market, slot, signal } = context
  const request = await insist(context, () => market.request(slot.requestId, { signal }))
  if (request !== undefined) return { request, slotIndex: slot.slotIndex }
  throw new CodexError('sale/request-unknown', `the chain does not know request ${slot.requestId} any more`, {
    detail: { requestId: slot.requestId },
  })
}

/** Whether the chain names us as the slot's host. */
export async function isOurs(context: SaleContext): Promise<boolean> {
  const { market, id, signal } = context
  const host = await insist(context, () => market.hostOf(id, { signal }))
  return host?.toLowerCase() === market.host.toLowerCase()
}

/** Whether a transaction of ours about this slot is signed and its end unknown. */
export function isInFlight({ market, id, slot }: SaleContext): boolean {
  return market
    .openIntents()
    .some(({ verb, slotId, requestId }) => verb === 'fillSlot' && (slotId === id || requestId === slot.requestId))
}

/**
 * Whether the slot is in one of these states now and a while later too. What a state costs us is done only when it is no passing answer: a
 * reorganisation, or an endpoint that lags, shows others for a moment.
 */
export async function isConfirmed(context: SaleContext, states: readonly SlotState[]): Promise<boolean> {
  const { market, clock, id, signal } = context
  for (let look = 1; look < CONFIRMATIONS; look++) {
    await clock.until(clock.now() + CONFIRMATION_SECONDS, { signal })
    if (!states.includes(await insist(context, () => market.slotState(id, { signal })))) return false
  }
  return true
}

/** Looks, the first one included. */
const CONFIRMATIONS = 3
/** Between them. */
const CONFIRMATION_SECONDS = 15
