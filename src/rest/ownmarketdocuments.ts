// The documents of our own rows about the marketplace: shapes, and how they are made. Amounts are decimal texts of token base units.

import type { AbortOptions } from '../lib/abort.ts'
import { MAX_SLOTS } from '../protocol/checkmanifest.ts'
import { slotId } from '../protocol/ids.ts'
import type { RequestId } from '../protocol/request.ts'
import { alertsBeforeEntry, alertsOf, committedOf, unprovenOf } from './alerts.ts'
import { reservationDocument, reservationOf } from './marketdocuments.ts'
import type {
  AlertLook,
  DecisionLook,
  EarningLook,
  MarketplaceParts,
  PurchaseLook,
  SaleLook,
  Selling,
} from './marketparts.ts'
import type { MarketplaceDoor } from './restparts.ts'
import { count, id32, list, nullable, object, type Shaped, text, textLike } from './shape.ts'

const MAX_LIST = 100_000
const amount = textLike(/^[0-9]{1,78}$/, 'decimal digits')

export const alertDocument = object({
  code: text,
  at: count,
  /** Since then its cause is over. */
  over: nullable(count),
  cause: text,
  atStake: nullable(amount),
  action: text,
})
export const alertsDocument = object({ alerts: list(alertDocument, MAX_LIST) })

export const saleDocument = object({
  slotId: id32,
  requestId: id32,
  slotIndex: count,
  state: text,
  doneBytes: nullable(count),
  totalBytes: nullable(count),
  since: count,
  /** Chain time of the fill, until the slot is paid; null while it is not the node's. */
  filledAt: nullable(count),
  until: nullable(count),
  period: nullable(count),
  proven: count,
  missed: count,
  provenIn: nullable(count),
  slotBytes: nullable(count),
  collateral: nullable(amount),
  why: nullable(text),
  reservation: nullable(reservationDocument),
})

export const decisionDocument = object({
  at: count,
  requestId: id32,
  slotIndex: nullable(count),
  verdict: text,
  reasons: list(text, MAX_LIST),
})

export const earningDocument = object({
  at: count,
  requestId: id32,
  slotIndex: count,
  end: text,
  reward: amount,
  lostCollateral: amount,
})
export const earningsDocument = object({
  total: amount,
  lost: amount,
  /** Collateral of slots that are not over. */
  committed: amount,
  slots: list(earningDocument, MAX_LIST),
})

export const sellingDocument = object({
  /** Why nothing new is taken. */
  holds: list(text, MAX_LIST),
  availabilities: count,
  totalSize: count,
  freeSize: count,
  slots: count,
  queued: count,
  committed: amount,
})

/**
 * Of a purchase: how many of its slots have a provider, and until when they are kept, as far as the chain knows that yet. `filled` is null where there
 * are more than any dataset has.
 */
export const purchaseSlotsDocument = object({ slots: count, filled: nullable(count), endsAt: nullable(count) })

/** Of the node's key. */
export const balanceDocument = object({ coins: amount, tokens: amount })

export const marketStatusDocument = object({
  host: text,
  now: count,
  endpoint: text,
  problem: nullable(text),
  clockDrift: nullable(textLike(/^-?\d+(\.\d+)?$/, 'decimal digits')),
  period: count,
  proofTimeout: count,
  maxSlashes: count,
  slashPercentage: count,
  proofSeconds: nullable(textLike(/^\d+(\.\d+)?$/, 'decimal digits')),
  developmentMark: nullable(text),
  selling: nullable(sellingDocument),
  purchases: nullable(count),
  watched: nullable(count),
})

export function alertOf({ code, at, over, cause, atStake, action }: AlertLook): Shaped<typeof alertDocument> {
  return { code, at, over: over ?? null, cause, atStake: atStake === undefined ? null : String(atStake), action }
}

export async function alertDocuments(door: MarketplaceDoor, options: AbortOptions) {
  const marketplace = door.parts()
  const alerts =
    marketplace === undefined
      ? alertsBeforeEntry(door)
      : [...unprovenOf(door), ...(await alertsOf(marketplace, options))]
  return { alerts: alerts.map(alertOf) }
}

export async function balanceOf(
  { market }: MarketplaceParts,
  options: AbortOptions,
): Promise<Shaped<typeof balanceDocument>> {
  const [coins, tokens] = await Promise.all([market.coinBalance(options), market.tokenBalance(options)])
  return { coins: String(coins), tokens: String(tokens) }
}

export async function purchaseSlotsOf(
  { market }: Pick<MarketplaceParts, 'market'>,
  { id, request }: PurchaseLook,
  options: AbortOptions,
): Promise<Shaped<typeof purchaseSlotsDocument>> {
  // Another program with this key may have asked for any number, and the node has one line to the endpoint.
  const isCounted = request.ask.slots <= MAX_SLOTS
  const [endsAt, ...states] = await Promise.all([
    market.requestEnd(id, options),
    ...Array.from({ length: isCounted ? Number(request.ask.slots) : 0 }, (_, index) =>
      market.slotState(slotId(id as RequestId, index), options),
    ),
  ])
  return {
    slots: Number(request.ask.slots),
    filled: isCounted ? states.filter((state) => state !== 'Free' && state !== 'Repair').length : null,
    endsAt: endsAt ?? null,
  }
}

export function saleOf({ phase, reservation, why, ...sale }: SaleLook): Shaped<typeof saleDocument> {
  const { slotId, requestId, slotIndex, state, since, proven, missed } = sale
  return {
    slotId,
    requestId,
    slotIndex,
    state,
    doneBytes: phase?.doneBytes ?? null,
    totalBytes: phase?.totalBytes ?? null,
    since,
    filledAt: sale.filledAt ?? null,
    until: phase?.until ?? reservation?.validUntil ?? null,
    period: phase?.period ?? null,
    proven,
    missed,
    provenIn: sale.provenIn ?? null,
    slotBytes: reservation?.slotBytes ?? null,
    collateral: reservation === undefined ? null : String(reservation.collateral),
    why: why ?? null,
    reservation: reservation === undefined ? null : reservationOf(reservation),
  }
}

export function decisionOf({ slotIndex, ...decision }: DecisionLook): Shaped<typeof decisionDocument> {
  const { at, requestId, verdict, reasons } = decision
  return { at, requestId, slotIndex: slotIndex ?? null, verdict, reasons }
}

/** @param count of the latest slots */
export function earningsOf(selling: Selling, count: number): Shaped<typeof earningsDocument> {
  const { earnings, earningTotals } = selling
  return {
    total: String(earningTotals.reward),
    lost: String(earningTotals.lostCollateral),
    committed: String(committedOf(selling)),
    slots: earnings.slice(-count).map(earningOf),
  }
}

export function marketStatusOf(marketplace: MarketplaceParts): Shaped<typeof marketStatusDocument> {
  const { market, clock, selling, buying, validating } = marketplace
  const { state, problem, drift } = market.endpointStatus()
  const { collateral, proofs } = market.terms
  return {
    host: market.host,
    now: clock.now(),
    endpoint: state,
    problem: problem ?? null,
    clockDrift: drift?.toFixed(3) ?? null,
    period: proofs.period,
    proofTimeout: proofs.timeout,
    maxSlashes: collateral.maxNumberOfSlashes,
    slashPercentage: collateral.slashPercentage,
    proofSeconds: selling?.meter.lastSeconds?.toFixed(3) ?? null,
    developmentMark: selling?.meter.developmentMark ?? null,
    selling: selling === undefined ? null : sellingOf(selling),
    purchases: buying?.purchasing.purchases.length ?? null,
    watched: validating?.watched.length ?? null,
  }
}

function sellingOf(selling: Selling): Shaped<typeof sellingDocument> {
  const { reservations, sales, holds } = selling
  const availabilities = reservations.availabilities()
  return {
    holds,
    availabilities: availabilities.length,
    totalSize: availabilities.reduce((sum, { totalSize }) => sum + totalSize, 0),
    freeSize: availabilities.reduce((sum, { freeSize }) => sum + freeSize, 0),
    slots: reservations.reservations().length,
    queued: sales.queue.size,
    committed: String(committedOf(selling)),
  }
}

function earningOf({ reward, lostCollateral, ...earning }: EarningLook): Shaped<typeof earningDocument> {
  const { at, requestId, slotIndex, end } = earning
  return { at, requestId, slotIndex, end, reward: String(reward), lostCollateral: String(lostCollateral) }
}
