// What ended slots brought in or cost, one record for each, over restarts: for people and their pictures. The accounts stand without it.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Seconds } from '../lib/units.ts'
import type { Slot } from '../market/market.ts'
import { slotId } from '../protocol/ids.ts'
import type { RequestId } from '../protocol/request.ts'
import type { Change, Datastore, Key } from '../storage/datastore.ts'
import { corruptedRecord, openRecord, sealRecord } from '../storage/sealedrecord.ts'
import { joinKey, textKey } from '../storage/storagekey.ts'
import type { ReservationId } from './reservation.ts'
import type { EndOfSale } from './saleteller.ts'

export interface Earning {
  /** Chain time of the end. */
  readonly at: Seconds
  readonly requestId: RequestId
  readonly slotIndex: number
  /** Of one slot there may be several: it was lost, and taken again. Unknown of those that were written before this was kept. */
  readonly reservationId?: ReservationId | undefined
  readonly end: 'paid' | 'cancelled' | 'failed' | 'freed'
  /** In token base units: what came in beyond what was at stake. Of a repaired slot, what had not to be put in is part of it. */
  readonly reward: bigint
  /** Of what was put in, what the contract kept. */
  readonly lostCollateral: bigint
}

/** `meta/sales/earnings/<slot id>/<reservation id>`, of older ones without the latter: what was told of before is not told again after a restart. */
const EARNINGS_PREFIX: Key = textKey('meta/sales/earnings/')
/** Kept in memory and told, the latest; older ones stay on record, and in the totals. */
export const MAX_EARNINGS = 10_000

/** Of all slots that ended, in token base units. */
export interface EarningTotals {
  readonly reward: bigint
  readonly lostCollateral: bigint
}

export class Earnings {
  /** The oldest first. */
  #earnings: Earning[] = []
  #totals: EarningTotals = { reward: 0n, lostCollateral: 0n }

  /** Rejects with what the Datastore throws and the signal's reason. */
  static async open(datastore: Datastore, log: Log, options: AbortOptions): Promise<Earnings> {
    const made = new Earnings()
    // Records come in the order of their slots' ids.
    let read: Earning[] = []
    for await (const [key, record] of datastore.entries(EARNINGS_PREFIX, options))
      try {
        const earning = decodeEarning(key, record)
        read.push(earning)
        made.#count(earning, 1n)
        if (read.length >= 2 * MAX_EARNINGS) read = latestOf(read)
      } catch (error) {
        if (!CodexError.is(error, 'store/corrupted-record')) throw error
        log.warn('the record of an earning is damaged', { error })
      }
    made.#earnings = latestOf(read)
    return made
  }

  /** The latest {@link MAX_EARNINGS}, the oldest of them first. */
  get all(): readonly Earning[] {
    return this.#earnings
  }

  /** Of those on record too that are not among the latest. */
  get totals(): EarningTotals {
    return this.#totals
  }

  /** Whether the slot came to its own end as ours: nothing of it is due any more but its payout, should a reorganisation have taken that back. */
  hasEnded({ requestId, slotIndex }: Slot): boolean {
    return this.#earnings.some(
      (each) => each.requestId === requestId && each.slotIndex === slotIndex && each.end !== 'freed',
    )
  }

  /** What the end of a sale puts on record: to be committed with its settlement, so that no crash comes between them. */
  recordsOf(event: EndOfSale, at: Seconds): Change[] {
    const earning = this.#newOf(event, at)
    if (earning === undefined) return []
    const replaced = this.#earnings.filter(
      (each) => isSame(each, earning) && each.reservationId !== earning.reservationId,
    )
    return [
      ...replaced.map((each): Change => ({ drop: keyOf(each) })),
      { put: keyOf(earning), value: encodeEarning(earning) },
    ]
  }

  /** Takes in the end of a sale that is on record, if the slot was ours. */
  note(event: EndOfSale, at: Seconds): Earning | undefined {
    const earning = this.#newOf(event, at)
    if (earning !== undefined) this.#add(earning)
    return earning
  }

  /** What was told before stays as it is, where nothing new came in. */
  #newOf(event: EndOfSale, at: Seconds): Earning | undefined {
    const earning = earningOf(event, at)
    if (earning === undefined) return undefined
    const isKnown = this.#earnings.some((each) => isSame(each, earning))
    return isKnown && earning.reward === 0n ? undefined : earning
  }

  /** In the place of what was told of the same before, as on record. */
  #add(earning: Earning): void {
    for (const before of this.#earnings.filter((each) => isSame(each, earning))) this.#count(before, -1n)
    this.#count(earning, 1n)
    this.#earnings = latestOf([...this.#earnings.filter((each) => !isSame(each, earning)), earning])
  }

  #count({ reward, lostCollateral }: Earning, times: bigint): void {
    const { reward: rewards, lostCollateral: lost } = this.#totals
    this.#totals = { reward: rewards + times * reward, lostCollateral: lost + times * lostCollateral }
  }
}

function latestOf(earnings: Earning[]): Earning[] {
  return earnings.sort((a, b) => a.at - b.at).slice(-MAX_EARNINGS)
}

/** A slot is lost as often as it is taken; it ends once, whichever reservation it was collected under. */
function isSame(a: Earning, b: Earning): boolean {
  if (a.requestId !== b.requestId || a.slotIndex !== b.slotIndex) return false
  return a.reservationId === b.reservationId || (a.end !== 'freed' && b.end !== 'freed')
}

function earningOf({ requestId, slotIndex, outcome, reservation }: EndOfSale, at: Seconds): Earning | undefined {
  const { id: reservationId, collateral = 0n, stake = collateral } = reservation ?? {}
  const earning = (beyond: bigint, returned: bigint): Earning => {
    const slashed = collateral > returned ? collateral - returned : 0n
    const lostCollateral = slashed < stake ? slashed : stake
    const reward = beyond + returned - stake + lostCollateral
    return { at, requestId, slotIndex, reservationId, end: outcome.end as Earning['end'], reward, lostCollateral }
  }
  switch (outcome.end) {
    case 'paid':
      return earning(outcome.payout.reward, outcome.payout.collateral)
    case 'cancelled':
      return outcome.filled ? earning(outcome.payout.reward, outcome.payout.collateral) : undefined
    case 'failed':
      return outcome.filled ? earning(0n, 0n) : undefined
    case 'freed':
      return earning(0n, 0n)
    case 'declined':
    case 'broke':
    case 'paused':
      return undefined
  }
}

function keyOf({ requestId, slotIndex, reservationId }: Earning): Key {
  const slot = slotId(requestId, slotIndex)
  return reservationId === undefined
    ? joinKey(EARNINGS_PREFIX, slot)
    : joinKey(EARNINGS_PREFIX, slot, '/', reservationId)
}

function encodeEarning({ reward, lostCollateral, ...rest }: Earning): Uint8Array {
  const json = { ...rest, reward: String(reward), lostCollateral: String(lostCollateral) }
  return sealRecord(new TextEncoder().encode(JSON.stringify(json)))
}

function decodeEarning(key: Key, sealed: Uint8Array): Earning {
  try {
    const json = JSON.parse(new TextDecoder().decode(openRecord(key, sealed))) as Record<
      Exclude<keyof Earning, 'reservationId'>,
      string
    > & {
      readonly reservationId?: string
    }
    return {
      at: Number(json.at),
      requestId: json.requestId as RequestId,
      slotIndex: Number(json.slotIndex),
      ...(json.reservationId !== undefined && { reservationId: json.reservationId as ReservationId }),
      end: json.end as Earning['end'],
      reward: BigInt(json.reward),
      lostCollateral: BigInt(json.lostCollateral),
    }
  } catch (error) {
    throw corruptedRecord(key, error instanceof Error ? error.message : 'it is no earning')
  }
}
