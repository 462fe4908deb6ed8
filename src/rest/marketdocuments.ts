// The documents of the marketplace's rows: their shapes, and how the node's objects become them (marketplace reference §8). uint256 are decimal texts,
// uint64 JSON numbers, ids 0x-hex.

import { decodeCid } from '../protocol/cid.ts'
import { CodexError } from '../lib/errors.ts'
import { toHex } from '../lib/bytes.ts'
import type { StorageRequest } from '../protocol/request.ts'
import type { AvailabilityLook, PurchaseLook, ReservationLook } from './marketparts.ts'
import {
  count,
  defaulted,
  flag,
  id32,
  int64,
  nullable,
  object,
  optional,
  type Shaped,
  text,
  textLike,
  uint256,
  uint64,
} from './shape.ts'

const amount = textLike(/^[0-9]{1,78}$/, 'decimal digits')
const address = textLike(/^0x[0-9a-f]{40}$/, "'0x' and 40 lower-case hex digits")

export const askDocument = object({
  proofProbability: amount,
  pricePerBytePerSecond: amount,
  collateralPerByte: amount,
  slots: uint64,
  slotSize: uint64,
  duration: uint64,
  maxSlotLoss: uint64,
})

export const requestDocument = object({
  id: id32,
  client: address,
  ask: askDocument,
  content: object({ cid: text }),
  expiry: uint64,
  nonce: id32,
})

export const slotDocument = object({ id: id32, request: requestDocument, slotIndex: count })

export const availabilityDocument = object({
  id: id32,
  totalSize: count,
  freeSize: count,
  duration: count,
  minPricePerBytePerSecond: amount,
  totalCollateral: amount,
  totalRemainingCollateral: amount,
  enabled: flag,
  until: count,
})

export const reservationDocument = object({
  id: id32,
  availabilityId: id32,
  size: count,
  requestId: id32,
  slotIndex: count,
  validUntil: count,
})

export const agentDocument = object({
  state: text,
  requestId: id32,
  slotIndex: count,
  request: nullable(requestDocument),
  reservation: nullable(reservationDocument),
})

export const purchaseDocument = object({
  requestId: id32,
  request: nullable(requestDocument),
  state: text,
  error: nullable(text),
})

/** POST and PATCH of an availability: what is left out is 0 in the one and unchanged in the other. */
export const newAvailability = object({
  totalSize: defaulted(uint64, 0n),
  duration: defaulted(uint64, 0n),
  minPricePerBytePerSecond: defaulted(uint256, 0n),
  totalCollateral: defaulted(uint256, 0n),
  enabled: optional(flag),
  until: optional(int64),
})

export const changedAvailability = object({
  totalSize: optional(uint64),
  freeSize: optional(uint64),
  duration: optional(uint64),
  minPricePerBytePerSecond: optional(uint256),
  totalCollateral: optional(uint256),
  enabled: optional(flag),
  until: optional(int64),
})

export const newPurchase = object({
  duration: defaulted(uint64, 0n),
  proofProbability: defaulted(uint256, 0n),
  pricePerBytePerSecond: defaulted(uint256, 0n),
  collateralPerByte: defaulted(uint256, 0n),
  expiry: defaulted(uint64, 0n),
  nodes: defaulted(uint64, 3n),
  tolerance: defaulted(uint64, 1n),
})

export type AvailabilityDocument = Shaped<typeof availabilityDocument>
export type ReservationDocument = Shaped<typeof reservationDocument>
export type RequestDocument = Shaped<typeof requestDocument>
export type PurchaseDocument = Shaped<typeof purchaseDocument>

export function availabilityOf(availability: AvailabilityLook): AvailabilityDocument {
  const { id, totalSize, freeSize, duration, enabled, until } = availability
  return {
    id,
    totalSize,
    freeSize,
    duration,
    minPricePerBytePerSecond: String(availability.minPricePerBytePerSecond),
    totalCollateral: String(availability.totalCollateral),
    totalRemainingCollateral: String(availability.totalRemainingCollateral),
    enabled,
    until,
  }
}

export function reservationOf(reservation: ReservationLook): ReservationDocument {
  const { id, availabilityId, size, requestId, slotIndex, validUntil } = reservation
  return { id, availabilityId, size, requestId, slotIndex, validUntil }
}

export function requestOf(id: string, { client, ask, content, expiry, nonce }: StorageRequest): RequestDocument {
  const { proofProbability, pricePerBytePerSecond, collateralPerByte, slots, slotSize, duration, maxSlotLoss } = ask
  return {
    id,
    client,
    ask: {
      proofProbability: String(proofProbability),
      pricePerBytePerSecond: String(pricePerBytePerSecond),
      collateralPerByte: String(collateralPerByte),
      slots,
      slotSize,
      duration,
      maxSlotLoss,
    },
    content: { cid: cidText(content.cid) },
    expiry,
    nonce,
  }
}

export function purchaseOf({ id, request, state, problem }: PurchaseLook): PurchaseDocument {
  return { requestId: id, request: requestOf(id, request), state, error: problem ?? null }
}

/** Anyone may have put anything into a request: what is no CID is shown as the bytes it is. */
function cidText(bytes: Uint8Array): string {
  try {
    return String(decodeCid(bytes))
  } catch (error) {
    if (!CodexError.is(error)) throw error
    return `0x${toHex(bytes.subarray(0, 128))}`
  }
}
