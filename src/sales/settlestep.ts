// One step of ending a Reservation: what comes back of bytes and collateral, and what is lost. Arithmetic only; references were dropped
// before it and the commit comes after.

import type { Bytes } from '../lib/units.ts'
import type { SpaceLook } from '../storage/bookspace.ts'
import type { Availability } from './availability.ts'
import type { Reservation } from './reservation.ts'
import type { Draft } from './reservationbooks.ts'
import type { CollateralDue } from './settlement.ts'

export interface Settled {
  readonly returnedBytes: Bytes
  /** What the Availability shrank by, because blocks that others need left no room. */
  readonly lostBytes: Bytes
  readonly returnedCollateral: bigint
  /** What the Availability has less at stake from now on, because it is gone. */
  readonly lostCollateral: bigint
}

export interface SettleStep {
  readonly reserve: Bytes
  /** `more`: leaves are left, the Reservation stays and remembers its due. */
  readonly result: Settled | 'more'
}

export function settleStep(
  ended: Reservation,
  before: Availability,
  due: CollateralDue,
  { free, freed, hasMore }: Pick<SpaceLook, 'free' | 'freed' | 'hasMore'>,
  draft: Draft,
): SettleStep {
  // The due of the step that began it stands.
  const returnedCollateral = ended.returnedCollateral ?? returnedOf(ended, due)
  const missing = ended.slotBytes - ended.size
  if (hasMore) {
    const regained = Math.min(freed, missing)
    draft.putReservation({ ...ended, size: ended.size + regained, returnedCollateral })
    return { reserve: regained, result: 'more' }
  }
  // What its own blocks leave behind is its own even where the owner has lowered the quota meanwhile.
  const regained = Math.min(missing, Math.max(free, freed))
  const lostBytes = missing - regained
  const returnedBytes = ended.slotBytes - lostBytes
  const lostCollateral = ended.collateral - returnedCollateral
  draft.dropReservation(ended).put({
    ...before,
    totalSize: before.totalSize - lostBytes,
    freeSize: before.freeSize + returnedBytes,
    totalCollateral: before.totalCollateral - lostCollateral,
    totalRemainingCollateral: before.totalRemainingCollateral + returnedCollateral,
  })
  return { reserve: regained, result: { returnedBytes, lostBytes, returnedCollateral, lostCollateral } }
}

/** Never more than was committed: what a repaired slot pays back beyond that is earned, not returned. And never less than what stayed with us all the time. */
function returnedOf({ collateral, stake = collateral }: Reservation, due: CollateralDue): bigint {
  if (due === 'all') return collateral
  const kept = collateral - stake
  const least = due < kept ? kept : due
  return least < collateral ? least : collateral
}
