import fc from 'fast-check'
import { expect, test } from 'vitest'

import { formatAmount, toTokens } from '../../src/lib/formatamount.ts'
import { parseTokens, perByteSecond, perGibMonth } from '../../web/amounts.ts'

const UNIT = 2n ** 30n * 2_592_000n

test('a price per GiB and month becomes the least price per byte and second that brings in as much', () => {
  expect(perGibMonth(1n)).toBe(UNIT)
  expect([perByteSecond(0n), perByteSecond(1n), perByteSecond(UNIT), perByteSecond(UNIT + 1n)]).toEqual([
    0n,
    1n,
    1n,
    2n,
  ])
  fc.assert(
    fc.property(fc.bigInt(0n, 1n << 128n), (price) => {
      const perSecond = perByteSecond(price)
      expect(perGibMonth(perSecond) >= price).toBe(true)
      expect(perSecond === 0n || perGibMonth(perSecond - 1n) < price).toBe(true)
    }),
  )
})

test('amounts of tokens are read and written without losing a unit', () => {
  expect(toTokens(UNIT)).toBe('0.002783138807808')
  expect([parseTokens('2'), parseTokens('0.5'), parseTokens('0.000000000000000001')]).toEqual([
    2n * 10n ** 18n,
    5n * 10n ** 17n,
    1n,
  ])
  fc.assert(
    fc.property(fc.bigInt(0n, 1n << 128n), (wei) => {
      expect(parseTokens(toTokens(wei).replaceAll('\u202f', ''))).toBe(wei)
    }),
  )
  for (const text of ['', '-1', '1e3', '1,5', '.5', '0.0000000000000000001', '9'.repeat(61)])
    expect(() => parseTokens(text)).toThrow('expected an amount of tokens')
})

test('amounts always have their unit', () => {
  expect([formatAmount(0n), formatAmount(65_536n), formatAmount(3n * 10n ** 18n)]).toEqual([
    '0 wei',
    '65\u202f536 wei',
    '3 tokens',
  ])
})
