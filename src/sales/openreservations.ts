// Reads the accounting back at start. Records that cannot be read are moved to quarantine and told of, and what follows from their loss is
// put right in the same commit: nothing is skipped silently, and no byte stays set aside for nobody.

import type { AbortOptions } from '../lib/abort.ts'
import { formatAmount } from '../lib/formatamount.ts'
import type { Change } from '../storage/datastore.ts'
import type { RepoStore } from '../storage/repostore.ts'
import type { Availability, AvailabilityId } from './availability.ts'
import { type SalesRecords, readSalesRecords } from './readsalesrecords.ts'
import type { Reservation } from './reservation.ts'
import { putAvailability, quarantineKey, readSalesKey } from './salesrecords.ts'

/** What is there, and what had to be put right: a sentence for each, for the log and the owner's eyes. */
export interface Opened {
  readonly availabilities: readonly Availability[]
  readonly reservations: readonly Reservation[]
  readonly alerts: readonly string[]
}

/** @throws CodexError what the stores throw, the signal's reason */
export function openReservations(repo: RepoStore, options: AbortOptions): Promise<Opened> {
  return repo.book(async ({ counters, free }) => {
    const found = await readSalesRecords(repo.parts.datastore, options)
    const alerts = found.damaged.map(
      ({ why, key }) => `${why}. The record is kept under ${new TextDecoder().decode(quarantineKey(key))}.`,
    )
    const mended = mend(found, alerts)
    let expected = 0
    for (const { freeSize } of found.availabilities.values()) expected += freeSize
    for (const { size } of found.reservations) expected += size
    // What does not fit is left for the check to tell: the owner must make room or shrink something.
    const reserve = Math.min(expected - counters.reserved, free)
    if (reserve !== 0)
      alerts.push(
        `${counters.reserved} bytes were set aside for availabilities and reservations that have ${expected} bytes; now it is ${counters.reserved + reserve} bytes`,
      )
    const changes = [
      ...found.damaged.flatMap(({ key, record }): Change[] => [
        { put: quarantineKey(key), value: record },
        { drop: key },
      ]),
      ...mended.map(putAvailability),
    ]
    const opened = {
      availabilities: [...found.availabilities.values()],
      reservations: found.reservations,
      alerts,
    }
    return { reserve, changes, result: opened }
  })
}

/**
 * Availabilities that lost their own record or one of a reservation, so changed that the sums hold again. One that is lost comes back with
 * what its reservations have, disabled and without terms, so that they can be settled. @returns those that changed
 */
function mend({ availabilities, reservations, damaged }: SalesRecords, alerts: string[]): Availability[] {
  const suspects = new Set<AvailabilityId>()
  for (const { key } of damaged) {
    const id = readSalesKey(key)?.availabilityId
    if (id !== undefined) suspects.add(id)
  }
  for (const { availabilityId } of reservations) if (!availabilities.has(availabilityId)) suspects.add(availabilityId)
  const mended: Availability[] = []
  for (const id of suspects) {
    const own = reservations.filter(({ availabilityId }) => availabilityId === id)
    const known = availabilities.get(id)
    if (known === undefined && own.length === 0) continue
    const bytes = own.reduce((sum, { slotBytes }) => sum + slotBytes, 0)
    const collateral = own.reduce((sum, each) => sum + each.collateral, 0n)
    const base = known ?? emptyAvailability(id)
    const after = {
      ...base,
      totalSize: base.freeSize + bytes,
      totalCollateral: base.totalRemainingCollateral + collateral,
    }
    if (after.totalSize === known?.totalSize && after.totalCollateral === known.totalCollateral) continue
    alerts.push(
      known === undefined
        ? `availability ${id} was lost; it is back with the ${own.length} slots it has, disabled: check its terms`
        : `availability ${id} lost a reservation: ${known.totalSize - after.totalSize} bytes and a collateral of ${formatAmount(known.totalCollateral - after.totalCollateral)} left it`,
    )
    availabilities.set(id, after)
    mended.push(after)
  }
  return mended
}

/** Takes no request: it is disabled, and no request is as short as 0 s. */
export function emptyAvailability(id: AvailabilityId): Availability {
  return {
    id,
    totalSize: 0,
    freeSize: 0,
    duration: 0,
    minPricePerBytePerSecond: 0n,
    totalCollateral: 0n,
    totalRemainingCollateral: 0n,
    enabled: false,
    until: 0,
  }
}
