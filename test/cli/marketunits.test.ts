// Prices, tokens and instants as people write them: exact both ways, and nothing guessed.

import { expect, test } from 'vitest'
import { instant, perByte, price, priceText, tokens, tokenText } from '../../src/cli/marketunits.ts'

const GIB_MONTH = 2n ** 30n * 2_592_000n
const TOKEN = 10n ** 18n

test('a price for a GiB and month becomes base units for a byte and second, never less than was asked', () => {
  const { read } = price('asked')
  expect(read('1/GiB-month')).toBe(360n)
  expect(read('0.000000000000000001/gib-MONTH')).toBe(1n)
  expect(read('42')).toBe(42n)
  for (const [text, asked] of [
    ['10', 10n * TOKEN],
    ['0.5', TOKEN / 2n],
    ['2783138807808.000000000000000001', 2_783_138_807_808n * TOKEN + 1n],
  ] as const) {
    const perByteSecond = read(`${text}/GiB-month`)
    expect(perByteSecond * GIB_MONTH >= asked).toBe(true)
    expect((perByteSecond - 1n) * GIB_MONTH < asked).toBe(true)
  }
})

test('collateral is for a GiB, never less than was named; tokens in all it does not take', () => {
  const { read, show } = perByte('collateral')
  // 10^18 / 2^30, rounded up.
  expect(read('1/GiB')).toBe(931_322_575n)
  expect(read('7')).toBe(7n)
  expect(read(show(931_322_575n).replace(' tokens', ''))).toBe(931_322_575n)
  for (const text of ['1tokens', '1.5', '1/GB', '']) expect(() => read(text)).toThrow('expected')
})

test('what is shown reads back as the same price', () => {
  for (const perByteSecond of [0n, 1n, 360n, 7n ** 40n]) {
    const shown = priceText(perByteSecond).replace(' tokens', '')
    expect(price('x').read(shown)).toBe(perByteSecond)
    expect(tokens('x').read(tokenText(perByteSecond))).toBe(perByteSecond)
  }
  expect(priceText(360n)).toBe('1.00192997081088 tokens/GiB-month')
})

test('instants are read to the second', () => {
  const { read, show } = instant('x')
  expect(read('2027-06-01T12:00:00Z')).toBe(1_811_851_200)
  expect(read('2027-06-01')).toBe(1_811_808_000)
  expect(read('1811851200')).toBe(1_811_851_200)
  expect(show(1_811_851_200)).toBe('2027-06-01T12:00:00Z')
  expect(show(0)).toBe('none')
})

test('what is no amount is refused', () => {
  for (const text of [
    '',
    '-1',
    '1/GB-month',
    '1.0000000000000000001/GiB-month',
    '1e3/GiB-month',
    'x/GiB-month',
    '1 token s',
  ])
    expect(() => price('x').read(text)).toThrow('expected')
  for (const text of ['', '-1tokens', '1.5', '1,5tokens', '9'.repeat(78)])
    expect(() => tokens('x').read(text)).toThrow('expected')
  for (const text of ['tomorrow', '2027-13-01', '2027-06-01T12:00:00+02:00', '-1'])
    expect(() => instant('x').read(text)).toThrow('expected')
})
