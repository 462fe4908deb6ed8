// What a slot takes from an Availability: bytes and collateral, guarded. Arithmetic only; the commit is in reservations.ts.

import type { CodexError } from '../lib/errors.ts'
import { formatInstant } from '../lib/format.ts'
import { formatAmount } from '../lib/formatamount.ts'
import type { RequestId } from '../protocol/request.ts'
import type { Availability, AvailabilityId, SlotWanted } from './availability.ts'
import { makesSense } from './availability.ts'
import { reservationsError } from './availabilityterms.ts'
import type { Reservation } from './reservation.ts'

/** A slot that takes space and collateral. */
export interface SlotTaking extends SlotWanted {
  readonly requestId: RequestId
  readonly slotIndex: number
}

/** A slot that is ours on chain although no Reservation knows it. */
export interface SlotAdopted extends Pick<
  Reservation,
  'requestId' | 'slotIndex' | 'slotBytes' | 'collateral' | 'validUntil' | 'proofProbability' | 'filledBlock'
> {
  /** Where it goes, if it exists; else to an availability of its own, disabled. */
  readonly availabilityId?: AvailabilityId | undefined
}

export interface Taken {
  readonly after: Availability
  readonly reservation: Omit<Reservation, 'id' | 'listId'>
}

/** @throws CodexError `reservations/bad-terms`, `reservations/bytes-out-of-bounds`, `reservations/collateral-out-of-bounds` */
export function takeFrom(before: Availability, slot: SlotTaking): Taken {
  const { requestId, slotIndex, slotSize, collateralPerByte, proofProbability, requestEnd: validUntil } = slot
  if (!makesSense(slot) || collateralPerByte < 0n || !isIndex(slotIndex)) throw badSlot(slot)
  if (slotSize > before.freeSize)
    throw reservationsError(
      'reservations/bytes-out-of-bounds',
      `a slot of ${slotSize} bytes does not fit: availability ${before.id} has ${before.freeSize} bytes free`,
      { slotBytes: slotSize, freeBytes: before.freeSize },
    )
  const collateral = slotSize * collateralPerByte
  if (collateral > before.totalRemainingCollateral)
    throw reservationsError(
      'reservations/collateral-out-of-bounds',
      `a collateral of ${formatAmount(collateral)} does not fit: availability ${before.id} has ${formatAmount(before.totalRemainingCollateral)} left`,
      { collateral, remaining: before.totalRemainingCollateral },
    )
  const slotBytes = Number(slotSize)
  return {
    after: {
      ...before,
      freeSize: before.freeSize - slotBytes,
      totalRemainingCollateral: before.totalRemainingCollateral - collateral,
    },
    reservation: {
      availabilityId: before.id,
      requestId,
      slotIndex,
      slotBytes,
      size: slotBytes,
      collateral,
      validUntil,
      ...(proofProbability !== undefined && { proofProbability }),
    },
  }
}

function isIndex(slotIndex: number): boolean {
  return Number.isSafeInteger(slotIndex) && slotIndex >= 0
}

function badSlot({ requestId, slotIndex, slotSize, duration, requestEnd }: SlotTaking): CodexError {
  return reservationsError(
    'reservations/bad-terms',
    `slot ${slotIndex} of request ${requestId} makes no sense: ${slotSize} bytes for ${duration} s until ${formatInstant(requestEnd)}`,
    { requestId, slotIndex, slotSize, duration, requestEnd },
  )
}
