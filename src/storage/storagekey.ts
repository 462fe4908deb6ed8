// Building keys for a Datastore so that their byte order is the order meant. It knows no record; owners choose the words.

import { assert } from '../lib/errors.ts'
import { concatBytes, utf8 } from '../lib/bytes.ts'
import { MAX_KEY_BYTES } from './datastore.ts'
import type { Key } from './datastore.ts'

/** Bytes that {@link indexKey} takes. */
export const INDEX_KEY_BYTES = 8

/** UTF-8 of a path such as `meta/quota`; texts sort by code point. */
export function textKey(text: string): Key {
  return utf8(text)
}

/** All parts one after the other, texts as UTF-8. Nothing is put between them: end a text with `/` where it must not run on. */
export function joinKey(...parts: readonly (Uint8Array | string)[]): Key {
  return concatBytes(...parts.map((part) => (typeof part === 'string' ? utf8(part) : part)))
}

/** A safe whole number as 8 bytes, big-endian, so that byte order is numeric order. */
export function indexKey(index: number): Key {
  assert(Number.isSafeInteger(index) && index >= 0, `an index is a whole number from 0 to 2^53 - 1, found ${index}`)
  const key = new Uint8Array(INDEX_KEY_BYTES)
  new DataView(key.buffer).setBigUint64(0, BigInt(index))
  return key
}

/** The first key behind every key that begins with `prefix`; undefined when there is none (no byte below 0xff in it). */
export function upperBound(prefix: Uint8Array): Key | undefined {
  let end = prefix.length
  while (end > 0 && prefix[end - 1] === 0xff) end--
  if (end === 0) return undefined
  const bound = prefix.slice(0, end)
  bound[end - 1] = (bound[end - 1] as number) + 1
  return bound
}

/** States what every verb relies on: a key of 1 to `maxBytes` bytes. */
export function assertKey(key: Key, maxBytes = MAX_KEY_BYTES): void {
  assert(key.length >= 1 && key.length <= maxBytes, `a key has 1 to ${maxBytes} bytes, found ${key.length}`)
}
