// What a caller may pass where something else belongs, and what must come of it: a value or a polite CodexError. For every entry of the package.

import { expect } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import { Cid } from '../../src/protocol/cid.ts'
import { merkleTree, treeCid } from '../../src/protocol/merkletree.ts'

/** More than one error message ever needs, whatever was passed. */
const MAX_MESSAGE_CHARS = 400

const tree = merkleTree([1, 2, 3].map((byte) => new Uint8Array(32).fill(byte)))
const cid = treeCid(tree.root)

/** Runs `call`: a value comes out, or a CodexError that can be shown, sent and asked for its code. */
export function refusesPolitely(name: string, call: () => unknown): void {
  try {
    call()
  } catch (error) {
    if (!CodexError.is(error)) throw new Error(`${name} threw something else`, { cause: error })
    expect(error.code).toMatch(/^[a-z]+\/[a-z0-9-]+$/)
    expect(error.message.length).toBeLessThan(MAX_MESSAGE_CHARS)
    expect(error.message).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    expect(structuredClone(error.detail)).toEqual(error.detail)
  }
}

/** Values that belong nowhere, by what they are. */
export const HOSTILE: readonly (readonly [string, unknown])[] = [
  ['undefined', undefined],
  ['null', null],
  ['NaN', Number.NaN],
  ['Infinity', Infinity],
  ['-0', -0],
  ['-1', -1],
  ['1.5', 1.5],
  ['2^53', 2 ** 53],
  ['the largest safe number', Number.MAX_SAFE_INTEGER],
  ['1n', 1n],
  ['a huge bigint', 1n << 4096n],
  ['no text', ''],
  ['text', 'x'],
  ['long text', 'z'.repeat(100_000)],
  ['text with controls', '\u0000\n\u202e\ud800'],
  ['a name every array has', 'length'],
  ['true', true],
  ['false', false],
  ['an empty list', []],
  ['a list of undefined', [undefined]],
  ['sparse lists', new Array(2)],
  ['a list of symbols', [Symbol('a')]],
  ['an empty object', {}],
  ['an object without prototype', Object.create(null)],
  ['an ArrayBuffer', new ArrayBuffer(32)],
  ['a DataView', new DataView(new ArrayBuffer(32))],
  ['a DataView that calls itself bytes', Object.assign(new DataView(new ArrayBuffer(32)), { length: 32 })],
  ['other numbers', new Uint16Array(32)],
  ['clamped bytes', new Uint8ClampedArray(32)],
  ['no bytes', new Uint8Array(0)],
  ['31 bytes', new Uint8Array(31)],
  ['32 bytes', new Uint8Array(32)],
  ['something like bytes', { length: 32, byteLength: 32, [Symbol.toStringTag]: 'Uint8Array' }],
  ['a function', () => 1],
  ['a class', CodexError],
  ['a symbol', Symbol('x')],
  ['a symbol every array answers to', Symbol.iterator],
  ['a map', new Map()],
  ['a promise', Promise.resolve()],
  ['something like a CID', { kind: 'tree' }],
  ['something more like a CID', { kind: 'tree', bytes: 'x' }],
  ['something just like a CID', { kind: 'tree', codec: 0xcd03, hashCode: 0x12, bytes: cid.bytes, digest: cid.digest }],
  ['a CID by prototype alone', Object.create(Cid.prototype)],
  ['a tree by prototype alone', Object.create(Object.getPrototypeOf(tree) as object)],
  ['a CID', cid],
  ['a manifest without its parts', { kind: 'verifiable', layout: 'marketplace' }],
]

/** The value with one of its parts, however deep, replaced or gone. */
function* damaged(value: unknown): Generator<unknown, void> {
  if (typeof value !== 'object' || value === null) return
  const isPlain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
  if (!isPlain) return
  for (const [name, part] of Object.entries(value)) {
    const copy = (): Record<string, unknown> =>
      (Array.isArray(value) ? [...(value as unknown[])] : { ...value }) as never
    const without = copy()
    delete without[name]
    yield without
    for (const [, hostile] of HOSTILE) yield Object.assign(copy(), { [name]: hostile })
    for (const worse of damaged(part)) yield Object.assign(copy(), { [name]: worse })
  }
}

/** Calls with too few arguments, and with each of them, or a part of it, replaced by something hostile. */
export function* hostileCalls(right: readonly unknown[]): Generator<readonly unknown[], void> {
  for (let count = 0; count < right.length; count++) yield right.slice(0, count)
  for (const [place, argument] of right.entries()) {
    for (const [, hostile] of HOSTILE) yield right.with(place, hostile)
    for (const worse of damaged(argument)) yield right.with(place, worse)
  }
  for (const [, hostile] of HOSTILE) yield right.map(() => hostile)
}
