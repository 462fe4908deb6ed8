// The index against trying every availability.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Availability, AvailabilityId, SlotWanted } from '../../src/sales/availability.ts'
import { matches } from '../../src/sales/availability.ts'
import { AvailabilityIndex } from '../../src/sales/availabilityindex.ts'
import { availability, availabilityIdOf, slot } from '../fakes/salesparts.ts'

const SMALL = fc.nat(12)
const change = fc.record({
  id: fc.nat(15),
  gone: fc.boolean(),
  freeSize: SMALL,
  duration: SMALL,
  minPricePerBytePerSecond: fc.bigInt(0n, 12n),
  totalRemainingCollateral: fc.bigInt(0n, 150n),
  until: SMALL,
})
const query = fc.record({
  slotSize: fc.bigInt(0n, 14n),
  duration: fc.bigInt(0n, 12n),
  pricePerBytePerSecond: fc.bigInt(0n, 12n),
  collateralPerByte: fc.bigInt(0n, 12n),
  requestEnd: SMALL,
})

/** The law in a line: of those that match, the least free space, then the smaller id. */
function bestOf(all: Iterable<Availability>, wanted: SlotWanted): Availability | undefined {
  return [...all]
    .filter((each) => matches(each, wanted))
    .sort((a, b) => a.freeSize - b.freeSize || (a.id < b.id ? -1 : 1))[0]
}

it('finds what trying each would find, after any changes', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), fc.array(query, { maxLength: 10 }), (changes, queries) => {
      const index = new AvailabilityIndex()
      const all = new Map<AvailabilityId, Availability>()
      for (const { id: number, gone, ...terms } of changes) {
        const id = availabilityIdOf(number)
        if (gone) {
          index.delete(id)
          all.delete(id)
          continue
        }
        const made = availability({ id, ...terms })
        index.set(made)
        all.set(id, made)
      }
      expect(index.size).toBe(all.size)
      for (const wanted of queries) expect(index.find(wanted)).toBe(bestOf(all.values(), wanted))
    }),
    { numRuns: 500 },
  )
})

it('finds among many of equal size, by the other terms alone', () => {
  const index = new AvailabilityIndex()
  const all = Array.from({ length: 500 }, (_, i) =>
    availability({ id: availabilityIdOf(i), duration: i, minPricePerBytePerSecond: BigInt(i) }),
  )
  for (const each of all) index.set(each)
  for (const price of [0n, 99n, 250n, 499n]) {
    const wanted = slot(1, 0, { pricePerBytePerSecond: price, duration: price })
    expect(index.find(wanted)).toBe(bestOf(all, wanted))
  }
})

it('answers sizes beyond every number with nothing', () => {
  const index = new AvailabilityIndex()
  index.set(availability({ freeSize: Number.MAX_SAFE_INTEGER }))
  expect(index.find(slot(1, 0, { slotSize: 2n ** 64n - 1n, collateralPerByte: 0n }))).toBe(undefined)
  expect(index.find(slot(1, 0, { duration: 2n ** 64n - 1n, collateralPerByte: 0n }))).toBe(undefined)
})
