import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { CodexError } from '../../src/lib/errors.ts'
import { MAX_PLAIN_BYTES, MAX_PLAIN_TEXT, MAX_PLAIN_VALUES, plainFields, plainValue } from '../../src/lib/plainvalue.ts'

const SECRET = '0x4f3edf983ac636a65a842ce7c78d9aa706d3b113bce9c46f30d7d21715b23b1d'

class Named {
  readonly #name: string
  constructor(name: string) {
    this.#name = name
  }
  toString(): string {
    return this.#name
  }
}

describe('plainValue', () => {
  it('keeps plain data and turns the rest into it', () => {
    const at = new Date(1_700_000_000_000)
    expect(
      plainValue({
        text: 'a',
        number: 1.5,
        nothing: null,
        missing: undefined,
        big: 2n ** 70n,
        nan: Number.NaN,
        bytes: Uint8Array.of(1, 255),
        words: new Uint16Array(4),
        buffer: new ArrayBuffer(3),
        set: new Set([1, undefined]),
        map: new Map<unknown, unknown>([['a', 1n]]),
        named: new Named('zDv…'),
        url: new URL('https://me:pw@host/'),
        at,
        act: () => {},
        symbol: Symbol('s'),
        bare: Object.assign(Object.create(null) as object, { a: 1 }),
      }),
    ).toEqual({
      text: 'a',
      number: 1.5,
      nothing: null,
      big: '1180591620717411303424',
      nan: 'NaN',
      bytes: '0x01ff',
      words: '[8 bytes]',
      buffer: '[3 bytes]',
      set: [1, null],
      map: { a: '1' },
      named: 'zDv…',
      url: 'https://[redacted]@host/',
      at: '2023-11-14T22:13:20.000Z',
      act: '[function]',
      symbol: '[symbol]',
      bare: { a: 1 },
    })
    expect(plainValue(undefined)).toBeNull()
  })

  it('hides secrets by name at any depth, in lists, maps and error details', () => {
    const shown = plainValue({
      a: [{ wallet: { privateKey: SECRET, keys: [SECRET] } }],
      map: new Map([['token', 'abc']]),
      error: new CodexError('wallet/locked', 'locked', {
        detail: { password: 'hunter2', tries: 3 },
        cause: new CodexError('x/y', `private key ${SECRET}`, { detail: { mnemonic: 'test test' } }),
      }),
      secret: 12345678901234567890n,
      password: 1234,
    })
    const text = JSON.stringify(shown)
    for (const leak of [SECRET.slice(2), 'abc', 'hunter2', 'test test', '1234']) expect(text).not.toContain(leak)
    expect(shown).toMatchObject({
      a: [{ wallet: { privateKey: '[redacted]', keys: '[redacted]' } }],
      map: { token: '[redacted]' },
    })
  })

  it('says whether there is a secret, and shows what merely sounds like one unless it looks like a key', () => {
    const value = {
      password: '',
      token: null,
      key: true,
      publicKey: '0x02ab',
      keyId: SECRET,
      keyName: { deep: SECRET },
    }
    expect(plainValue(value)).toEqual({
      password: '',
      token: null,
      key: true,
      publicKey: '0x02ab',
      keyId: '[redacted]',
      keyName: { deep: '[redacted]' },
    })
    const bytes = new Uint8Array(32).fill(7)
    expect(plainValue({ keyId: bytes, hash: bytes })).toEqual({ keyId: '[redacted]', hash: `0x${'07'.repeat(32)}` })
    expect(plainValue({ requestId: SECRET })).toEqual({ requestId: SECRET })
  })

  it('tells an error by code, message, detail and causes', () => {
    const cause = new TypeError('beneath')
    const error = new CodexError('store/quota-exceeded', 'too much', { detail: { wantedBytes: 5n }, cause })
    expect(plainValue(error)).toEqual({
      code: 'store/quota-exceeded',
      message: 'too much',
      detail: { wantedBytes: '5' },
      cause: { name: 'TypeError', message: 'beneath', stack: expect.stringContaining('beneath') as unknown },
    })
    expect(plainValue(new CodexError('a/b', 'bare'))).toEqual({ code: 'a/b', message: 'bare' })
    const system = Object.assign(new Error('no space'), { code: 'ENOSPC' })
    expect(plainValue(new AggregateError([system], 'all failed'))).toMatchObject({
      name: 'AggregateError',
      message: 'all failed',
      errors: [{ name: 'Error', code: 'ENOSPC', message: 'no space' }],
    })
  })

  it('follows no circle, no endless cause, and not too deep', () => {
    const circle: Record<string, unknown> = { a: 1 }
    circle['self'] = circle
    expect(plainValue(circle)).toEqual({ a: 1, self: '[circular]' })
    const shared = { b: 2 }
    expect(plainValue([shared, shared])).toEqual([shared, shared])
    const error = new CodexError('a/b', 'loop')
    Object.defineProperty(error, 'cause', { value: error })
    expect(plainValue(error)).toMatchObject({ cause: '[circular]' })
    let deep: unknown = 'bottom'
    for (let i = 0; i < 100; i++) deep = { deep }
    expect(JSON.stringify(plainValue(deep))).toMatch(/^(\{"deep":){8}"\[deep\]"\}{8}$/)
  })

  it('survives what cannot be read', () => {
    const broken = {
      get bad(): string {
        throw new Error('getter')
      },
      good: 1,
      text: {
        toString() {
          throw new Error('toString')
        },
      },
      proxy: new Proxy(
        {},
        {
          ownKeys() {
            throw new Error('trap')
          },
        },
      ),
    }
    expect(plainValue(broken)).toEqual({ bad: '[unreadable]', good: 1, text: '[unreadable]', proxy: '[unreadable]' })
  })

  it('is bounded in length and number', () => {
    expect(plainValue('x'.repeat(10_000))).toBe(`${'x'.repeat(MAX_PLAIN_TEXT)}[10000 characters]`)
    expect(plainValue(new Uint8Array(65_536))).toBe(`0x${'00'.repeat(MAX_PLAIN_BYTES)}[65536 bytes]`)
    const wide = Array.from({ length: 100 }, () => Array.from({ length: 100 }, () => 1))
    expect(JSON.stringify(plainValue(wide)).length).toBeLessThan(10 * MAX_PLAIN_VALUES)
    expect(JSON.stringify(plainValue(wide))).toContain('[more]')
    const many = plainFields(Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`f${i}`, i])))
    expect(Object.keys(many)).toHaveLength(MAX_PLAIN_VALUES + 1)
    expect(many['[more]']).toBe(5000 - MAX_PLAIN_VALUES)
  })

  it('takes a name like __proto__ as any other', () => {
    const shown = plainFields(JSON.parse('{"__proto__":{"polluted":1}}') as Record<string, unknown>)
    expect(Object.keys(shown)).toEqual(['__proto__'])
    expect(JSON.stringify(shown)).toBe('{"__proto__":{"polluted":1}}')
  })

  it('turns anything into what JSON gives back unchanged', () => {
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSet: true,
          withTypedArray: true,
          withNullPrototype: true,
          withSparseArray: true,
        }),
        (value) => {
          const plain = plainValue(value)
          expect(JSON.parse(JSON.stringify(plain))).toEqual(JSON.parse(JSON.stringify(structuredClone(plain))))
          expect(JSON.stringify(plain)).not.toBeUndefined()
        },
      ),
    )
  })
})
