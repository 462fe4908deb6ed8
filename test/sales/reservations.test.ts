// The accounting: availabilities, what slots take, what comes back. Names follow the checklist of marketplace reference §6.8 and the cases of
// field notes §7.

import { describe, expect, it } from 'vitest'
import { EMPTY_BLOCK_CID } from '../../src/protocol/block.ts'
import { treeCid } from '../../src/protocol/merkletree.ts'
import type { Availability, AvailabilityTerms } from '../../src/sales/availability.ts'
import type { NewTerms } from '../../src/sales/availabilityterms.ts'
import type { ReservationId } from '../../src/sales/reservation.ts'
import { type VerifiedBlock, verifyBlocks } from '../../src/storage/verifiedblock.ts'
import { isSettled } from '../fakes/issettled.ts'
import { NEVER, TEST_HASHER, seededBytes } from '../fakes/memorystore.ts'
import type { SalesParts } from '../fakes/salesparts.ts'
import {
  BLOCK,
  COLLATERAL_PER_BYTE,
  PRICE,
  availabilityIdOf,
  blocksOf,
  requestIdOf,
  restarted,
  salesParts,
  slot,
  terms,
} from '../fakes/salesparts.ts'

const SLOT = 4 * BLOCK
const SLOT_COLLATERAL = BigInt(SLOT) * COLLATERAL_PER_BYTE
const NOWHERE = availabilityIdOf(404)
const NOBODY = NOWHERE as string as ReservationId

async function expectSound({ reservations, repo }: SalesParts): Promise<void> {
  expect(await reservations.check({ signal: NEVER })).toEqual([])
  expect((await repo.recount({ signal: NEVER })).problems).toEqual([])
}

async function reservedBytes({ repo }: SalesParts): Promise<number> {
  return (await repo.space()).quotaReservedBytes
}

/** Asks by the code of the error, so that a message may be improved. */
function refusal(code: string, detail: object = {}): object {
  return { code: `reservations/${code}`, detail: expect.objectContaining(detail) as unknown }
}

describe('an availability', () => {
  it('is none initially', async () => {
    const { reservations } = await salesParts()
    expect(reservations.availabilities()).toEqual([])
    expect(reservations.reservations()).toEqual([])
    expect(reservations.find(slot(1))).toBe(undefined)
  })

  it('is created whole, enabled and without an end, under a unique id, and reserves quota', async () => {
    const parts = await salesParts()
    const made = await parts.reservations.create(terms())
    expect(made).toEqual({
      ...terms(),
      id: made.id,
      freeSize: 4 * SLOT,
      totalRemainingCollateral: 4n * SLOT_COLLATERAL,
      enabled: true,
      until: 0,
    })
    const other = await parts.reservations.create(terms(1, { enabled: false, until: 77 }))
    expect(other).toMatchObject({ enabled: false, until: 77 })
    expect(other.id).not.toBe(made.id)
    expect(parts.reservations.availabilities()).toEqual([made, other])
    expect(parts.reservations.availability(made.id)).toEqual(made)
    expect(parts.reservations.availability(NOWHERE)).toBe(undefined)
    expect(await reservedBytes(parts)).toBe(5 * SLOT)
    await expectSound(parts)
  })

  it('is refused over quota, caused by the quota, and nothing is reserved', async () => {
    const parts = await salesParts({ quotaBytes: 4 * SLOT - 1 })
    await expect(parts.reservations.create(terms())).rejects.toMatchObject({
      ...refusal('reserve-failed', { neededBytes: 4 * SLOT }),
      cause: { code: 'store/quota-exceeded' },
    })
    expect(parts.reservations.availabilities()).toEqual([])
    await expectSound(parts)
  })

  const bad: readonly (readonly [string, Partial<NewTerms>])[] = [
    ['bad-terms', { totalSize: 0 }],
    ['bad-terms', { totalSize: -1 }],
    ['bad-terms', { totalSize: 2 ** 53 }],
    ['bad-terms', { duration: 0.5 }],
    ['bad-terms', { minPricePerBytePerSecond: 2n ** 256n }],
    ['bad-terms', { totalCollateral: -1n }],
    ['until-out-of-bounds', { until: -1 }],
    ['until-out-of-bounds', { until: 1.5 }],
  ]
  it.each(bad)('is refused as %s with %o, on creation and on change', async (code, changes) => {
    const parts = await salesParts()
    await expect(parts.reservations.create(terms(1, changes))).rejects.toMatchObject(refusal(code))
    const { id } = await parts.reservations.create(terms())
    await expect(parts.reservations.change(id, changes)).rejects.toMatchObject(refusal(code))
    await expectSound(parts)
  })

  it.each([{ duration: 0 }, { minPricePerBytePerSecond: 0n }, { totalCollateral: 0n }])(
    'is refused with %o on creation, and changed to it',
    async (zero) => {
      const parts = await salesParts()
      await expect(parts.reservations.create(terms(1, zero))).rejects.toMatchObject(refusal('bad-terms'))
      const { id } = await parts.reservations.create(terms())
      expect(await parts.reservations.change(id, zero)).toMatchObject(zero)
      await expectSound(parts)
    },
  )

  it('changes single terms and keeps the others', async () => {
    const parts = await salesParts()
    let expected: Availability = await parts.reservations.create(terms())
    const changes: readonly Partial<AvailabilityTerms>[] = [
      { duration: 5 },
      { minPricePerBytePerSecond: 3n },
      { enabled: false },
      { until: 9 },
      { until: 0 },
    ]
    for (const change of changes) {
      expected = { ...expected, ...change }
      expect(await parts.reservations.change(expected.id, change)).toEqual(expected)
      expect(parts.reservations.availability(expected.id)).toEqual(expected)
    }
    expect((await restarted(parts)).reservations.availabilities()).toEqual([expected])
  })

  it('releases quota by shrinking and reserves it by growing', async () => {
    const parts = await salesParts({ quotaBytes: 5 * SLOT })
    const { id } = await parts.reservations.create(terms())
    expect(await parts.reservations.change(id, { totalSize: SLOT })).toMatchObject({ totalSize: SLOT, freeSize: SLOT })
    expect(await reservedBytes(parts)).toBe(SLOT)
    await parts.reservations.change(id, { totalSize: 5 * SLOT })
    expect(await reservedBytes(parts)).toBe(5 * SLOT)
    await expect(parts.reservations.change(id, { totalSize: 5 * SLOT + 1 })).rejects.toMatchObject(
      refusal('reserve-failed', { neededBytes: 1 }),
    )
    await expectSound(parts)
  })

  it('keeps what slots have taken: no smaller size or collateral than that, and the rest moves by the difference', async () => {
    const parts = await salesParts()
    const { id } = await parts.reservations.create(terms())
    await parts.reservations.reserve(slot(1))
    await expect(parts.reservations.change(id, { totalSize: SLOT - 1 })).rejects.toMatchObject(
      refusal('bytes-out-of-bounds', { minimumBytes: SLOT }),
    )
    await expect(parts.reservations.change(id, { totalCollateral: SLOT_COLLATERAL - 1n })).rejects.toMatchObject(
      refusal('collateral-out-of-bounds', { minimum: SLOT_COLLATERAL }),
    )
    expect(await parts.reservations.change(id, { totalCollateral: 0n })).toMatchObject({
      totalCollateral: SLOT_COLLATERAL,
      totalRemainingCollateral: 0n,
    })
    await expectSound(parts)
    const changed = await parts.reservations.change(id, {
      totalSize: SLOT + 10,
      totalCollateral: SLOT_COLLATERAL + 7n,
    })
    expect(changed).toMatchObject({ freeSize: 10, totalRemainingCollateral: 7n })
    await expectSound(parts)
  })

  it("does not move until before an existing reservation's end (checklist: flow)", async () => {
    const parts = await salesParts()
    const { id } = await parts.reservations.create(terms())
    await parts.reservations.reserve(slot(1, 0, { requestEnd: 500 }))
    await parts.reservations.reserve(slot(2, 0, { requestEnd: 300 }))
    await expect(parts.reservations.change(id, { until: 499 })).rejects.toMatchObject(
      refusal('until-out-of-bounds', { minimum: 500 }),
    )
    expect(await parts.reservations.change(id, { until: 500 })).toMatchObject({ until: 500 })
    expect(await parts.reservations.change(id, { until: 0 })).toMatchObject({ until: 0 })
  })

  it('is deleted when empty, and gives its quota back', async () => {
    const parts = await salesParts()
    const { id } = await parts.reservations.create(terms())
    const taken = await parts.reservations.reserve(slot(1))
    await expect(parts.reservations.delete(id)).rejects.toMatchObject(refusal('not-empty', { slots: 1 }))
    await parts.reservations.settle(taken?.id ?? NOBODY, 'all')
    await parts.reservations.delete(id)
    expect(parts.reservations.availabilities()).toEqual([])
    expect(parts.reservations.find(slot(1))).toBe(undefined)
    expect(await reservedBytes(parts)).toBe(0)
    expect((await restarted(parts)).reservations.availabilities()).toEqual([])
  })

  it('that is unknown is not found, changed, deleted or taken from', async () => {
    const { reservations } = await salesParts()
    await expect(reservations.change(NOWHERE, { duration: 1 })).rejects.toMatchObject(refusal('not-exists'))
    await expect(reservations.delete(NOWHERE)).rejects.toMatchObject(refusal('not-exists'))
    await expect(reservations.reserveFrom(NOWHERE, slot(1))).rejects.toMatchObject(refusal('not-exists'))
    expect(reservations.reservationsOf(NOWHERE)).toEqual([])
    expect(reservations.availability(NOWHERE)).toBe(undefined)
  })
})

describe('finding', () => {
  it('finds a match, not when disabled, not a byte more, not before until; the best fit and not the first', async () => {
    const { reservations } = await salesParts()
    const large = await reservations.create(terms(4))
    const small = await reservations.create(terms(1))
    expect(reservations.find(slot(1))).toEqual(small)
    expect(reservations.find(slot(1, 0, { slotSize: BigInt(SLOT) + 1n }))).toEqual(large)
    expect(reservations.find(slot(1, 0, { slotSize: BigInt(4 * SLOT) + 1n, collateralPerByte: 0n }))).toBe(undefined)
    await reservations.change(small.id, { enabled: false })
    expect(reservations.find(slot(1))).toEqual(large)
    await reservations.change(large.id, { until: 1_999_999 })
    expect(reservations.find(slot(1))).toBe(undefined)
    const later = await reservations.change(large.id, { until: 2_000_000 })
    expect(reservations.find(slot(1))).toEqual(later)
  })
})

describe('a reservation', () => {
  it('takes bytes and collateral, once for a slot, under a unique id; all are listed, and those of an availability', async () => {
    const parts = await salesParts()
    const { reservations } = parts
    const { id: availabilityId } = await reservations.create(terms())
    const first = await reservations.reserve(slot(1, 0))
    const second = await reservations.reserve(slot(1, 1))
    expect(first).toMatchObject({
      availabilityId,
      requestId: requestIdOf(1),
      slotIndex: 0,
      slotBytes: SLOT,
      size: SLOT,
      collateral: SLOT_COLLATERAL,
      validUntil: 2_000_000,
    })
    expect(first?.id).not.toBe(second?.id)
    expect(reservations.availability(availabilityId)).toMatchObject({
      totalSize: 4 * SLOT,
      freeSize: 2 * SLOT,
      totalCollateral: 4n * SLOT_COLLATERAL,
      totalRemainingCollateral: 2n * SLOT_COLLATERAL,
    })
    expect(reservations.reservations()).toEqual([first, second])
    expect(reservations.reservationsOf(availabilityId)).toEqual([first, second])
    expect(reservations.reservation(first?.id ?? NOBODY)).toEqual(first)
    expect(reservations.reservation(NOBODY)).toBe(undefined)
    expect(reservations.reservationOf(requestIdOf(1), 1)).toEqual(second)
    expect(reservations.reservationOf(requestIdOf(2), 1)).toBe(undefined)
    expect(await reservedBytes(parts)).toBe(4 * SLOT)
    await expect(reservations.reserve(slot(1, 1))).rejects.toMatchObject(
      refusal('slot-taken', { slotIndex: 1, id: second?.id }),
    )
    await expectSound(parts)
  })

  const refused: readonly (readonly [string, Parameters<typeof slot>[2], Partial<NewTerms>])[] = [
    ['duration too short', {}, { duration: 3599 }],
    ['size too small', {}, { totalSize: SLOT - 1 }],
    ['price too low', { pricePerBytePerSecond: PRICE - 1n }, {}],
    ['collateral too high', { collateralPerByte: COLLATERAL_PER_BYTE + 1n }, {}],
    ['disabled', {}, { enabled: false }],
    ['until before request end', {}, { until: 1_999_999 }],
    ['no bytes at all', { slotSize: 0n }, {}],
    ['2^64 - 1 bytes', { slotSize: 2n ** 64n - 1n }, {}],
  ]
  it.each(refused)('is none and changes nothing: %s (checklist: matching)', async (_, wanted, offered) => {
    const parts = await salesParts()
    const made = await parts.reservations.create(terms(1, offered))
    expect(await parts.reservations.reserve(slot(1, 0, wanted))).toBe(undefined)
    expect(parts.reservations.availabilities()).toEqual([made])
    expect(parts.reservations.reservations()).toEqual([])
    await expectSound(parts)
  })

  it('with until after request end is stored (checklist: matching)', async () => {
    const { reservations } = await salesParts()
    await reservations.create(terms(1, { until: 2_000_000 }))
    expect(await reservations.reserve(slot(1))).toMatchObject({ validUntil: 2_000_000 })
  })

  it('is refused where bytes or collateral are out of bounds, with nothing taken (S4)', async () => {
    const parts = await salesParts()
    const { id } = await parts.reservations.create(terms(1, { totalCollateral: SLOT_COLLATERAL - 1n }))
    await expect(parts.reservations.reserveFrom(id, slot(1, 0, { slotSize: BigInt(SLOT) + 1n }))).rejects.toMatchObject(
      refusal('bytes-out-of-bounds', { freeBytes: SLOT }),
    )
    await expect(parts.reservations.reserveFrom(id, slot(1))).rejects.toMatchObject(
      refusal('collateral-out-of-bounds', { remaining: SLOT_COLLATERAL - 1n }),
    )
    const absurd: readonly Parameters<typeof slot>[2][] = [
      { slotSize: 0n },
      { slotSize: -1n },
      { requestEnd: 2 ** 53 },
      { requestEnd: -1 },
      { collateralPerByte: -1n },
      { slotIndex: 0.5 },
      { slotIndex: -1 },
    ]
    for (const wanted of absurd)
      await expect(parts.reservations.reserveFrom(id, slot(1, 0, wanted))).rejects.toMatchObject(refusal('bad-terms'))
    expect(parts.reservations.reservations()).toEqual([])
    await expectSound(parts)
  })

  it('is never taken twice: 1000 concurrent pairs take what is free, the rest are out of bounds (T1, S5)', async () => {
    const parts = await salesParts()
    const { id } = await parts.reservations.create(terms(8))
    const wanted = Array.from({ length: 1000 }, (_, i) => [slot(i, 0), slot(i, 1)]).flat()
    const answers = await Promise.allSettled(wanted.map((each) => parts.reservations.reserveFrom(id, each)))
    expect(answers.filter(({ status }) => status === 'fulfilled').length).toBe(8)
    for (const answer of answers)
      if (answer.status === 'rejected') expect(answer.reason).toMatchObject(refusal('bytes-out-of-bounds'))
    expect(parts.reservations.availability(id)).toMatchObject({ freeSize: 0, totalRemainingCollateral: 0n })
    await expectSound(parts)
  })

  it('is found and taken in one: 50 in parallel over several availabilities, none over (T1)', async () => {
    const parts = await salesParts()
    for (const slots of [1, 3, 6]) await parts.reservations.create(terms(slots))
    const taken = await Promise.all(Array.from({ length: 50 }, (_, i) => parts.reservations.reserve(slot(i))))
    expect(taken.filter((each) => each !== undefined).length).toBe(10)
    await expectSound(parts)
  })
})

describe('blocks of a slot', () => {
  it('move their bytes from reserved to used in one commit each group (checklist: partial release)', async () => {
    const parts = await salesParts()
    await parts.reservations.create(terms())
    const { id = NOBODY } = (await parts.reservations.reserve(slot(1))) ?? {}
    const before = parts.faults.commits
    expect(await parts.reservations.put(id, await blocksOf([1, 2]), { indices: [10, 11] })).toEqual([
      'stored',
      'stored',
    ])
    expect(parts.faults.commits).toBe(before + 1)
    expect(parts.reservations.reservation(id)).toMatchObject({ size: 2 * BLOCK, slotBytes: SLOT })
    expect(await parts.repo.space()).toMatchObject({
      quotaUsedBytes: 2 * BLOCK,
      quotaReservedBytes: 4 * SLOT - 2 * BLOCK,
    })
    await expectSound(parts)
  })

  it('that are duplicate, present, empty or padding stay reserved', async () => {
    const parts = await salesParts()
    await parts.reservations.create(terms())
    const { id = NOBODY } = (await parts.reservations.reserve(slot(1))) ?? {}
    await parts.repo.putMany(await blocksOf([1]))
    const blocks = await blocksOf([1, 2, 2])
    const empty = await verifyBlocks(TEST_HASHER, [{ cid: EMPTY_BLOCK_CID, bytes: new Uint8Array(0) }])
    await parts.reservations.put(id, [...blocks, ...empty], { indices: [0, 1, 2, 3] })
    expect(parts.reservations.reservation(id)).toMatchObject({ size: 3 * BLOCK })
    await parts.reservations.put(id, blocks, { indices: [0, 1, 2] })
    expect(parts.reservations.reservation(id)).toMatchObject({ size: 3 * BLOCK })
    await expectSound(parts)
  })

  it('are kept until the end of the request, not until their own time to live (T3, T12)', async () => {
    const parts = await salesParts({ blockTtlSeconds: 10 })
    await parts.reservations.create(terms())
    const { id = NOBODY } = (await parts.reservations.reserve(slot(1))) ?? {}
    const blocks = await blocksOf([1])
    await parts.reservations.put(id, blocks, { indices: [0] })
    expect(await parts.repo.expiryOf((blocks[0] as VerifiedBlock).cid)).toBe(2_000_000)
    parts.clock.set(1_999_999)
    await parts.maintenance.run({ signal: NEVER })
    expect((await parts.repo.space()).totalBlocks).toBe(1)
  })

  it('that went with their time are stored again: they were paid once, and the space they left pays for them', async () => {
    const parts = await salesParts()
    const made = await parts.reservations.create(terms())
    const { id = NOBODY } = (await parts.reservations.reserve(slot(1))) ?? {}
    const blocks = await blocksOf([1, 2, 3, 4])
    const indices = [0, 1, 2, 3]
    await parts.reservations.put(id, blocks, { indices })
    parts.clock.set(2_000_001)
    await parts.maintenance.run({ signal: NEVER })
    expect((await parts.repo.space()).totalBlocks).toBe(0)
    await expectSound(parts)
    expect(await parts.reservations.put(id, blocks, { indices, expiry: 3_000_000 })).toEqual(blocks.map(() => 'stored'))
    expect(parts.reservations.reservation(id)).toMatchObject({ size: 0 })
    expect(await parts.repo.space()).toMatchObject({ quotaUsedBytes: SLOT, quotaReservedBytes: 3 * SLOT })
    await expectSound(parts)
    await parts.reservations.settle(id, 'all')
    expect(parts.reservations.availabilities()).toEqual([made])
    expect(await parts.repo.space()).toMatchObject({ quotaUsedBytes: 0, quotaReservedBytes: 4 * SLOT })
    await expectSound(parts)
  })

  it('are refused beyond what the slot has left, with nothing stored, and for an unknown reservation', async () => {
    const parts = await salesParts()
    await parts.reservations.create(terms())
    const { id = NOBODY } = (await parts.reservations.reserve(slot(1))) ?? {}
    const five = await blocksOf([1, 2, 3, 4, 5])
    await expect(parts.reservations.put(id, five, { indices: [0, 1, 2, 3, 4] })).rejects.toMatchObject(
      refusal('bytes-out-of-bounds', { leftBytes: SLOT }),
    )
    expect((await parts.repo.space()).totalBlocks).toBe(0)
    await parts.reservations.put(id, five.slice(0, 4), { indices: [0, 1, 2, 3] })
    await expect(parts.reservations.put(id, five.slice(4), { indices: [4] })).rejects.toMatchObject(
      refusal('bytes-out-of-bounds', { leftBytes: 0 }),
    )
    await expect(parts.reservations.put(NOBODY, five, { indices: [0, 1, 2, 3, 4] })).rejects.toMatchObject(
      refusal('not-exists'),
    )
    await expectSound(parts)
  })

  it('fit although the quota is full, for they were reserved (T4)', async () => {
    const parts = await salesParts({ quotaBytes: SLOT })
    await parts.reservations.create(terms(1))
    const { id = NOBODY } = (await parts.reservations.reserve(slot(1))) ?? {}
    await parts.reservations.put(id, await blocksOf([1, 2, 3, 4]), { indices: [0, 1, 2, 3] })
    expect(await parts.repo.space()).toMatchObject({ quotaUsedBytes: SLOT, quotaReservedBytes: 0 })
    await expectSound(parts)
  })

  it('that arrive while the slot is being settled are not stored', async () => {
    const parts = await salesParts()
    await parts.reservations.create(terms())
    const { id = NOBODY } = (await parts.reservations.reserve(slot(1))) ?? {}
    const [settled, put] = await Promise.allSettled([
      parts.reservations.settle(id, 'all'),
      parts.reservations.put(id, await blocksOf([1]), { indices: [0] }),
    ])
    expect(settled.status).toBe('fulfilled')
    expect(put).toMatchObject({ status: 'rejected', reason: refusal('not-exists') })
    expect((await parts.repo.space()).totalBlocks).toBe(0)
    await expectSound(parts)
  })
})

describe('settling', () => {
  it('restores the original size once finished, from any progress, and drops the data (T5, S12)', async () => {
    for (const count of [0, 1, 2, 3, 4]) {
      const parts = await salesParts()
      const made = await parts.reservations.create(terms())
      const { id = NOBODY } = (await parts.reservations.reserve(slot(1))) ?? {}
      const seeds = Array.from({ length: count }, (_, i) => i + 1)
      await parts.reservations.put(id, await blocksOf(seeds), { indices: seeds })
      expect(await parts.reservations.settle(id, SLOT_COLLATERAL)).toEqual({
        returnedBytes: SLOT,
        lostBytes: 0,
        returnedCollateral: SLOT_COLLATERAL,
        lostCollateral: 0n,
      })
      expect(parts.reservations.availabilities()).toEqual([made])
      expect(parts.reservations.reservations()).toEqual([])
      expect(await parts.repo.space()).toMatchObject({
        totalBlocks: 0,
        quotaUsedBytes: 0,
        quotaReservedBytes: 4 * SLOT,
      })
      await expectSound(parts)
    }
  })

  it('is one commit', async () => {
    const parts = await salesParts()
    await parts.reservations.create(terms())
    const { id = NOBODY } = (await parts.reservations.reserve(slot(1))) ?? {}
    await parts.reservations.put(id, await blocksOf([1, 2]), { indices: [0, 1] })
    const before = parts.faults.commits
    await parts.reservations.settle(id, 'all')
    expect(parts.faults.commits).toBe(before + 1)
  })

  it('twice is harmless, also at once, and of an unknown one too (T5)', async () => {
    const parts = await salesParts()
    const made = await parts.reservations.create(terms())
    const { id = NOBODY } = (await parts.reservations.reserve(slot(1))) ?? {}
    await parts.reservations.put(id, await blocksOf([1, 2]), { indices: [0, 1] })
    const answers = await Promise.all([1, 2, 3].map(() => parts.reservations.settle(id, 'all')))
    expect(answers.filter((each) => each !== undefined).length).toBe(1)
    expect(await parts.reservations.settle(NOBODY, 'all')).toBe(undefined)
    expect(parts.reservations.availabilities()).toEqual([made])
    await expectSound(parts)
  })

  it('returns only the collateral that is due, and says what was lost', async () => {
    const parts = await salesParts()
    const { id: availabilityId } = await parts.reservations.create(terms())
    const { id = NOBODY } = (await parts.reservations.reserve(slot(1))) ?? {}
    const due = SLOT_COLLATERAL - 100n
    expect(await parts.reservations.settle(id, due)).toMatchObject({ returnedCollateral: due, lostCollateral: 100n })
    expect(parts.reservations.availability(availabilityId)).toMatchObject({
      freeSize: 4 * SLOT,
      totalCollateral: 4n * SLOT_COLLATERAL - 100n,
      totalRemainingCollateral: 4n * SLOT_COLLATERAL - 100n,
    })
    expect(parts.logged.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual([
      'collateral was lost: its availability has that much less',
    ])
    await expectSound(parts)
  })

  it('keeps blocks that another slot or dataset needs (T34, T35), and gives every byte back in the end', async () => {
    const parts = await salesParts()
    const made = await parts.reservations.create(terms())
    const [first, second] = [await parts.reservations.reserve(slot(1)), await parts.reservations.reserve(slot(2))]
    const shared = await blocksOf([1, 2])
    await parts.reservations.put(first?.id ?? NOBODY, shared, { indices: [0, 1] })
    await parts.reservations.put(second?.id ?? NOBODY, [...shared, ...(await blocksOf([3]))], { indices: [0, 1, 2] })
    expect(parts.reservations.reservation(second?.id ?? NOBODY)).toMatchObject({ size: 3 * BLOCK })
    await parts.reservations.settle(first?.id ?? NOBODY, 'all')
    for (const { cid } of shared) expect(await parts.repo.has(cid)).toBe(true)
    await expectSound(parts)
    await parts.reservations.settle(second?.id ?? NOBODY, 'all')
    expect(parts.reservations.availabilities()).toEqual([made])
    expect(await parts.repo.space()).toMatchObject({ totalBlocks: 0, quotaReservedBytes: 4 * SLOT })
    await expectSound(parts)
  })

  it('shrinks the availability, with an alert, when shared blocks that survive leave no room', async () => {
    const parts = await salesParts({ quotaBytes: 2 * SLOT })
    const { id: availabilityId } = await parts.reservations.create(terms(2))
    const [first, second] = [await parts.reservations.reserve(slot(1)), await parts.reservations.reserve(slot(2))]
    const shared = await blocksOf([1, 2, 3])
    await parts.reservations.put(first?.id ?? NOBODY, shared, { indices: [0, 1, 2] })
    await parts.reservations.put(second?.id ?? NOBODY, shared, { indices: [0, 1, 2] })
    expect(await parts.reservations.settle(first?.id ?? NOBODY, 'all')).toMatchObject({
      returnedBytes: BLOCK,
      lostBytes: 3 * BLOCK,
    })
    expect(parts.reservations.availability(availabilityId)).toMatchObject({
      totalSize: 2 * SLOT - 3 * BLOCK,
      freeSize: BLOCK,
    })
    expect(parts.logged.find(({ level }) => level === 'error')?.message).toContain('an availability shrank')
    await expectSound(parts)
    await parts.reservations.settle(second?.id ?? NOBODY, 'all')
    await expectSound(parts)
    // The space of the blocks is free now, and the owner may give it back.
    await parts.reservations.change(availabilityId, { totalSize: 2 * SLOT })
    await expectSound(parts)
  })

  it('goes page by page for a large slot, and takes no blocks meanwhile', async () => {
    const parts = await salesParts({ settlePages: 1 })
    const made = await parts.reservations.create(terms())
    const { id = NOBODY } = (await parts.reservations.reserve(slot(1))) ?? {}
    // Each index in a page of its own.
    await parts.reservations.put(id, await blocksOf([1, 2, 3]), { indices: [0, 128, 256] })
    parts.faults.failAt(2, 'refused')
    await expect(parts.reservations.settle(id, 5n)).rejects.toMatchObject({ code: 'datastore/failed' })
    expect(parts.reservations.reservation(id)).toMatchObject({ size: 2 * BLOCK, returnedCollateral: 5n })
    await expect(parts.reservations.put(id, await blocksOf([4]), { indices: [3] })).rejects.toMatchObject(
      refusal('ending'),
    )
    await expectSound(parts)
    const again = await restarted(parts, { settlePages: 1 })
    expect(again.alerts).toEqual([])
    expect(await again.reservations.settleBegun({ signal: NEVER })).toBe(1)
    expect(again.reservations.availabilities()).toEqual([
      {
        ...made,
        totalCollateral: made.totalCollateral - SLOT_COLLATERAL + 5n,
        totalRemainingCollateral: made.totalCollateral - SLOT_COLLATERAL + 5n,
      },
    ])
    expect(await again.repo.space()).toMatchObject({ totalBlocks: 0, quotaReservedBytes: 4 * SLOT })
    await expectSound(again)
  })

  it('of a large slot can be left off between its commits, for the next start to go on', async () => {
    const parts = await salesParts({ settlePages: 1 })
    await parts.reservations.create(terms())
    const { id = NOBODY } = (await parts.reservations.reserve(slot(1))) ?? {}
    await parts.reservations.put(id, await blocksOf([1, 2, 3]), { indices: [0, 128, 256] })
    const stopping = { signal: AbortSignal.abort(new Error('stopping')) }
    await expect(parts.reservations.settle(id, 5n, [], stopping)).rejects.toThrow('stopping')
    expect(parts.reservations.reservation(id)).toMatchObject({ size: 2 * BLOCK, returnedCollateral: 5n })
    await expectSound(parts)
    const again = await restarted(parts, { settlePages: 1 })
    expect(await again.reservations.settleBegun({ signal: NEVER })).toBe(1)
    expect(again.reservations.reservations()).toEqual([])
    await expectSound(again)
  })

  it("drops the slot's leaves of the dataset's tree, but for those that another request of the same slot needs (T35)", async () => {
    const parts = await salesParts()
    await parts.reservations.create(terms())
    const tree = treeCid(seededBytes(32, 5))
    const blocks = await blocksOf([1, 2])
    const leaves = blocks.map(({ cid }, index) => ({ index, blockCid: cid }))
    const ids: ReservationId[] = []
    for (const request of [1, 2]) {
      const { id = NOBODY } = (await parts.reservations.reserve(slot(request))) ?? {}
      ids.push(id)
      await parts.reservations.put(id, blocks, { indices: [0, 1], tree })
      await parts.repo.putLeaves(tree, 8, leaves)
    }
    await parts.reservations.settle(ids[0] ?? NOBODY, 'all')
    expect(await parts.repo.getAt(tree, [0, 1])).toEqual(blocks.map(({ bytes }) => bytes))
    await expectSound(parts)
    await parts.reservations.settle(ids[1] ?? NOBODY, 'all')
    expect(await parts.repo.getLeaves(tree, [0, 1])).toEqual([undefined, undefined])
    expect((await parts.repo.space()).totalBlocks).toBe(0)
    await expectSound(parts)
  })

  it('gives back no more than the slot had, although lost blocks were stored again from free space', async () => {
    const parts = await salesParts()
    const made = await parts.reservations.create(terms())
    const { id = NOBODY } = (await parts.reservations.reserve(slot(1))) ?? {}
    const blocks = await blocksOf([1])
    await parts.reservations.put(id, blocks, { indices: [0], expiry: parts.clock.now() })
    parts.clock.advance(1)
    await parts.maintenance.run({ signal: NEVER })
    expect((await parts.repo.space()).totalBlocks).toBe(0)
    await parts.repo.putMany(blocks)
    await parts.reservations.settle(id, 'all')
    expect(parts.reservations.availabilities()).toEqual([made])
    expect((await parts.repo.space()).totalBlocks).toBe(0)
    await expectSound(parts)
  })
})

describe('a restart', () => {
  it('finds everything again, to the byte (S2, S3)', async () => {
    const parts = await salesParts()
    await parts.reservations.create(terms())
    const { id = NOBODY } = (await parts.reservations.reserve(slot(1))) ?? {}
    await parts.reservations.put(id, await blocksOf([1]), { indices: [0], tree: treeCid(seededBytes(32, 5)) })
    await parts.reservations.markFill(id, 'sent')
    await parts.reservations.markFill(id, 'landed')
    const again = await restarted(parts)
    expect(again.alerts).toEqual([])
    expect(again.reservations.availabilities()).toEqual(parts.reservations.availabilities())
    expect(again.reservations.reservations()).toEqual(parts.reservations.reservations())
    expect(again.reservations.reservation(id)).toMatchObject({ fill: 'landed', size: 3 * BLOCK })
    expect(again.reservations.find(slot(2))).toEqual(parts.reservations.availabilities()[0])
    await expectSound(again)
    await again.reservations.settle(id, 'all')
    await expectSound(again)
  })

  it('forgets a fill that is known not to have happened', async () => {
    const parts = await salesParts()
    await parts.reservations.create(terms())
    const { id = NOBODY } = (await parts.reservations.reserve(slot(1))) ?? {}
    await parts.reservations.markFill(id, 'sent')
    await parts.reservations.markFill(id, undefined)
    expect((await restarted(parts)).reservations.reservation(id)?.fill).toBe(undefined)
    await expect(parts.reservations.markFill(NOBODY, 'sent')).rejects.toMatchObject(refusal('not-exists'))
  })

  it('adopts a slot that is ours on chain and that no reservation knows, and settles it to the byte', async () => {
    const parts = await salesParts()
    const made = await parts.reservations.create(terms())
    const adopted = await parts.reservations.adopt({
      requestId: requestIdOf(9),
      slotIndex: 3,
      slotBytes: SLOT,
      collateral: 11n,
      validUntil: 5,
      availabilityId: made.id,
    })
    // Its data can be fetched again.
    expect(adopted).toMatchObject({ size: SLOT, slotBytes: SLOT, fill: 'landed' })
    expect(parts.reservations.availability(made.id)).toEqual({
      ...made,
      totalSize: 5 * SLOT,
      totalCollateral: made.totalCollateral + 11n,
    })
    await expectSound(parts)
    await parts.reservations.settle(adopted.id, 'all')
    expect(parts.reservations.availability(made.id)).toMatchObject({
      freeSize: 5 * SLOT,
      totalRemainingCollateral: made.totalCollateral + 11n,
    })
    await expectSound(parts)
    const alone = await parts.reservations.adopt({
      requestId: requestIdOf(9),
      slotIndex: 4,
      slotBytes: SLOT,
      collateral: 11n,
      validUntil: 5,
    })
    expect(parts.reservations.availability(alone.availabilityId)).toMatchObject({ enabled: false, totalSize: SLOT })
    await expectSound(parts)
  })

  it('adopts a slot where no room is left for its data, with what there is', async () => {
    const parts = await salesParts({ quotaBytes: 4 * SLOT + 100 })
    await parts.reservations.create(terms())
    const slot = { requestId: requestIdOf(9), slotBytes: SLOT, collateral: 11n, validUntil: 5 }
    expect(await parts.reservations.adopt({ ...slot, slotIndex: 0 })).toMatchObject({ size: 100 })
    expect(await parts.reservations.adopt({ ...slot, slotIndex: 1 })).toMatchObject({ size: 0 })
    await expectSound(parts)
  })

  it('what slots that were not paid for put at stake counts, also where the chain had it when our account was asked', async () => {
    const parts = await salesParts()
    await parts.reservations.create(terms())
    const first = await parts.reservations.reserve(slot(1))
    const stake = first?.collateral ?? 0n
    const unpaid = parts.reservations.unpaid()
    expect([...unpaid]).toEqual([first?.id])
    await parts.reservations.markFill(first?.id as never, 'landed')
    expect(await parts.reservations.reserveWithin(slot(2), { tokens: 2n * stake - 1n, unpaid })).toBe('too few tokens')
    expect(await parts.reservations.reserveWithin(slot(2), { tokens: stake })).toMatchObject({ collateral: stake })
    expect(parts.reservations.unpaid().size).toBe(1)
  })
})

describe('loosenings', () => {
  /** Whether it was told since the last call. */
  function listener({ reservations }: SalesParts): () => Promise<boolean> {
    const ear = reservations.loosenings({ signal: NEVER })
    let waiting: Promise<unknown> | undefined
    return async () => {
      waiting ??= ear.next()
      const told = await isSettled(waiting)
      if (told) waiting = undefined
      return told
    }
  }

  it('are told on creation and on any change that can match more; not on decrease or when disabled (T20)', async () => {
    const parts = await salesParts()
    const told = listener(parts)
    const { id } = await parts.reservations.create(terms())
    expect(await told()).toBe(true)
    expect(await told()).toBe(false)
    const changes: readonly (readonly [Partial<AvailabilityTerms>, boolean])[] = [
      [{ totalCollateral: 8n * SLOT_COLLATERAL }, true],
      [{ totalCollateral: 4n * SLOT_COLLATERAL }, false],
      [{ duration: 3601 }, true],
      [{ duration: 3600 }, false],
      [{ minPricePerBytePerSecond: PRICE - 1n }, true],
      [{ minPricePerBytePerSecond: PRICE }, false],
      [{ totalSize: 5 * SLOT }, true],
      [{ until: 9_000_000 }, false],
      [{ until: 9_000_001 }, true],
      [{ until: 0 }, true],
      [{ enabled: false }, false],
      [{ duration: 7200 }, false],
      [{ enabled: true }, true],
      [{}, false],
    ]
    for (const [change, expected] of changes) {
      await parts.reservations.change(id, change)
      expect(
        await told(),
        JSON.stringify(change, (_, value) => String(value)),
      ).toBe(expected)
    }
    await parts.reservations.create(terms(1, { enabled: false }))
    expect(await told()).toBe(false)
  })

  it('are told when a slot gives its space back, not when one takes its share', async () => {
    const parts = await salesParts()
    await parts.reservations.create(terms())
    const told = listener(parts)
    const { id = NOBODY } = (await parts.reservations.reserve(slot(1))) ?? {}
    expect(await told()).toBe(false)
    await parts.reservations.put(id, await blocksOf([1]), { indices: [0] })
    expect(await told()).toBe(false)
    await parts.reservations.settle(id, 'all')
    expect(await told()).toBe(true)
  })

  it('are told when a slot takes less collateral than its share, for others may have more now', async () => {
    const parts = await salesParts()
    await parts.reservations.create(terms())
    const told = listener(parts)
    await parts.reservations.reserve(slot(1, 0, { collateralPerByte: 0n }))
    expect(parts.reservations.find(slot(2, 0, { collateralPerByte: COLLATERAL_PER_BYTE }))).not.toBe(undefined)
    expect(await told()).toBe(false)
    await parts.reservations.reserve(slot(2, 0, { collateralPerByte: 0n }))
    expect(await told()).toBe(true)
  })

  it('are not told of what failed', async () => {
    const parts = await salesParts()
    const told = listener(parts)
    parts.faults.failAt(1, 'refused')
    await expect(parts.reservations.create(terms())).rejects.toMatchObject({ code: 'datastore/failed' })
    expect(await told()).toBe(false)
  })
})
