// Availabilities and Reservations as JSON and as sealed records, and where those lie. Codec only. Integers that may be large are decimal
// texts; what does not decode is an error, never a default.

import { fromHex, toHex, utf8 } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import { describeValue } from '../lib/describevalue.ts'
import { checkedRequestId } from '../protocol/request.ts'
import type { Change, Key } from '../storage/datastore.ts'
import { corruptedRecord, openRecord, sealRecord } from '../storage/sealedrecord.ts'
import { joinKey, textKey } from '../storage/storagekey.ts'
import type { Availability, AvailabilityId } from './availability.ts'
import type { Reservation, ReservationId } from './reservation.ts'

/** `meta/sales/reservations/<availabilityId>` and `meta/sales/reservations/<availabilityId>/<reservationId>` */
export const SALES_PREFIX: Key = textKey('meta/sales/reservations/')
/** The same behind it: records that could not be read, kept as they were found. */
export const QUARANTINE_PREFIX: Key = textKey('meta/sales/quarantine/')

/** As REST shows it and as it is stored. */
export interface AvailabilityJson {
  readonly id: string
  readonly totalSize: number
  readonly freeSize: number
  readonly duration: number
  readonly minPricePerBytePerSecond: string
  readonly totalCollateral: string
  readonly totalRemainingCollateral: string
  readonly enabled: boolean
  readonly until: number
}

/** As it is stored; REST shows part of it. */
export interface ReservationJson {
  readonly id: string
  readonly availabilityId: string
  readonly size: number
  readonly requestId: string
  readonly slotIndex: number
  readonly validUntil: number
  readonly slotBytes: number
  readonly collateral: string
  readonly listId: number
  readonly proofProbability?: string | undefined
  readonly tree?: string | undefined
  readonly fill?: string | undefined
  readonly sentBlock?: number | undefined
  readonly filledBlock?: number | undefined
  readonly stake?: string | undefined
  readonly filledAt?: number | undefined
  readonly returnedCollateral?: string | undefined
}

export function availabilityToJson(availability: Availability): AvailabilityJson {
  return {
    id: availability.id,
    totalSize: availability.totalSize,
    freeSize: availability.freeSize,
    duration: availability.duration,
    minPricePerBytePerSecond: String(availability.minPricePerBytePerSecond),
    totalCollateral: String(availability.totalCollateral),
    totalRemainingCollateral: String(availability.totalRemainingCollateral),
    enabled: availability.enabled,
    until: availability.until,
  }
}

/** @throws CodexError `reservations/bad-json` naming the field */
export function availabilityFromJson(json: unknown): Availability {
  const fields = fieldsOf(json)
  return {
    id: idOf(fields, 'id') as AvailabilityId,
    totalSize: wholeOf(fields, 'totalSize'),
    freeSize: wholeOf(fields, 'freeSize'),
    duration: wholeOf(fields, 'duration'),
    minPricePerBytePerSecond: amountOf(fields, 'minPricePerBytePerSecond'),
    totalCollateral: amountOf(fields, 'totalCollateral'),
    totalRemainingCollateral: amountOf(fields, 'totalRemainingCollateral'),
    enabled: flagOf(fields, 'enabled'),
    until: wholeOf(fields, 'until'),
  }
}

export function reservationToJson(reservation: Reservation): ReservationJson {
  const { proofProbability, tree, fill, sentBlock, filledBlock, stake, filledAt, returnedCollateral } = reservation
  return {
    id: reservation.id,
    availabilityId: reservation.availabilityId,
    size: reservation.size,
    requestId: reservation.requestId,
    slotIndex: reservation.slotIndex,
    validUntil: reservation.validUntil,
    slotBytes: reservation.slotBytes,
    collateral: String(reservation.collateral),
    listId: reservation.listId,
    ...(proofProbability !== undefined && { proofProbability: String(proofProbability) }),
    ...(tree !== undefined && { tree }),
    ...(fill !== undefined && { fill }),
    ...(sentBlock !== undefined && { sentBlock }),
    ...(filledBlock !== undefined && { filledBlock }),
    ...(stake !== undefined && { stake: String(stake) }),
    ...(filledAt !== undefined && { filledAt }),
    ...(returnedCollateral !== undefined && { returnedCollateral: String(returnedCollateral) }),
  }
}

/** @throws CodexError `reservations/bad-json` naming the field */
export function reservationFromJson(json: unknown): Reservation {
  const fields = fieldsOf(json)
  return {
    id: idOf(fields, 'id') as ReservationId,
    availabilityId: idOf(fields, 'availabilityId') as AvailabilityId,
    requestId: checkedRequestId(idOf(fields, 'requestId')),
    slotIndex: wholeOf(fields, 'slotIndex'),
    slotBytes: wholeOf(fields, 'slotBytes'),
    size: wholeOf(fields, 'size'),
    collateral: amountOf(fields, 'collateral'),
    validUntil: wholeOf(fields, 'validUntil'),
    listId: wholeOf(fields, 'listId'),
    ...(fields['proofProbability'] !== undefined && { proofProbability: amountOf(fields, 'proofProbability') }),
    ...(fields['tree'] !== undefined && { tree: textOf(fields, 'tree') }),
    ...(fields['fill'] !== undefined && { fill: fillOf(fields) }),
    ...(fields['sentBlock'] !== undefined && { sentBlock: wholeOf(fields, 'sentBlock') }),
    ...(fields['filledBlock'] !== undefined && { filledBlock: wholeOf(fields, 'filledBlock') }),
    ...(fields['stake'] !== undefined && { stake: amountOf(fields, 'stake') }),
    ...(fields['filledAt'] !== undefined && { filledAt: wholeOf(fields, 'filledAt') }),
    ...(fields['returnedCollateral'] !== undefined && { returnedCollateral: amountOf(fields, 'returnedCollateral') }),
  }
}

export function availabilityKey(id: AvailabilityId): Key {
  return joinKey(SALES_PREFIX, id)
}

export function reservationKey({ availabilityId, id }: Pick<Reservation, 'availabilityId' | 'id'>): Key {
  return joinKey(SALES_PREFIX, availabilityId, '/', id)
}

/** What a key names; undefined for one that nothing of ours is under. */
export function readSalesKey(
  key: Key,
): { readonly availabilityId: AvailabilityId; readonly reservationId: ReservationId | undefined } | undefined {
  const text = new TextDecoder().decode(key.subarray(SALES_PREFIX.length))
  const [, availabilityId, reservationId] = /^(0x[0-9a-f]{64})(?:\/(0x[0-9a-f]{64}))?$/.exec(text) ?? []
  if (availabilityId === undefined) return undefined
  return { availabilityId: availabilityId as AvailabilityId, reservationId: reservationId as ReservationId | undefined }
}

export function quarantineKey(key: Key): Key {
  return joinKey(QUARANTINE_PREFIX, key.subarray(SALES_PREFIX.length))
}

export function putAvailability(availability: Availability): Change {
  return { put: availabilityKey(availability.id), value: seal(availabilityToJson(availability)) }
}

export function putReservation(reservation: Reservation): Change {
  return { put: reservationKey(reservation), value: seal(reservationToJson(reservation)) }
}

/** @throws CodexError `store/corrupted-record` */
export function decodeAvailability(key: Key, record: Uint8Array): Availability {
  const availability = decoded(key, record, availabilityFromJson)
  const { totalSize, freeSize, totalCollateral, totalRemainingCollateral } = availability
  const isPossible = freeSize <= totalSize && totalRemainingCollateral <= totalCollateral
  if (isPossible && readSalesKey(key)?.availabilityId === availability.id) return availability
  throw corruptedRecord(key, 'an availability holds impossible values')
}

/** @throws CodexError `store/corrupted-record` */
export function decodeReservation(key: Key, record: Uint8Array): Reservation {
  const reservation = decoded(key, record, reservationFromJson)
  const { id, availabilityId, size, slotBytes, collateral, stake = 0n, returnedCollateral = 0n } = reservation
  const named = readSalesKey(key)
  const isPossible = size <= slotBytes && stake <= collateral && returnedCollateral <= collateral
  if (isPossible && named?.availabilityId === availabilityId && named.reservationId === id) return reservation
  throw corruptedRecord(key, 'a reservation holds impossible values')
}

function seal(json: AvailabilityJson | ReservationJson): Uint8Array {
  return sealRecord(utf8(JSON.stringify(json)))
}

function decoded<T>(key: Key, record: Uint8Array, fromJson: (json: unknown) => T): T {
  const payload = openRecord(key, record)
  try {
    return fromJson(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)))
  } catch (error) {
    throw corruptedRecord(key, error instanceof Error ? error.message : String(error))
  }
}

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(json: unknown): Fields {
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Fields
  throw new CodexError('reservations/bad-json', `expected a JSON object, found ${describeValue(json)}`)
}

function idOf(fields: Fields, name: string): string {
  const text = fields[name]
  if (typeof text === 'string' && /^0x[0-9a-f]{64}$/.test(text)) return text
  throw badField(name, "'0x' and 64 lower-case hex digits", text)
}

/** As a number, or as a decimal text. */
function wholeOf(fields: Fields, name: string): number {
  const value = fields[name]
  const number = typeof value === 'string' && /^[0-9]{1,16}$/.test(value) ? Number(value) : value
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number
  throw badField(name, 'a whole number from 0 to 2^53 - 1', value)
}

/** A uint256, as a decimal text or a safe number. */
function amountOf(fields: Fields, name: string): bigint {
  const value = fields[name]
  const isAmount =
    typeof value === 'string' ? /^[0-9]{1,78}$/.test(value) : Number.isSafeInteger(value) && (value as number) >= 0
  if (isAmount) {
    const amount = BigInt(value as string | number)
    if (amount >> 256n === 0n) return amount
  }
  throw badField(name, 'a whole number below 2^256 in decimal', value)
}

function flagOf(fields: Fields, name: string): boolean {
  const value = fields[name]
  if (typeof value === 'boolean') return value
  throw badField(name, 'true or false', value)
}

function textOf(fields: Fields, name: string): string {
  const value = fields[name]
  if (typeof value === 'string') return value
  throw badField(name, 'a text', value)
}

function fillOf(fields: Fields): 'sent' | 'landed' {
  const { fill } = fields
  if (fill === 'sent' || fill === 'landed') return fill
  throw badField('fill', "'sent' or 'landed'", fill)
}

function badField(name: string, expected: string, found: unknown): CodexError<'reservations/bad-json'> {
  return new CodexError('reservations/bad-json', `expected ${name} to be ${expected}, found ${describeValue(found)}`, {
    detail: { field: name, found: describeValue(found) },
  })
}

/** An id of 32 random bytes. */
export function idFrom(bytes: Uint8Array): `0x${string}` {
  return `0x${toHex(bytes)}`
}

/** The id in its one spelling, with or without `0x`. @throws CodexError `bytes/not-hex`, `reservations/bad-json` */
export function checkedId(text: string): `0x${string}` {
  return idOf({ id: idFrom(fromHex(text)) }, 'id') as `0x${string}`
}
