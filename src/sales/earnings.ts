// What ended slots brought in or cost, one record for each, over restarts: for people and their pictures. The accounts stand without it.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Seconds } from '../lib/units.ts'
import { slotId } from '../protocol/ids.ts'
import type { RequestId } from '../protocol/request.ts'
import type { Change, Datastore, Key } from '../storage/datastore.ts'
import { corruptedRecord, openRecord, sealRecord } from '../storage/sealedrecord.ts'
import { joinKey, textKey } from '../storage/storagekey.ts'
import type { EndOfSale } from './saleteller.ts'

export interface Earning {
  /** Chain time of the end. */
  readonly at: Seconds
  readonly requestId: RequestId
  readonly slotIndex: number
  readonly end: 'paid' | 'cancelled' | 'failed' | 'freed'
  /** In token base units. */
  readonly reward: bigint
  /** Of the collateral, what the contract kept. */
  readonly lostCollateral: bigint
}

/** `meta/sales/earnings/<slot id>`: a slot that was told of before is not told again after a restart. */
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

  /** What the end of a sale puts on record: to be committed with its settlement, so that no crash comes between them. */
  recordsOf(event: EndOfSale, at: Seconds): Change[] {
    const earning = this.#newOf(event, at)
    return earning === undefined ? [] : [{ put: keyOf(earning), value: encodeEarning(earning) }]
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
    const { requestId, slotIndex } = event
    const isKnown = this.#earnings.some((each) => each.requestId === requestId && each.slotIndex === slotIndex)
    return isKnown && earning?.reward === 0n ? undefined : earning
  }

  /** In the place of what was told of the slot before, as on record. */
  #add(earning: Earning): void {
    const isOfSlot = (each: Earning): boolean =>
      each.requestId === earning.requestId && each.slotIndex === earning.slotIndex
    for (const before of this.#earnings.filter(isOfSlot)) this.#count(before, -1n)
    this.#count(earning, 1n)
    this.#earnings = latestOf([...this.#earnings.filter((each) => !isOfSlot(each)), earning])
  }

  #count({ reward, lostCollateral }: Earning, times: bigint): void {
    const { reward: rewards, lostCollateral: lost } = this.#totals
    this.#totals = { reward: rewards + times * reward, lostCollateral: lost + times * lostCollateral }
  }
}

function latestOf(earnings: Earning[]): Earning[] {
  return earnings.sort((a, b) => a.at - b.at).slice(-MAX_EARNINGS)
}

function earningOf({ requestId, slotIndex, outcome, reservation }: EndOfSale, at: Seconds): Earning | undefined {
  const collateral = reservation?.collateral ?? 0n
  const earning = (reward: bigint, returned: bigint): Earning => {
    const lostCollateral = collateral > returned ? collateral - returned : 0n
    return { at, requestId, slotIndex, end: outcome.end as Earning['end'], reward, lostCollateral }
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

function keyOf({ requestId, slotIndex }: Earning): Key {
  return joinKey(EARNINGS_PREFIX, slotId(requestId, slotIndex))
}

function encodeEarning({ reward, lostCollateral, ...rest }: Earning): Uint8Array {
  const json = { ...rest, reward: String(reward), lostCollateral: String(lostCollateral) }
  return sealRecord(new TextEncoder().encode(JSON.stringify(json)))
}

function decodeEarning(key: Key, sealed: Uint8Array): Earning {
  try {
    const json = JSON.parse(new TextDecoder().decode(openRecord(key, sealed))) as Record<keyof Earning, string>
    return {
      at: Number(json.at),
      requestId: json.requestId as RequestId,
      slotIndex: Number(json.slotIndex),
      end: json.end as Earning['end'],
      reward: BigInt(json.reward),
      lostCollateral: BigInt(json.lostCollateral),
    }
  } catch (error) {
    throw corruptedRecord(key, error instanceof Error ? error.message : 'it is no earning')
  }
}
