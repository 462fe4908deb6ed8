// Whether the gas of one slot more can be paid: that of its proofs, and of those of all that is held, within the daily cap and from the purse. It looks at
// figures only; what it is asked before anything is taken, it says again when gas is cheaper or somebody raised a limit.

import type { Seconds } from '../lib/units.ts'
import type { Spending } from '../market/market.ts'
import type { MarketplaceTerms } from '../market/marketplaceterms.ts'
import { RAISE_CAP } from './captrouble.ts'
import type { Reservation } from './reservation.ts'

export interface GasLook {
  readonly spending: Spending
  /** What the purse holds, in wei. */
  readonly coinsWei: bigint
  /** Of a unit of gas, now. */
  readonly gasPriceWei: bigint
  readonly proofs: MarketplaceTerms['proofs']
  /** Chain time. */
  readonly now: Seconds
  /** Our address. */
  readonly host: string
}

type Held = Pick<Reservation, 'fill' | 'validUntil' | 'proofProbability' | 'returnedCollateral'>

export interface GasShortage {
  readonly why: 'gas budget' | 'few coins'
  /** For people. */
  readonly told: string
}

/** Seen with real proofs: fills of 350 to 440 thousand behind a place of 95 and an allowance of 50, proofs of 170, payouts of up to 117 (marketplace reference §4.2). */
const [SALE_GAS, PROOF_GAS, COLLECT_GAS] = [600_000, 170_000, 120_000]
/** The number of proofs in a day is drawn by lot, and the price of gas moves. */
const SPARE = 1.25
/** A node takes a transaction only from a purse that holds what it may cost at most: a fill, at twice the price. */
const LARGEST_GAS = 1_200_000
const HOUR_SECONDS: Seconds = 3600
/** So long the purse should last without anybody looking after it. */
const PURSE_DAYS = 3
const PURSE_SECONDS: Seconds = PURSE_DAYS * 24 * HOUR_SECONDS

/** @param held and under way, without the slot that is `wanted` @returns undefined where it can be paid */
export function gasShortage(
  look: GasLook,
  held: readonly Held[],
  wanted: { readonly proofProbability: bigint; readonly requestEnd: Seconds },
): GasShortage | undefined {
  const { spending, coinsWei, gasPriceWei, host } = look
  const all: readonly Held[] = [...held, { ...wanted, validUntil: wanted.requestEnd }]
  const current = all.filter(({ returnedCollateral }) => returnedCollateral === undefined)
  const wei = (gas: number): bigint => BigInt(Math.ceil(gas * SPARE)) * gasPriceWei
  const sales = SALE_GAS * current.filter(({ fill }) => fill !== 'landed').length
  // Of what is spent now an hour later less counts: what comes takes the place of what was.
  const peakWei = spending.laterWei.reduce((highest, takenWei, hour) => {
    const sum = takenWei + wei(sales) + dutiesWei(look, current, (hour + 1) * HOUR_SECONDS, wei)
    return sum > highest ? sum : highest
  }, 0n)
  if (peakWei > spending.capWei)
    return {
      why: 'gas budget',
      told: `with this slot, gas of ${peakWei} wei may be spent within a day, most of it for proofs, and the daily cap is ${spending.capWei} wei. ${RAISE_CAP}`,
    }
  const neededWei =
    wei(sales) + dutiesWei(look, current, PURSE_SECONDS, wei, 'and payouts') + BigInt(LARGEST_GAS) * gasPriceWei
  if (coinsWei >= neededWei) return undefined
  return {
    why: 'few coins',
    told: `the purse holds ${coinsWei} wei, and gas of this slot and of what is held may take ${neededWei} wei in ${PURSE_DAYS} days, payouts included. Send coins to ${host}`,
  }
}

/** Of the proofs that are to be expected in so many seconds, and of the payouts. @param payouts all of them, where the purse has to be good for them */
function dutiesWei(
  { spending, proofs, now }: GasLook,
  slots: readonly Held[],
  seconds: Seconds,
  wei: (gas: number) => bigint,
  payouts?: 'and payouts',
): bigint {
  let [gas, isKnown] = [0, true]
  for (const { validUntil, proofProbability } of slots) {
    const left = Math.min(seconds, Math.max(0, validUntil - now))
    if (proofProbability === undefined) isKnown = false
    else gas += PROOF_GAS * proofsPerPeriod(proofProbability, proofs) * (left / proofs.period)
    if (payouts !== undefined || validUntil <= now + seconds) gas += COLLECT_GAS
  }
  const known = wei(gas)
  if (isKnown) return known
  // What was taken before its terms were kept is known by what it took so far.
  const pace = (spending.dutiesPerDayWei * BigInt(seconds)) / BigInt(24 * HOUR_SECONDS)
  return pace > known ? pace : known
}

/** Marketplace reference §3.9: one in so many periods is hit, and the downtime spares those whose pointer is in it. */
function proofsPerPeriod(proofProbability: bigint, { downtime }: Pick<MarketplaceTerms['proofs'], 'downtime'>): number {
  const awake = 256 - downtime
  return awake / 256 / Math.max(1, Number((proofProbability * BigInt(awake)) / 256n))
}
