import fc from 'fast-check'
import { expect, test } from 'vitest'

import { KiB, MiB } from '../../src/lib/units.ts'
import { checkRoom, KEPT_BYTES, largestSpace, suggestTerms } from '../../web/suggestedterms.ts'

const ask = (price: bigint, collateral: bigint, duration: number, isOpen = false) => ({
  pricePerBytePerSecond: price,
  collateralPerByte: collateral,
  slotBytes: MiB,
  duration,
  isOpen,
})

test('terms are suggested from the room, the key’s tokens and what clients ask for, and say so', () => {
  const asks = [ask(9n, 2n, 3600, true), ask(5n, 4n, 86_400 * 3), ask(7n, 3n, 7200)]
  const { terms, from } = suggestTerms(100 * MiB, { tokens: 10n ** 18n, asks })
  expect(terms).toEqual({
    totalSize: 50 * MiB,
    minPricePerBytePerSecond: 7n,
    totalCollateral: 3n * BigInt(50 * MiB),
    duration: 3 * 86_400,
  })
  expect(from.join(' ')).toContain('half of the 100 MiB')
  expect(from.join(' ')).toContain('3 requests of late pay, of which 1 may still be filled; typically for 2h')
  const poor = suggestTerms(100 * MiB, { tokens: 1000n, asks })
  expect(poor.terms.totalCollateral).toBe(1000n)
  expect(poor.from.join(' ')).toContain('all that the key has')
})

test('where nothing is known that is said, and something to begin with is suggested', () => {
  for (const [sight, words] of [
    [undefined, 'the chain was not asked yet'],
    [{ tokens: 0n, asks: undefined }, 'the endpoint does not tell'],
    [{ tokens: 0n, asks: 'not asked' }, 'this page does not ask what clients pay'],
    [{ tokens: 0n, asks: [] }, 'no client asked for storage of late'],
  ] as const) {
    const { terms, from } = suggestTerms(0, sight)
    expect(from.join(' ')).toContain(words)
    expect(terms.totalSize).toBe(MiB)
    expect([terms.minPricePerBytePerSecond > 0n, terms.totalCollateral > 0n, terms.duration > 0]).toEqual([
      true,
      true,
      true,
    ])
  }
  expect(suggestTerms(0, { tokens: 0n, asks: [] }).from.join(' ')).toContain('has no tokens yet')
})

test('the largest space that is named fits, and a person can type it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 40 }), (free) => {
      const largest = largestSpace(free)
      expect(largest % KiB).toBe(0)
      expect(largest === 0 || largest + KEPT_BYTES <= free).toBe(true)
      checkRoom({ totalSize: largest }, free)
      expect(() => checkRoom({ totalSize: largest + 1 }, free)).toThrow('is the most that fits')
    }),
  )
})
