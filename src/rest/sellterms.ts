// Terms of availabilities as documents say them, made into those of sales; and what refuses them, in the words that others compare (marketplace
// reference §8).

import { CodexError, type ErrorDetail } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'
import type { changedAvailability, newAvailability } from './marketdocuments.ts'
import type { SellingTerms } from './marketparts.ts'
import type { Shaped } from './shape.ts'

export const TEXTS = {
  quota: 'Not enough storage quota',
  negativeUntil: 'Cannot set until to a negative value',
  earlyUntil: 'Until parameter must be greater or equal to the longest currently hosted slot',
  totalSize: 'Total size must be larger then zero',
  duration: 'duration must be larger then zero',
  minPricePerBytePerSecond: 'minPricePerBytePerSecond must be larger then zero',
  totalCollateral: 'totalCollateral must be larger then zero',
  freeSize: 'Updating freeSize is not allowed',
  usedSize: 'New totalSize must be larger then current totalSize - freeSize, which is currently: ',
  outOfRange: 'Parsed integer outside of valid range',
} as const

const MAX_WHOLE = BigInt(Number.MAX_SAFE_INTEGER)

/** The reference's order of checks. @param freeBytes of the quota @throws CodexError `rest/bad-terms`, its detail names the field */
export function newTerms(
  given: Shaped<typeof newAvailability>,
  freeBytes: Bytes,
): Omit<SellingTerms, 'enabled' | 'until'> & Partial<SellingTerms> {
  const { minPricePerBytePerSecond, totalCollateral, enabled, until } = given
  for (const field of ['totalSize', 'duration', 'minPricePerBytePerSecond', 'totalCollateral'] as const)
    if (given[field] === 0n) throw badTerms(field, TEXTS[field])
  if (given.totalSize > BigInt(freeBytes))
    throw badTerms('totalSize', TEXTS.quota, { totalSize: given.totalSize, freeBytes })
  return {
    totalSize: whole('totalSize', given.totalSize),
    duration: atMost(given.duration),
    minPricePerBytePerSecond,
    totalCollateral,
    ...(enabled !== undefined && { enabled }),
    ...(until !== undefined && { until: untilOf(until) }),
  }
}

/**
 * What 0 says of the others is taken, as in the reference: no request is as short, no price too low, nothing more is put at stake.
 * @throws CodexError `rest/bad-terms`, its detail names the field
 */
export function termChanges(given: Shaped<typeof changedAvailability>): Partial<SellingTerms> {
  if (given.freeSize !== undefined) throw badTerms('freeSize', TEXTS.freeSize)
  if (given.totalSize === 0n) throw badTerms('totalSize', TEXTS.totalSize)
  if (given.totalSize !== undefined && given.totalSize > MAX_WHOLE) throw badTerms('totalSize', TEXTS.quota)
  const { totalSize, duration, minPricePerBytePerSecond, totalCollateral, enabled, until } = given
  return {
    ...(totalSize !== undefined && { totalSize: whole('totalSize', totalSize) }),
    ...(duration !== undefined && { duration: atMost(duration) }),
    ...(minPricePerBytePerSecond !== undefined && { minPricePerBytePerSecond }),
    ...(totalCollateral !== undefined && { totalCollateral }),
    ...(enabled !== undefined && { enabled }),
    ...(until !== undefined && { until: untilOf(until) }),
  }
}

export function badTerms(field: string, message: string, detail: ErrorDetail = {}): CodexError<'rest/bad-terms'> {
  return new CodexError('rest/bad-terms', message, { detail: { field, ...detail } })
}

/** What sales refuse, in the words that others compare. */
export function inKnownWords(error: CodexError): string {
  const { minimumBytes, isOutOfRange } = error.detail
  if (error.code === 'reservations/reserve-failed') return TEXTS.quota
  if (error.code === 'reservations/bytes-out-of-bounds' && minimumBytes !== undefined)
    return `${TEXTS.usedSize}${String(minimumBytes)}`
  if (error.code === 'rest/bad-field' && isOutOfRange === true) return TEXTS.outOfRange
  if (error.code !== 'reservations/until-out-of-bounds') return error.message
  return error.detail['minimum'] === undefined ? TEXTS.negativeUntil : TEXTS.earlyUntil
}

/** The contract's numbers have 64 bits; beyond these no disk and no life is long enough. */
export function whole(field: string, value: bigint): number {
  if (value <= MAX_WHOLE) return Number(value)
  throw badTerms(field, `${field} must be at most ${MAX_WHOLE}`)
}

function untilOf(until: bigint): number {
  if (until < 0n) throw badTerms('until', TEXTS.negativeUntil)
  return atMost(until)
}

/** Of times: the largest of ours is as long as forever. */
function atMost(seconds: bigint): number {
  return Number(seconds < MAX_WHOLE ? seconds : MAX_WHOLE)
}
