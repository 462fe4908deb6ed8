// Byte strings: telling them, hex, comparison, joining. Nothing here knows a format.

import { describeValue } from './describevalue.ts'
import { CodexError } from './errors.ts'

/** Asks a typed array for its true type, which no property of the same name can fake. Of anything else: undefined. */
const TYPE_OF_ARRAY = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)

/** Whether `value` is a `Uint8Array`, of this realm or another (a frame, a `vm` context), a Node `Buffer` included. */
export function isBytes(value: unknown): value is Uint8Array {
  return TYPE_OF_ARRAY?.get?.call(value) === 'Uint8Array'
}

/**
 * The door for bytes from outside: the same memory, always as a plain `Uint8Array` of this realm. Libraries beneath ask `instanceof`, and
 * `slice` of a `Buffer` shares memory where all others copy.
 * @param code of the error
 * @param what the bytes are, for its message
 * @throws CodexError of that code
 */
export function checkedBytes(value: unknown, code: string, what: string): Uint8Array {
  if (!isBytes(value)) throw new CodexError(code, `expected ${what} as a Uint8Array, found ${describeValue(value)}`)
  if (Object.getPrototypeOf(value) === Uint8Array.prototype) return value
  // A view of detached memory is empty, and none can be made anew.
  if (value.byteLength === 0) return new Uint8Array(0)
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
}

const HEX = Uint16Array.from({ length: 256 }, (_, byte) => digit(byte >> 4) | (digit(byte & 15) << 8))
const ASCII = new TextDecoder('latin1')

function digit(value: number): number {
  return value.toString(16).charCodeAt(0)
}

/** Lower-case hex without a prefix. */
export function toHex(bytes: Uint8Array): string {
  // In one piece: a string that is put together of pairs keeps all of them, thirty times its size, and millions of ids are kept.
  const text = new Uint8Array(2 * bytes.length)
  for (let i = 0; i < bytes.length; i++) {
    const pair = HEX[bytes[i] ?? 0] ?? 0
    text[2 * i] = pair
    text[2 * i + 1] = pair >> 8
  }
  return ASCII.decode(text)
}

/** Reads hex of either case, with or without `0x`. @throws CodexError `bytes/not-hex` */
export function fromHex(text: string): Uint8Array {
  const digits = text.startsWith('0x') ? text.slice(2) : text
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits))
    throw new CodexError(
      'bytes/not-hex',
      `expected an even number of hex digits, found ${JSON.stringify(text.slice(0, 80))}`,
    )
  const bytes = new Uint8Array(digits.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16)
  return bytes
}

/** Lexicographic order of unsigned bytes: negative, zero or positive, as `Array.sort` wants it. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0
}

/** A new array holding all `parts`, one after the other. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

const UTF8_ENCODER = new TextEncoder()

/** UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array {
  return UTF8_ENCODER.encode(text)
}
