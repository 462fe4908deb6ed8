// What an owner may ask of an Availability: the checks on its terms, and the errors of this room's accounting.

import { describeValue } from '../lib/describevalue.ts'
import { CodexError, type ErrorDetail } from '../lib/errors.ts'
import { formatInstant } from '../lib/format.ts'
import { formatAmount } from '../lib/formatamount.ts'
import type { Seconds } from '../lib/units.ts'
import type { Availability, AvailabilityTerms } from './availability.ts'
import type { Reservation } from './reservation.ts'

/** `reserve-failed`: the quota has no room, its error is the cause. */
export type ReservationsErrorCode =
  `reservations/${'not-exists' | 'bad-terms' | 'until-out-of-bounds' | 'bytes-out-of-bounds' | 'collateral-out-of-bounds' | 'reserve-failed' | 'not-empty' | 'slot-taken' | 'ending' | 'too-many'}`

export function reservationsError(
  code: ReservationsErrorCode,
  message: string,
  detail: ErrorDetail = {},
  cause?: unknown,
): CodexError {
  return new CodexError(code, message, { detail, cause })
}

export function notExists(what: 'availability' | 'reservation', id: string): CodexError {
  return reservationsError('reservations/not-exists', `there is no ${what} ${id}`, { what, id })
}

/** What may be given when creating one: enabled and without an end unless it says so. */
export type NewTerms = Omit<AvailabilityTerms, 'enabled' | 'until'> & Partial<AvailabilityTerms>

/** @throws CodexError `reservations/bad-terms`, `reservations/until-out-of-bounds` */
export function checkedTerms({ enabled = true, until = 0, ...terms }: NewTerms): AvailabilityTerms {
  checkWhole(terms.totalSize, 'totalSize')
  checkWhole(terms.duration, 'duration')
  checkAmount(terms.minPricePerBytePerSecond, 'minPricePerBytePerSecond')
  checkAmount(terms.totalCollateral, 'totalCollateral')
  checkUntil(until)
  return { ...terms, enabled, until }
}

/**
 * The Availability under changed terms. What slots have taken stays taken: a total collateral of 0 is as much as they have, so that nothing more is
 * put at stake. A duration of 0 fits no request.
 * @param reservations its own
 * @throws CodexError `reservations/bad-terms`, `reservations/until-out-of-bounds`, `reservations/bytes-out-of-bounds`,
 * `reservations/collateral-out-of-bounds`
 */
export function changedTerms(
  before: Availability,
  changes: Partial<AvailabilityTerms>,
  reservations: readonly Reservation[],
): Availability {
  const committed = before.totalCollateral - before.totalRemainingCollateral
  const { totalSize = before.totalSize } = changes
  const totalCollateral =
    changes.totalCollateral === 0n ? committed : (changes.totalCollateral ?? before.totalCollateral)
  const { duration = before.duration, minPricePerBytePerSecond = before.minPricePerBytePerSecond } = changes
  const { enabled = before.enabled, until = before.until } = changes
  if (changes.totalSize !== undefined) checkWhole(totalSize, 'totalSize')
  if (changes.duration !== undefined) checkWhole(duration, 'duration', 0)
  if (changes.minPricePerBytePerSecond !== undefined)
    checkAmount(minPricePerBytePerSecond, 'minPricePerBytePerSecond', 0n)
  if (changes.totalCollateral !== undefined) checkAmount(totalCollateral, 'totalCollateral', 0n)
  if (changes.until !== undefined) checkUntil(until, latestEnd(reservations))
  const takenBytes = before.totalSize - before.freeSize
  if (totalSize < takenBytes)
    throw reservationsError(
      'reservations/bytes-out-of-bounds',
      `a total size of ${totalSize} bytes is too small: slots have taken ${takenBytes} bytes, which is the minimum now`,
      { totalSize, minimumBytes: takenBytes },
    )
  if (totalCollateral < committed)
    throw reservationsError(
      'reservations/collateral-out-of-bounds',
      `a total collateral of ${formatAmount(totalCollateral)} is too small: ${formatAmount(committed)} is committed to slots, which is the minimum now`,
      { totalCollateral, minimum: committed },
    )
  return {
    id: before.id,
    totalSize,
    freeSize: totalSize - takenBytes,
    duration,
    minPricePerBytePerSecond,
    totalCollateral,
    totalRemainingCollateral: totalCollateral - committed,
    enabled,
    until,
  }
}

/** When the last of these requests ends; 0 when there is none. */
export function latestEnd(reservations: readonly Reservation[]): Seconds {
  return reservations.reduce((latest, { validUntil }) => Math.max(latest, validUntil), 0)
}

function checkUntil(until: number, atLeast: Seconds = 0): void {
  if (!Number.isSafeInteger(until) || until < 0)
    throw reservationsError(
      'reservations/until-out-of-bounds',
      `until must be an instant in whole seconds, or 0 for no limit, found ${describeValue(until)}`,
      { until },
    )
  if (until !== 0 && until < atLeast)
    throw reservationsError(
      'reservations/until-out-of-bounds',
      `until must not be before the end of the longest slot hosted, ${formatInstant(atLeast)}, found ${formatInstant(until)}`,
      { until, minimum: atLeast },
    )
}

function checkWhole(value: number, field: string, least = 1): void {
  if (Number.isSafeInteger(value) && value >= least) return
  throw badTerms(field, `a whole number from ${least} to 2^53 - 1`, value)
}

function checkAmount(value: bigint, field: string, least = 1n): void {
  if (typeof value === 'bigint' && value >= least && value >> 256n === 0n) return
  throw badTerms(field, `from ${least} to 2^256 - 1`, value)
}

function badTerms(field: string, expected: string, found: unknown): CodexError {
  return reservationsError(
    'reservations/bad-terms',
    `expected ${field} to be ${expected}, found ${describeValue(found)}`,
    {
      field,
      found: describeValue(found),
    },
  )
}
