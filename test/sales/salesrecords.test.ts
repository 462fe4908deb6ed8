// Records of the accounts: round trips, what does not decode, and what a start makes of damage.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { treeCid } from '../../src/protocol/merkletree.ts'
import type { Availability, AvailabilityId } from '../../src/sales/availability.ts'
import type { Reservation, ReservationId } from '../../src/sales/reservation.ts'
import {
  QUARANTINE_PREFIX,
  SALES_PREFIX,
  availabilityFromJson,
  availabilityKey,
  availabilityToJson,
  checkedId,
  decodeAvailability,
  decodeReservation,
  putAvailability,
  putReservation,
  readSalesKey,
  reservationFromJson,
  reservationKey,
  reservationToJson,
} from '../../src/sales/salesrecords.ts'
import type { Datastore } from '../../src/storage/datastore.ts'
import { textKey } from '../../src/storage/storagekey.ts'
import { NEVER, seededBytes } from '../fakes/memorystore.ts'
import type { SalesParts } from '../fakes/salesparts.ts'
import {
  availability,
  availabilityIdOf,
  blocksOf,
  requestIdOf,
  restarted,
  salesParts,
  slot,
  terms,
} from '../fakes/salesparts.ts'

const TREE = String(treeCid(seededBytes(32, 1)))
const UINT256 = fc.bigInt(0n, 2n ** 256n - 1n)
const WHOLE = fc.maxSafeNat()

const anyAvailability = fc
  .record({
    a: WHOLE,
    b: WHOLE,
    duration: WHOLE,
    price: UINT256,
    c: UINT256,
    d: UINT256,
    enabled: fc.boolean(),
    until: WHOLE,
  })
  .map(({ a, b, duration, price, c, d, enabled, until }): Availability => ({
    id: availabilityIdOf(7),
    totalSize: Math.max(a, b),
    freeSize: Math.min(a, b),
    duration,
    minPricePerBytePerSecond: price,
    totalCollateral: c > d ? c : d,
    totalRemainingCollateral: c > d ? d : c,
    enabled,
    until,
  }))
const anyReservation = fc
  .record({
    a: WHOLE,
    b: WHOLE,
    slotIndex: fc.nat(65_535),
    collateral: UINT256,
    validUntil: WHOLE,
    listId: WHOLE,
    proofProbability: fc.option(UINT256, { nil: undefined }),
    tree: fc.constantFrom(undefined, TREE),
    fill: fc.constantFrom(undefined, 'sent' as const, 'landed' as const),
    sentBlock: fc.option(WHOLE, { nil: undefined }),
    filledBlock: fc.option(WHOLE, { nil: undefined }),
    filledAt: fc.option(WHOLE, { nil: undefined }),
    isEnding: fc.boolean(),
  })
  .map(({ a, b, isEnding, ...rest }): Reservation => ({
    id: availabilityIdOf(8) as string as ReservationId,
    availabilityId: availabilityIdOf(7),
    requestId: requestIdOf(9),
    slotBytes: Math.max(a, b),
    size: Math.min(a, b),
    ...rest,
    ...(isEnding && { returnedCollateral: rest.collateral / 2n }),
  }))

describe('JSON', () => {
  it('of an availability goes round, numbers beyond 2^53 as texts', () => {
    fc.assert(
      fc.property(anyAvailability, (made) => {
        expect(availabilityFromJson(JSON.parse(JSON.stringify(availabilityToJson(made))))).toEqual(made)
      }),
    )
    expect(availabilityToJson(availability({ totalCollateral: 2n ** 255n }))).toEqual({
      id: `0x${'0'.repeat(63)}1`,
      totalSize: 1_048_576,
      freeSize: 1_048_576,
      duration: 3600,
      minPricePerBytePerSecond: '10',
      totalCollateral: String(2n ** 255n),
      totalRemainingCollateral: '2097152',
      enabled: true,
      until: 0,
    })
  })

  it('of a reservation goes round', () => {
    fc.assert(
      fc.property(anyReservation, (made) => {
        expect(reservationFromJson(JSON.parse(JSON.stringify(reservationToJson(made))))).toEqual(made)
      }),
    )
  })

  it('takes whole numbers as texts and amounts as numbers', () => {
    const json = availabilityToJson(availability())
    expect(
      availabilityFromJson({ ...json, totalSize: '5', freeSize: '5', totalCollateral: 7, totalRemainingCollateral: 7 }),
    ).toMatchObject({
      totalSize: 5,
      totalCollateral: 7n,
    })
  })

  const bad: readonly (readonly [string, unknown])[] = [
    ['id', '0x1'],
    ['id', `0x${'G'.repeat(64)}`],
    ['id', undefined],
    ['totalSize', -1],
    ['totalSize', 1.5],
    ['totalSize', 2 ** 53],
    ['totalSize', '9999999999999999'],
    ['totalSize', '1e3'],
    ['totalSize', null],
    ['duration', Number.NaN],
    ['minPricePerBytePerSecond', '-1'],
    ['minPricePerBytePerSecond', '0x10'],
    ['minPricePerBytePerSecond', String(2n ** 256n)],
    ['minPricePerBytePerSecond', '9'.repeat(100_000)],
    ['totalCollateral', 0.5],
    ['totalCollateral', {}],
    ['enabled', 'true'],
    ['until', []],
  ]
  it.each(bad)('that has no good %s is refused, and the field is named', (field, value) => {
    const json = { ...availabilityToJson(availability()), [field]: value }
    expect(() => availabilityFromJson(json)).toThrow(
      expect.objectContaining({ code: 'reservations/bad-json', detail: expect.objectContaining({ field }) as unknown }),
    )
  })

  it.each([
    ['tree', 5],
    ['fill', 'lost'],
    ['returnedCollateral', 'all'],
    ['listId', null],
  ])('of a reservation that has no good %s is refused', (field, value) => {
    const [made] = fc.sample(anyReservation, { numRuns: 1, seed: 1 })
    const json = { ...reservationToJson(made as Reservation), [field]: value }
    expect(() => reservationFromJson(json)).toThrow(expect.objectContaining({ code: 'reservations/bad-json' }))
  })

  it.each([null, [], 5, 'text', undefined])('that is no object is refused: %o', (json) => {
    expect(() => availabilityFromJson(json)).toThrow(expect.objectContaining({ code: 'reservations/bad-json' }))
  })

  it('ids are read with and without 0x and in either case', () => {
    expect(checkedId(`0x${'AB'.repeat(32)}`)).toBe(`0x${'ab'.repeat(32)}`)
    expect(checkedId('cd'.repeat(32))).toBe(`0x${'cd'.repeat(32)}`)
    expect(() => checkedId('cd')).toThrow(expect.objectContaining({ code: 'reservations/bad-json' }))
    expect(() => checkedId('zz')).toThrow(expect.objectContaining({ code: 'bytes/not-hex' }))
  })
})

describe('keys', () => {
  it('are those of the design', () => {
    const id = availabilityIdOf(1)
    const own = { availabilityId: id, id: availabilityIdOf(2) as string as ReservationId }
    expect(availabilityKey(id)).toEqual(textKey(`meta/sales/reservations/${id}`))
    expect(reservationKey(own)).toEqual(textKey(`meta/sales/reservations/${id}/${own.id}`))
    expect(readSalesKey(availabilityKey(id))).toEqual({ availabilityId: id, reservationId: undefined })
    expect(readSalesKey(reservationKey(own))).toEqual({ availabilityId: id, reservationId: own.id })
    expect(readSalesKey(textKey('meta/sales/reservations/0x12'))).toBe(undefined)
  })
})

describe('a record', () => {
  it('with any one bit flipped does not decode (field notes §6)', () => {
    const [kept] = fc.sample(anyReservation, { numRuns: 1, seed: 2 })
    const changes = [
      { change: putAvailability(availability()), decode: decodeAvailability },
      { change: putReservation(kept as Reservation), decode: decodeReservation },
    ]
    for (const { change, decode } of changes) {
      if (!('put' in change)) throw new Error('a put')
      expect(() => decode(change.put, change.value)).not.toThrow()
      for (let bit = 0; bit < change.value.length * 8; bit++) {
        const flipped = change.value.slice()
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        expect(() => decode(change.put, flipped)).toThrow(expect.objectContaining({ code: 'store/corrupted-record' }))
      }
    }
  })

  it('with impossible values or under a foreign key does not decode', () => {
    const corrupted = expect.objectContaining({ code: 'store/corrupted-record' }) as Error
    const decode = (made: Availability, under: AvailabilityId = made.id): unknown => {
      const change = putAvailability(made)
      return 'put' in change && decodeAvailability(availabilityKey(under), change.value)
    }
    expect(decode(availability())).toEqual(availability())
    expect(() => decode(availability({ freeSize: 2 ** 30 }))).toThrow(corrupted)
    expect(() => decode(availability({ totalRemainingCollateral: 2n ** 60n }))).toThrow(corrupted)
    expect(() => decode(availability(), availabilityIdOf(5))).toThrow(corrupted)
    const [made] = fc.sample(anyReservation, { numRuns: 1, seed: 3 }) as [Reservation]
    const decodeAs = (changes: Partial<Reservation>): unknown => {
      const change = putReservation({ ...made, ...changes })
      return 'put' in change && decodeReservation(reservationKey(made), change.value)
    }
    expect(decodeAs({})).toEqual(made)
    expect(() => decodeAs({ size: 9, slotBytes: 8 })).toThrow(corrupted)
    expect(() => decodeAs({ collateral: 1n, returnedCollateral: 2n })).toThrow(corrupted)
    expect(() => decodeAs({ id: availabilityIdOf(6) as string as ReservationId })).toThrow(corrupted)
    expect(() => decodeAs({ availabilityId: availabilityIdOf(6) })).toThrow(corrupted)
  })
})

describe('at start', () => {
  /** One availability with two slots, one of them with a block in the store. */
  async function filled(): Promise<SalesParts & { readonly own: readonly [Reservation, Reservation] }> {
    const parts = await salesParts()
    await parts.reservations.create(terms())
    const own = [await parts.reservations.reserve(slot(1)), await parts.reservations.reserve(slot(2))]
    await parts.reservations.put(own[0]?.id as ReservationId, await blocksOf([1]), { indices: [0] })
    return { ...parts, own: own as [Reservation, Reservation] }
  }

  async function damage({ records }: SalesParts, key: Uint8Array): Promise<Uint8Array> {
    const record = (await records.get(key)) ?? new Uint8Array(9)
    record[5] = (record[5] ?? 0) ^ 1
    await records.commit([{ put: key, value: record }])
    return record
  }

  async function under(datastore: Datastore, prefix: Uint8Array): Promise<Uint8Array[]> {
    const values: Uint8Array[] = []
    for await (const [, value] of datastore.entries(prefix, { signal: NEVER })) values.push(value)
    return values
  }

  async function expectMended(parts: SalesParts, alerts: number): Promise<void> {
    expect(parts.alerts.length).toBe(alerts)
    expect(parts.logged.filter(({ level }) => level === 'error').length).toBe(alerts)
    expect(await parts.reservations.check({ signal: NEVER })).toEqual([])
    expect((await restarted(parts)).alerts).toEqual([])
  }

  it('a damaged reservation is kept in quarantine and told of, and its bytes are not lost to nobody (S11)', async () => {
    const before = await filled()
    const bad = await damage(before, reservationKey(before.own[0]))
    const parts = await restarted(before)
    expect(await under(parts.records, QUARANTINE_PREFIX)).toEqual([bad])
    expect(parts.reservations.reservations()).toEqual([before.own[1]])
    const { freeSize, totalSize } = parts.reservations.availabilities()[0] as Availability
    expect(totalSize).toBe(freeSize + before.own[1].slotBytes)
    expect((await parts.repo.space()).quotaReservedBytes).toBe(totalSize)
    await expectMended(parts, 3)
  })

  it('a damaged availability comes back with its slots, disabled, and they can be settled', async () => {
    const before = await filled()
    const [known] = before.reservations.availabilities() as [Availability]
    await damage(before, availabilityKey(known.id))
    const parts = await restarted(before)
    const slots = before.own[0].slotBytes + before.own[1].slotBytes
    expect(parts.reservations.availability(known.id)).toMatchObject({ enabled: false, totalSize: slots, freeSize: 0 })
    expect(parts.reservations.reservations().length).toBe(2)
    await expectMended(parts, 3)
    for (const { id } of parts.reservations.reservations()) await parts.reservations.settle(id, 'all')
    expect(parts.reservations.availability(known.id)).toMatchObject({ totalSize: slots, freeSize: slots })
    await parts.reservations.change(known.id, { ...terms(1), enabled: true })
    expect(parts.reservations.find(slot(5))?.id).toBe(known.id)
    expect(await parts.reservations.check({ signal: NEVER })).toEqual([])
  })

  it('reservations whose availability is missing get one, and an availability without slots stays away', async () => {
    const before = await filled()
    const other = await before.reservations.create(terms(1))
    const [known] = before.reservations.availabilities() as [Availability]
    await before.records.commit([{ drop: availabilityKey(known.id) }])
    await damage(before, availabilityKey(other.id))
    const parts = await restarted(before)
    expect(parts.reservations.availabilities().map(({ id }) => id)).toEqual([known.id])
    await expectMended(parts, 3)
  })

  it('a record under an unknown key goes to quarantine', async () => {
    const before = await filled()
    await before.records.commit([
      { put: textKey(`${new TextDecoder().decode(SALES_PREFIX)}?`), value: Uint8Array.of(1) },
    ])
    const parts = await restarted(before)
    expect(await under(parts.records, QUARANTINE_PREFIX)).toEqual([Uint8Array.of(1)])
    await expectMended(parts, 1)
  })

  it('reserved bytes that a repair forgot are set aside again, as far as there is room', async () => {
    const before = await filled()
    const { quotaReservedBytes } = await before.repo.space()
    await before.repo.release(quotaReservedBytes)
    const parts = await restarted(before)
    expect((await parts.repo.space()).quotaReservedBytes).toBe(quotaReservedBytes)
    await expectMended(parts, 1)
    await parts.repo.release(quotaReservedBytes)
    const small = await restarted(parts, { quotaBytes: 100_000 })
    expect(small.alerts.length).toBe(1)
    expect(await small.reservations.check({ signal: NEVER })).not.toEqual([])
  })

  it('what is damaged while it runs is told by the check', async () => {
    const parts = await filled()
    await damage(parts, reservationKey(parts.own[0]))
    expect((await parts.reservations.check({ signal: NEVER })).length).toBeGreaterThan(1)
    const more = { ...parts.own[0], id: availabilityIdOf(3) as string as ReservationId }
    await parts.records.commit([...parts.reservations.reservations(), more].map(putReservation))
    expect(await parts.reservations.check({ signal: NEVER })).toContain(
      'the reservations in memory are not those that are stored',
    )
    await parts.records.commit([{ drop: reservationKey(more) }])
    expect(await parts.reservations.check({ signal: NEVER })).toEqual([])
    await parts.records.commit([{ drop: reservationKey(parts.own[0]) }])
    expect(await parts.reservations.check({ signal: NEVER })).toContain(
      'the reservations in memory are not those that are stored',
    )
    await parts.records.commit([{ drop: availabilityKey(parts.own[0].availabilityId) }])
    expect(await parts.reservations.check({ signal: NEVER })).toContain(
      'the availabilities in memory are not those that are stored',
    )
  })
})
