// Keys: their order, and the bound behind a prefix.

import fc from 'fast-check'
import { expect, test } from 'vitest'

import { compareBytes, concatBytes } from '../../src/lib/bytes.ts'
import { indexKey, joinKey, textKey, upperBound } from '../../src/storage/storagekey.ts'

test('index keys are 8 bytes, big-endian, and sort as their numbers', () => {
  expect(indexKey(0x0102030405)).toEqual(Uint8Array.of(0, 0, 0, 1, 2, 3, 4, 5))
  const index = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
  fc.assert(fc.property(index, index, (a, b) => Math.sign(compareBytes(indexKey(a), indexKey(b))) === Math.sign(a - b)))
  for (const wrong of [-1, 0.5, 2 ** 53, Number.NaN])
    expect(() => indexKey(wrong)).toThrow('an index is a whole number')
})

test('joined keys are their parts, texts as UTF-8', () => {
  expect(joinKey('é/', Uint8Array.of(0, 255), 'x')).toEqual(Uint8Array.of(0xc3, 0xa9, 0x2f, 0, 255, 0x78))
  expect(textKey('a/b')).toEqual(Uint8Array.of(0x61, 0x2f, 0x62))
})

test('the upper bound is behind every key with the prefix, and nothing lies between', () => {
  expect(upperBound(Uint8Array.of(1, 2))).toEqual(Uint8Array.of(1, 3))
  expect(upperBound(Uint8Array.of(1, 255, 255))).toEqual(Uint8Array.of(2))
  expect(upperBound(Uint8Array.of(255, 255))).toBeUndefined()
  expect(upperBound(new Uint8Array(0))).toBeUndefined()
  const bytes = fc.uint8Array({ maxLength: 4 })
  fc.assert(
    fc.property(bytes, bytes, (prefix, rest) => {
      const bound = upperBound(prefix)
      const begins = (key: Uint8Array) => prefix.every((byte, index) => key[index] === byte)
      if (bound === undefined) return compareBytes(prefix, rest) > 0 || begins(rest)
      if (compareBytes(concatBytes(prefix, rest), bound) >= 0) return false
      return compareBytes(rest, prefix) < 0 || compareBytes(rest, bound) >= 0 || begins(rest)
    }),
    { numRuns: 1000 },
  )
})
