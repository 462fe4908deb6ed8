import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeValue, MAX_DESCRIBED_CHARS } from '../../src/lib/describevalue.ts'

describe('describeValue', () => {
  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['1.5', 1.5],
    ['-7n', -7n],
    ['0n', 0n],
    ['a bigint of more than 256 bits', 1n << 300n],
    ['"a \\"b\\""', 'a "b"'],
    [`"${'x'.repeat(78)}"`, 'x'.repeat(78)],
    [`"${'x'.repeat(77)}…"`, 'x'.repeat(81)],
    ['"\\u{202e}"', '\u202e'],
    ['a symbol', Symbol('s')],
    ['a function', () => 1],
    ['an array', [Symbol('s')]],
    ['an object', Object.create(null)],
    ['an object of type ArrayBuffer', new ArrayBuffer(1)],
    ['an object of type a\\u{a}b', { [Symbol.toStringTag]: 'a\nb' }],
  ])('finds %s', (expected, value) => {
    expect(describeValue(value)).toBe(expected)
  })

  it('keeps to one bounded line, and never throws', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    expect(describeValue(proxy)).toBe('an unreadable object')
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.string({ unit: 'binary', maxLength: 200 })), (value) => {
        const text = describeValue(value)
        expect(text.length).toBeLessThanOrEqual(MAX_DESCRIBED_CHARS)
        expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u)
      }),
    )
  })
})
