import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, toHex } from '../../src/lib/bytes.ts'
import { encodeVarint, readVarint } from '../../src/protocol/varint.ts'

/** The encoding by definition, from the lowest seven bits up. */
function slowVarint(value: bigint): number[] {
  return value < 128n ? [Number(value)] : [Number(value & 127n) | 128, ...slowVarint(value >> 7n)]
}

describe('varints', () => {
  it('are what the definition says, and read back, up to 2^53 - 1', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(5), (value, at) => {
        const bytes = encodeVarint(value)
        expect(bytes).toEqual(slowVarint(BigInt(value)))
        const input = Uint8Array.from([...new Array<number>(at).fill(0x80), ...bytes, 0x01])
        expect(readVarint(input, at, 'test')).toEqual({ value, end: at + bytes.length })
      }),
      {
        examples: [
          [0, 0],
          [127, 0],
          [128, 1],
          [Number.MAX_SAFE_INTEGER, 2],
        ],
      },
    )
  })

  it('are well formed but too large to hold from 2^53 to 2^64 - 1', () => {
    const large = fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n })
    fc.assert(
      fc.property(large, (value) => {
        const bytes = Uint8Array.from(slowVarint(value))
        expect(readVarint(bytes, 0, 'test')).toEqual({ value: Infinity, end: bytes.length })
      }),
      { examples: [[2n ** 53n], [2n ** 64n - 1n]] },
    )
  })

  it.each([
    ['no bytes', '', 'truncated'],
    ['no end', 'ffff', 'truncated'],
    ['a zero too many', '8000', 'not-canonical'],
    ['65 bits', toHex(Uint8Array.from(slowVarint(2n ** 64n))), 'not-canonical'],
    ['eleven bytes', 'ff'.repeat(10) + '01', 'not-canonical'],
  ])('are refused with %s', (_, hex, code) => {
    expect(() => readVarint(fromHex(hex), 0, 'test')).toThrow(expect.objectContaining({ code: `test/${code}` }))
  })
})
