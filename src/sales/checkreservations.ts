// The invariants of the accounting (field notes §5, I1 to I4), as a function that simulation and production use alike. It changes nothing.

import { formatWei } from '../lib/formatamount.ts'
import type { Bytes } from '../lib/units.ts'
import type { Counters } from '../storage/quota.ts'
import type { Availability, AvailabilityId } from './availability.ts'
import { slotName } from './reservationbooks.ts'
import type { Reservation } from './reservation.ts'

export interface Accounts {
  readonly counters: Pick<Counters, 'used' | 'reserved'>
  readonly quotaBytes: Bytes
  readonly availabilities: Iterable<Availability>
  readonly reservations: Iterable<Reservation>
}

/** Sentences are cut here. */
export const MAX_PROBLEMS = 100

/**
 * One sentence per breach, none when the accounts are right; at most {@link MAX_PROBLEMS}.
 * I1: used + reserved + free = quota, and what is reserved is what Availabilities and Reservations have. I2: `freeSize` + slots taken =
 * `totalSize`. I3: collateral remaining + committed = total. I4: one Reservation for a slot. (That sale tasks match Reservations is for
 * sales to check.)
 */
export function checkReservations({ counters, quotaBytes, availabilities, reservations }: Accounts): string[] {
  const problems: string[] = []
  const claim = (holds: boolean, problem: () => string): void => {
    if (!holds && problems.length < MAX_PROBLEMS) problems.push(problem())
  }
  const taken = new Map<AvailabilityId, { bytes: Bytes; collateral: bigint }>()
  const slots = new Set<string>()
  let reserved = 0
  for (const each of reservations) {
    const sums = taken.get(each.availabilityId) ?? { bytes: 0, collateral: 0n }
    taken.set(each.availabilityId, {
      bytes: sums.bytes + each.slotBytes,
      collateral: sums.collateral + each.collateral,
    })
    reserved += each.size
    claim(isSize(each.size) && isSize(each.slotBytes), () => `reservation ${each.id} has an impossible size`)
    claim(each.size <= each.slotBytes, () => `reservation ${each.id} reserves ${each.size} of ${each.slotBytes} bytes`)
    claim(each.collateral >= 0n, () => `reservation ${each.id} has a negative collateral`)
    claim(!slots.has(slotName(each)), () => `slot ${slotName(each)} has two reservations`)
    slots.add(slotName(each))
  }
  for (const each of availabilities) {
    const { bytes, collateral } = taken.get(each.id) ?? { bytes: 0, collateral: 0n }
    taken.delete(each.id)
    reserved += each.freeSize
    claim(isSize(each.freeSize) && isSize(each.totalSize), () => `availability ${each.id} has an impossible size`)
    claim(
      each.freeSize + bytes === each.totalSize,
      () => `availability ${each.id}: ${each.freeSize} free + ${bytes} taken are not ${each.totalSize} bytes`,
    )
    claim(each.totalRemainingCollateral >= 0n, () => `availability ${each.id} has a negative collateral`)
    claim(
      each.totalRemainingCollateral + collateral === each.totalCollateral,
      () =>
        `availability ${each.id}: ${formatWei(each.totalRemainingCollateral)} remaining + ${formatWei(collateral)} committed are not a collateral of ${formatWei(each.totalCollateral)}`,
    )
  }
  for (const id of taken.keys()) claim(false, () => `reservations belong to availability ${id}, which does not exist`)
  claim(
    reserved === counters.reserved,
    () => `the store sets ${counters.reserved} bytes aside, availabilities and reservations have ${reserved} bytes`,
  )
  claim(
    isSize(counters.used) && isSize(counters.reserved) && counters.used + counters.reserved <= quotaBytes,
    () => `${counters.used} used + ${counters.reserved} reserved are more than the quota of ${quotaBytes} bytes`,
  )
  return problems
}

function isSize(bytes: Bytes): boolean {
  return Number.isSafeInteger(bytes) && bytes >= 0
}
