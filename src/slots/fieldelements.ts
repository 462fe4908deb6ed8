// Elements of the BN254 scalar field as they are stored: 32 little-endian bytes each, below the field's order. It computes nothing.

import { describeValue } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import { FIELD_ORDER } from '../protocol/cid.ts'

/** Bytes of one element: LE32 in the data reference. */
export const ELEMENT_BYTES = 32

const WORDS = 4
const ORDER_WORDS = Array.from({ length: WORDS }, (_, word) => BigInt.asUintN(64, FIELD_ORDER >> BigInt(64 * word)))
/** Most elements are below the order by their highest byte alone. */
const HIGHEST_BYTE = Number(FIELD_ORDER >> 248n)

/** @throws CodexError `slots/not-an-element` where it is no bigint from 0 to the field's order, exclusive */
export function checkElement(element: bigint, what: string): void {
  if (typeof element === 'bigint' && element >= 0n && element < FIELD_ORDER) return
  throw new CodexError(
    'slots/not-an-element',
    `expected ${what} as a bigint from 0 to the order of the field, exclusive, found ${describeValue(element)}`,
    { detail: { what } },
  )
}

/**
 * The one door for element lists from outside.
 * @returns how many elements there are
 * @throws CodexError `slots/not-elements` (not whole elements), `slots/not-an-element` with the `index`
 */
export function checkElements(bytes: Uint8Array, what: string): number {
  if (bytes.length % ELEMENT_BYTES !== 0)
    throw new CodexError(
      'slots/not-elements',
      `expected ${what} of ${ELEMENT_BYTES} bytes each, found ${bytes.length} bytes`,
      { detail: { what, foundBytes: bytes.length } },
    )
  const count = bytes.length / ELEMENT_BYTES
  for (let index = 0; index < count; index++)
    if (!isElement(bytes, ELEMENT_BYTES * index))
      throw new CodexError(
        'slots/not-an-element',
        `expected ${what} below the order of the field, found a larger one at index ${index}`,
        { detail: { what, index } },
      )
  return count
}

function isElement(bytes: Uint8Array, at: number): boolean {
  if ((bytes[at + ELEMENT_BYTES - 1] ?? 0) < HIGHEST_BYTE) return true
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let word = WORDS - 1; word >= 0; word--) {
    const limit = ORDER_WORDS[word] as bigint
    const found = view.getBigUint64(at + 8 * word, true)
    if (found !== limit) return found < limit
  }
  return false
}

/** Reads the element at `at` of bytes that were checked. */
export function readElement(from: Uint8Array, at = 0): bigint {
  const view = new DataView(from.buffer, from.byteOffset, from.byteLength)
  let element = 0n
  for (let word = WORDS - 1; word >= 0; word--) element = (element << 64n) | view.getBigUint64(at + 8 * word, true)
  return element
}

/** Writes an element that was checked at `at`. */
export function writeElement(element: bigint, to: Uint8Array, at = 0): void {
  const view = new DataView(to.buffer, to.byteOffset, to.byteLength)
  for (let word = 0; word < WORDS; word++)
    view.setBigUint64(at + 8 * word, BigInt.asUintN(64, element >> BigInt(64 * word)), true)
}

/** Elements that were checked, one after the other. */
export function packElements(elements: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(ELEMENT_BYTES * elements.length)
  elements.forEach((element, i) => writeElement(element, bytes, ELEMENT_BYTES * i))
  return bytes
}

/** All elements of bytes that were checked. */
export function unpackElements(bytes: Uint8Array): bigint[] {
  return Array.from({ length: bytes.length / ELEMENT_BYTES }, (_, i) => readElement(bytes, ELEMENT_BYTES * i))
}
