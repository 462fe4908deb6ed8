// Matching rule by rule, and what may match more than before.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Availability, SlotWanted } from '../../src/sales/availability.ts'
import { MATCH_RULES, isLoosened, matches, maxCollateralPerByte, mismatches } from '../../src/sales/availability.ts'
import { BLOCK, COLLATERAL_PER_BYTE, PRICE, availability, slot } from '../fakes/salesparts.ts'

const SLOT_BYTES = BigInt(4 * BLOCK)

describe('an availability matches', () => {
  it('a slot that keeps every term exactly', () => {
    const exact = availability({ totalSize: 4 * BLOCK, freeSize: 4 * BLOCK, until: 2_000_000 })
    const atLimit = { ...exact, totalRemainingCollateral: SLOT_BYTES * COLLATERAL_PER_BYTE }
    expect(matches(atLimit, slot(1))).toBe(true)
    expect(mismatches(atLimit, slot(1))).toEqual([])
    expect(matches(atLimit, slot(1, 0, { proofProbability: 2n ** 248n - 1n }))).toBe(true)
  })

  const refusals: readonly (readonly [string, Partial<Availability>, Partial<SlotWanted>])[] = [
    ['enabled', { enabled: false }, {}],
    ['size', {}, { slotSize: BigInt(16 * BLOCK) + 1n, collateralPerByte: 0n }],
    ['duration', {}, { duration: 3601n }],
    ['price', {}, { pricePerBytePerSecond: PRICE - 1n }],
    ['collateral', {}, { collateralPerByte: COLLATERAL_PER_BYTE + 1n }],
    ['until', { until: 1_999_999 }, {}],
    ['terms', {}, { slotSize: 0n }],
    ['terms', {}, { duration: 0n }],
    ['terms', {}, { requestEnd: Number.NaN }],
    ['terms', {}, { requestEnd: 2 ** 60 }],
    ['terms', {}, { proofProbability: 2n ** 248n }],
  ]
  it.each(refusals)('no slot that breaks the rule "%s" alone', (name, terms, wanted) => {
    const [offered, asked] = [availability(terms), slot(1, 0, wanted)]
    expect(matches(offered, asked)).toBe(false)
    const broken = mismatches(offered, asked)
    expect(broken.map((rule) => rule.name)).toEqual([name])
    expect(broken[0]?.tell(offered, asked).length).toBeGreaterThan(10)
  })

  const sentences: readonly (readonly [Partial<Availability>, Partial<SlotWanted>, string])[] = [
    [{ freeSize: 2 ** 30 }, { slotSize: 2n ** 32n }, 'the slot takes 4 GiB, 1 GiB are free'],
    [{ freeSize: 2 ** 30 }, { slotSize: 2n ** 30n + 1n }, 'the slot takes 1073741825 bytes, 1073741824 bytes are free'],
    [{ duration: 86_400 }, { duration: 90_000n }, 'the request lasts 1d 1h, at most 1d are taken'],
    [
      { minPricePerBytePerSecond: 1000n },
      { pricePerBytePerSecond: 500n },
      'it pays 500 wei per byte and second, at least 1\u202f000 wei is asked',
    ],
    [
      { totalRemainingCollateral: 10n ** 18n, freeSize: 1 },
      { slotSize: 1n, collateralPerByte: 2n * 10n ** 18n },
      'it wants a collateral of 2 tokens per byte, at most 1 tokens remains',
    ],
    [
      { until: 1_767_139_200 },
      { requestEnd: 1_767_225_600 },
      'it ends at 2026-01-01T00:00:00Z, everything must end by 2025-12-31T00:00:00Z',
    ],
    [
      {},
      { proofProbability: 2n ** 256n - 1n },
      'its proof probability is so large that the contract cannot compute with it',
    ],
    [{}, { slotSize: 0n }, 'a slot of 0 B for 1h until 1970-01-24T03:33:20Z makes no sense'],
  ]
  it.each(sentences)('and says where not with units: %o, %o', (terms, wanted, sentence) => {
    const [offered, asked] = [availability(terms), slot(1, 0, wanted)]
    expect(mismatches(offered, asked).map((rule) => rule.tell(offered, asked))).toContain(sentence)
  })

  it('a request that ends at its until or has none to keep', () => {
    expect(matches(availability({ until: 2_000_000 }), slot(1))).toBe(true)
    expect(matches(availability({ until: 0 }), slot(1))).toBe(true)
  })

  it('by the collateral that remains, not by the total (T7)', () => {
    const used = availability({ freeSize: 8 * BLOCK, totalRemainingCollateral: BigInt(8 * BLOCK) * 2n - 1n })
    expect(maxCollateralPerByte(used)).toBe(1n)
    expect(mismatches(used, slot(1)).map((rule) => rule.name)).toEqual(['collateral'])
  })

  it('any collateral up to what remains when nothing is free, for then no slot fits anyway', () => {
    const full = availability({ freeSize: 0, totalRemainingCollateral: 5n })
    expect(maxCollateralPerByte(full)).toBe(5n)
    expect(mismatches(full, slot(1)).map((rule) => rule.name)).toEqual(['size'])
  })

  it('numbers beyond 2^53 and 2^256 without wrapping (T32)', () => {
    const large = availability({ duration: Number.MAX_SAFE_INTEGER, totalRemainingCollateral: 2n ** 256n - 1n })
    const absurd = { slotSize: 2n ** 64n - 1n, duration: 2n ** 64n - 1n, collateralPerByte: 2n ** 256n - 1n }
    expect(mismatches(large, slot(1, 0, absurd)).map((rule) => rule.name)).toEqual(['size', 'duration', 'collateral'])
  })
})

const anyAvailability = fc.record({
  freeSize: fc.nat(20),
  duration: fc.nat(5),
  minPricePerBytePerSecond: fc.bigInt(0n, 5n),
  totalRemainingCollateral: fc.bigInt(0n, 60n),
  enabled: fc.boolean(),
  until: fc.nat(5),
})
const anyWanted = fc.record({
  slotSize: fc.bigInt(1n, 20n),
  duration: fc.bigInt(1n, 5n),
  pricePerBytePerSecond: fc.bigInt(0n, 5n),
  collateralPerByte: fc.bigInt(0n, 5n),
  requestEnd: fc.nat(6),
})

describe('loosening (T20)', () => {
  const loosenings: readonly (readonly [string, Partial<Availability>, Partial<Availability>])[] = [
    ['more space', { freeSize: BLOCK, totalRemainingCollateral: 0n }, { freeSize: BLOCK + 1 }],
    ['a longer duration', {}, { duration: 3601 }],
    ['a lower price', {}, { minPricePerBytePerSecond: PRICE - 1n }],
    ['more collateral', {}, { totalRemainingCollateral: BigInt(16 * BLOCK) * 3n }],
    ['being enabled', { enabled: false }, { enabled: true }],
    ['a later until', { until: 5 }, { until: 6 }],
    ['no until', { until: 5 }, { until: 0 }],
    ['less space, for it leaves more collateral to a byte', {}, { freeSize: BLOCK }],
  ]
  it.each(loosenings)('is %s, and its opposite is not', (name, before, after) => {
    const [a, b] = [availability(before), availability({ ...before, ...after })]
    expect(isLoosened(a, b)).toBe(true)
    if (!name.startsWith('less')) expect(isLoosened(b, a)).toBe(false)
  })

  it('is creation, unless disabled, and never deletion or a change of a disabled one', () => {
    expect(isLoosened(undefined, availability())).toBe(true)
    expect(isLoosened(undefined, availability({ enabled: false }))).toBe(false)
    expect(isLoosened(availability(), undefined)).toBe(false)
    expect(isLoosened(availability(), availability({ enabled: false, duration: 9999 }))).toBe(false)
    expect(isLoosened(availability(), availability())).toBe(false)
  })

  it('is told whenever something matches that did not', () => {
    fc.assert(
      fc.property(anyAvailability, anyAvailability, anyWanted, (before, after, wanted) => {
        const [a, b] = [availability(before), availability(after)]
        return !(matches(b, wanted) && !matches(a, wanted)) || isLoosened(a, b)
      }),
      { numRuns: 2000 },
    )
  })
})

it('names each rule once', () => {
  expect(new Set(MATCH_RULES.map(({ name }) => name)).size).toBe(MATCH_RULES.length)
})
