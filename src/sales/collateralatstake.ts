// The money at stake in slots that are held: what an alert says of it.

import type { Reservation } from './reservation.ts'

/** In token base units: of what was not settled yet. */
export function collateralAtStake(held: readonly Pick<Reservation, 'collateral' | 'returnedCollateral'>[]): bigint {
  return held.reduce(
    (sum, { collateral, returnedCollateral }) => (returnedCollateral === undefined ? sum + collateral : sum),
    0n,
  )
}
