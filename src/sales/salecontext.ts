// What the steps of a sale are given, and the questions that several of them ask.

import type { AbortOptions } from '../lib/abort.ts'
import type { Bell } from '../lib/bell.ts'
import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import { insist } from '../lib/insist.ts'
import type { Log } from '../lib/log.ts'
import type { PokedWait } from '../lib/pokedwait.ts'
import type { Scope } from '../lib/scope.ts'
import type { Seconds } from '../lib/units.ts'
import type { SlotState } from '../market/chainstates.ts'
import type { Address, Market, Slot } from '../market/market.ts'
import type { RequestId, SlotId } from '../protocol/request.ts'
import type { SlotWanted } from './availability.ts'
import type { ProvingCapacity } from './provingcapacity.ts'
import type { Reservations } from './reservations.ts'
import type { SlotContent, SlotWork } from './slotwork.ts'

export interface SaleSeams {
  readonly market: Market
  /** The chain's. */
  readonly clock: Clock
  readonly reservations: Pick<
    Reservations,
    'find' | 'reserveWithin' | 'reservationOf' | 'markFill' | 'countHeld' | 'unpaid' | 'reservations'
  >
  readonly work: SlotWork
  /** What the prover can carry now. No limit where there is none, or nothing was measured. */
  readonly capacity?: (() => ProvingCapacity | undefined) | undefined
  /** Hears who asks, as soon as that is known. */
  readonly knowClient?: ((requestId: RequestId, client: Address) => void) | undefined
  /** What the event of a request told of its slots, if it was heard; it tells no end, which counts as 0. */
  readonly offered?: ((requestId: RequestId) => SlotWanted | undefined) | undefined
  /** Settles when a slot that an earlier run took may be gone on with, as if it were taken now. At once by default. Rejects with the signal's reason only. */
  readonly mayGoOn?: ((options: AbortOptions) => Promise<void>) | undefined
  /** Hears why a proof that is due could not be made or sent; it is tried again. Must not throw. */
  readonly troubled?: ((id: SlotId, error: unknown) => void) | undefined
  readonly log: Log
  /** For tests of others: in the place of every so many-th proof that is due, zeros are sent. None by default. */
  readonly failEveryProofs?: number | undefined
}

/** What every step of a sale is given. */
export interface SaleContext extends SaleSeams, AbortOptions {
  readonly slot: Slot
  readonly id: SlotId
  /** Rings when the chain told something of this slot or its request. */
  readonly pokes: Bell
  /** Waits that such a ring ends. */
  readonly wait: PokedWait
  /** While the slot is ours: what outlives a period and ends with the duty. */
  readonly beside?: Scope | undefined
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

/** Whether a transaction of ours that fills this slot is signed and its end unknown. */
export function isInFlight({ market, id, slot }: Pick<SaleContext, 'market' | 'id' | 'slot'>): boolean {
  return market
    .openIntents()
    .some(
      ({ verb, slotId, requestId }) =>
        verb === 'fillSlot' && (slotId === id || (slotId === undefined && requestId === slot.requestId)),
    )
}

/**
 * Whether what was seen is so a while later too. What costs us data or collateral is done only when it is no passing answer: a reorganisation,
 * or an endpoint that lags, shows others for a moment.
 * @param seconds how long it has to be so
 */
export async function isConfirmed(
  { clock, signal }: Pick<SaleContext, 'clock' | 'signal'>,
  isStillSo: () => Promise<boolean>,
  seconds: Seconds = CONFIRMING_SECONDS,
): Promise<boolean> {
  const end = clock.now() + seconds
  while (clock.now() < end) {
    await clock.until(clock.now() + LOOK_SECONDS, { signal })
    if (!(await isStillSo())) return false
  }
  return true
}

/** Whether the slot reads so, and a while later too. */
export function isConfirmedState(context: SaleContext, state: SlotState, seconds?: Seconds): Promise<boolean> {
  const { market, id, signal } = context
  const isSo = async () => (await insist(context, () => market.slotState(id, { signal }))) === state
  return isConfirmed(context, isSo, seconds)
}

/** Whether the slot is not ours, and a while later neither. */
export async function isConfirmedLost(context: SaleContext, seconds?: Seconds): Promise<boolean> {
  return !(await isOurs(context)) && isConfirmed(context, async () => !(await isOurs(context)), seconds)
}

/** An endpoint that lags has caught up by then. */
const CONFIRMING_SECONDS: Seconds = 30
/** Between two looks. */
const LOOK_SECONDS: Seconds = 15
