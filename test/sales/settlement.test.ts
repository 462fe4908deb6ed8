// The settlement table, row by row, and the arithmetic of a step.

import { describe, expect, it } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import type { Reservation, ReservationId } from '../../src/sales/reservation.ts'
import { Draft } from '../../src/sales/reservationbooks.ts'
import type { SaleOutcome } from '../../src/sales/saleoutcome.ts'
import { settle } from '../../src/sales/settlement.ts'
import { settleStep } from '../../src/sales/settlestep.ts'
import { availability, availabilityIdOf, requestIdOf } from '../fakes/salesparts.ts'

const payout = { reward: 70n, collateral: 40n }

describe('the settlement table (states: payout, finished, cancelled, failed, errored, ignored)', () => {
  const rows: readonly (readonly [string, SaleOutcome, ReturnType<typeof settle>])[] = [
    ['paid: what the chain paid back', { end: 'paid', payout }, { ends: true, collateral: 40n, again: false }],
    ['no availability: all, and again', declined('no availability'), { ends: true, collateral: 'all', again: true }],
    ['no room: all, and again', declined('no room'), { ends: true, collateral: 'all', again: true }],
    ['prover full: all, and again', declined('prover full'), { ends: true, collateral: 'all', again: true }],
    ['no data: all, and again', declined('no data'), { ends: true, collateral: 'all', again: true }],
    ['too slow: all', declined('too slow'), { ends: true, collateral: 'all', again: false }],
    ['bad terms: all', declined('bad terms'), { ends: true, collateral: 'all', again: false }],
    ['slot not free: all', declined('slot not free'), { ends: true, collateral: 'all', again: false }],
    ['reservations full: all', declined('reservations full'), { ends: true, collateral: 'all', again: false }],
    [
      'filled by another host: all (T6)',
      declined('filled by another host'),
      { ends: true, collateral: 'all', again: false },
    ],
    [
      'cancelled before the fill: all',
      { end: 'cancelled', filled: false },
      { ends: true, collateral: 'all', again: false },
    ],
    [
      'cancelled when hosting: what the chain paid back',
      { end: 'cancelled', filled: true, payout },
      { ends: true, collateral: 40n, again: false },
    ],
    ['failed before the fill: all', { end: 'failed', filled: false }, { ends: true, collateral: 'all', again: false }],
    ['failed when hosting: nothing', { end: 'failed', filled: true }, { ends: true, collateral: 0n, again: false }],
    ['freed: nothing', { end: 'freed' }, { ends: true, collateral: 0n, again: false }],
    [
      'broke: all',
      { end: 'broke', error: new CodexError('a/b', 'c') },
      { ends: true, collateral: 'all', again: false },
    ],
    ['paused: everything stays', { end: 'paused' }, { ends: false }],
  ]
  it.each(rows)('%s', (_, outcome, settlement) => {
    expect(settle(outcome)).toEqual(settlement)
  })
})

function declined(why: Extract<SaleOutcome, { end: 'declined' }>['why']): SaleOutcome {
  return { end: 'declined', why }
}

describe('a step', () => {
  const ended: Reservation = {
    id: '0x1' as ReservationId,
    availabilityId: availabilityIdOf(1),
    requestId: requestIdOf(1),
    slotIndex: 0,
    slotBytes: 100,
    size: 30,
    collateral: 50n,
    validUntil: 9,
    listId: 1,
  }
  const before = availability({ totalSize: 500, freeSize: 200, totalCollateral: 90n, totalRemainingCollateral: 10n })
  const step = (due: 'all' | bigint, look: { free: number; freed: number; hasMore?: boolean }, from = ended) => {
    const draft = new Draft()
    const { reserve, result } = settleStep(from, before, due, { hasMore: false, ...look }, draft)
    return { reserve, result, after: draft.availabilities.get(before.id), left: [...draft.reservations.values()][0] }
  }

  it('gives all back where there is room', () => {
    const { reserve, result, after, left } = step('all', { free: 1000, freed: 70 })
    expect(reserve).toBe(70)
    expect(result).toEqual({ returnedBytes: 100, lostBytes: 0, returnedCollateral: 50n, lostCollateral: 0n })
    expect(after).toEqual({ ...before, freeSize: 300, totalRemainingCollateral: 60n })
    expect(left?.gone).toBe(true)
  })

  it('sets bytes of surviving blocks aside from what is free, never more than are missing', () => {
    expect(step('all', { free: 1000, freed: 0 }).reserve).toBe(70)
    expect(step('all', { free: 1000, freed: 500 }).reserve).toBe(70)
  })

  it('shrinks the availability where there is no room', () => {
    const { reserve, result, after } = step('all', { free: 15, freed: 10 })
    expect(reserve).toBe(15)
    expect(result).toMatchObject({ returnedBytes: 45, lostBytes: 55 })
    expect(after).toMatchObject({ totalSize: 445, freeSize: 245 })
  })

  it('gives its own blocks back although the owner has lowered the quota beneath what is there', () => {
    expect(step('all', { free: 0, freed: 70 })).toMatchObject({ reserve: 70, result: { lostBytes: 0 } })
  })

  it('loses collateral that was slashed, from the total too', () => {
    const { result, after } = step(20n, { free: 1000, freed: 0 })
    expect(result).toMatchObject({ returnedCollateral: 20n, lostCollateral: 30n })
    expect(after).toMatchObject({ totalCollateral: 60n, totalRemainingCollateral: 30n })
  })

  it('loses no more than was put in: in repair less is', () => {
    const { result, after } = step(0n, { free: 1000, freed: 0 }, { ...ended, stake: 45n })
    expect(result).toMatchObject({ returnedCollateral: 5n, lostCollateral: 45n })
    expect(after).toMatchObject({ totalCollateral: 45n, totalRemainingCollateral: 15n })
  })

  it.each([
    [51n, 50n],
    [-1n, 0n],
  ])('takes a due of %s for %s', (due, returned) => {
    expect(step(due, { free: 1000, freed: 0 }).result).toMatchObject({ returnedCollateral: returned })
  })

  it('keeps the reservation and its due while leaves are left, and lets that due stand', () => {
    const first = step(20n, { free: 0, freed: 40, hasMore: true })
    expect(first).toMatchObject({ reserve: 40, result: 'more', after: undefined })
    expect(first.left).toEqual({ reservation: { ...ended, size: 70, returnedCollateral: 20n }, gone: false })
    const last = step('all', { free: 100, freed: 30 }, first.left?.reservation)
    expect(last).toMatchObject({ reserve: 30, result: { returnedBytes: 100, returnedCollateral: 20n } })
  })

  it('never sets aside more than the slot had while leaves are left', () => {
    expect(step('all', { free: 0, freed: 90, hasMore: true }).left?.reservation.size).toBe(100)
  })
})
