// When the daily cap of spending stands between a provider and its duties, and what is told of it. It looks at figures only.

import type { RaisedAlert } from '../lib/alert.ts'
import type { Seconds } from '../lib/units.ts'
import type { Spending } from '../market/market.ts'
import { collateralAtStake } from './collateralatstake.ts'
import type { Reservation } from './reservation.ts'

/** `duty`: one was refused; `pace`: they would take more than it leaves; `act`: there is nothing left for new slots, which is no harm yet. */
export type CapTrouble = 'duty' | 'pace' | 'act'

export const CAP_CODES = {
  duty: 'sales/duty-over-cap',
  pace: 'sales/cap-too-low',
  act: 'sales/cap-used-up',
} as const satisfies Readonly<Record<CapTrouble, string>>

export const RAISE_CAP = 'Raise the daily cap of spending: --max-daily-spend WEI'

/** Percent of what is left that duties may take before nothing new is taken, and below which they must come for it to end: what lies between changes nothing. */
const FULL_PERCENT = 100n
const ROOM_PERCENT = 80n
const DAY_SECONDS: Seconds = 86_400

export interface CapLook {
  readonly spending: Spending
  readonly held: readonly Pick<Reservation, 'collateral' | 'returnedCollateral' | 'validUntil'>[]
  /** Chain time. */
  readonly now: Seconds
  /** Whether nothing is taken for it already. */
  readonly isHeld: boolean
}

export function capTrouble({ spending, held, now, isHeld }: CapLook): CapTrouble | undefined {
  const { capWei, takenWei, dutiesPerDayWei, refused } = spending
  if (refused === 'duty') return 'duty'
  const last = held.reduce((latest, { validUntil }) => Math.max(latest, validUntil), now)
  const seconds = Math.ceil(Math.min(DAY_SECONDS, last - now))
  const toCome = (dutiesPerDayWei * BigInt(seconds)) / BigInt(DAY_SECONDS)
  // In a day all that is spent now counts no more.
  const room = seconds === DAY_SECONDS ? capWei : capWei - takenWei
  if (toCome > 0n && toCome * 100n > room * (isHeld ? ROOM_PERCENT : FULL_PERCENT)) return 'pace'
  return refused
}

export function capAlert(trouble: CapTrouble, { spending, held }: CapLook): RaisedAlert {
  const { capWei, takenWei, dutiesPerDayWei } = spending
  const used = `${takenWei} wei of the daily cap of ${capWei} wei are spent or under way`
  const causes: Readonly<Record<CapTrouble, string>> = {
    duty: `The daily cap lets no more proofs or payouts through: ${used}`,
    pace: `At the pace of the last hours proofs and payouts cost ${dutiesPerDayWei} wei a day, which the daily cap of ${capWei} wei does not carry to the end of what was sold`,
    act: `The daily cap leaves nothing for new slots, the rest of it is for proofs and payouts: ${used}`,
  }
  return {
    code: CAP_CODES[trouble],
    cause: causes[trouble],
    atStake: trouble === 'act' ? undefined : collateralAtStake(held),
    action: RAISE_CAP,
  }
}
