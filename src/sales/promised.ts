// What of our tokens is promised to slots: they are still in our account, and the fill that is to come takes them.

import type { Reservation, ReservationId } from './reservation.ts'

/** Of slots whose fill is not known to have landed, and of `unpaid` ones, in token base units. */
export function promisedTokens(
  reservations: Iterable<Pick<Reservation, 'id' | 'fill' | 'collateral'>>,
  unpaid?: ReadonlySet<ReservationId>,
): bigint {
  let promised = 0n
  for (const { id, fill, collateral } of reservations)
    if (fill !== 'landed' || unpaid?.has(id) === true) promised += collateral
  return promised
}
