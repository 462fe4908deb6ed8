// The invariants find every planted breach, and nothing in sound accounts.

import { describe, expect, it } from 'vitest'
import type { Availability } from '../../src/sales/availability.ts'
import { type Accounts, MAX_PROBLEMS, checkReservations } from '../../src/sales/checkreservations.ts'
import type { Reservation, ReservationId } from '../../src/sales/reservation.ts'
import { availability, availabilityIdOf, requestIdOf } from '../fakes/salesparts.ts'

const reservation = (changes: Partial<Reservation> = {}): Reservation => ({
  id: '0x2' as ReservationId,
  availabilityId: availabilityIdOf(1),
  requestId: requestIdOf(1),
  slotIndex: 0,
  slotBytes: 100,
  size: 60,
  collateral: 5n,
  validUntil: 9,
  listId: 1,
  ...changes,
})
const offered = (changes: Partial<Availability> = {}): Availability =>
  availability({ totalSize: 1000, freeSize: 900, totalCollateral: 50n, totalRemainingCollateral: 45n, ...changes })
const accounts = (changes: Partial<Accounts> = {}): Accounts => ({
  counters: { used: 40, reserved: 960 },
  quotaBytes: 1000,
  availabilities: [offered()],
  reservations: [reservation()],
  ...changes,
})

it('finds nothing in sound accounts', () => {
  expect(checkReservations(accounts())).toEqual([])
  expect(
    checkReservations({ counters: { used: 0, reserved: 0 }, quotaBytes: 0, availabilities: [], reservations: [] }),
  ).toEqual([])
})

describe('finds', () => {
  const breaches: readonly (readonly [string, Partial<Accounts>, RegExp])[] = [
    ['I1: over the quota', { quotaBytes: 999 }, /more than the quota/],
    ['I1: negative', { counters: { used: -1, reserved: 960 } }, /more than the quota/],
    ['I1: reserved for nobody', { counters: { used: 0, reserved: 961 } }, /sets 961 bytes aside, .* have 960/],
    ['I2: a byte too many', { availabilities: [offered({ totalSize: 1001 })] }, /900 free \+ 100 taken are not 1001/],
    ['I2: a negative size', { reservations: [reservation({ size: -1 })] }, /impossible size/],
    ['I2: more reserved than taken', { reservations: [reservation({ size: 101 })] }, /reserves 101 of 100/],
    ['I2: a negative free size', { availabilities: [offered({ freeSize: -1 })] }, /impossible size/],
    [
      'I3: a unit too many',
      { availabilities: [offered({ totalCollateral: 51n })] },
      /45 wei remaining \+ 5 wei committed are not a collateral of 51 wei/,
    ],
    ['I3: wrapped', { availabilities: [offered({ totalRemainingCollateral: -1n })] }, /negative collateral/],
    ['I3: wrapped in a slot', { reservations: [reservation({ collateral: -1n })] }, /negative collateral/],
    [
      'I4: a slot twice',
      { reservations: [reservation({ size: 30 }), reservation({ size: 30, id: '0x3' as ReservationId })] },
      /two reservations/,
    ],
    ['an orphan', { reservations: [reservation({ availabilityId: availabilityIdOf(2) })] }, /does not exist/],
  ]
  it.each(breaches)('%s', (_, changes, sentence) => {
    expect(checkReservations(accounts(changes)).join('\n')).toMatch(sentence)
  })
})

it('tells no more than it says it does', () => {
  const many = Array.from({ length: 300 }, (_, slotIndex) => reservation({ slotIndex, size: -1 }))
  expect(checkReservations(accounts({ reservations: many })).length).toBe(MAX_PROBLEMS)
})
