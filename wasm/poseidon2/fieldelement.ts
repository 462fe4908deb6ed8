// Elements of the BN254 scalar field as 32 little-endian bytes. It converts and checks the range; it computes nothing.

import { CodexError } from '../../src/lib/errors.ts'

/** The field's order: 2^253 < it < 2^254. */
export const FIELD_ORDER = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001n
export const ELEMENT_BYTES = 32

const WORD_BITS = 64n
const WORDS = 4

/** @throws CodexError `poseidon2/not-an-element` where it is negative or not below {@link FIELD_ORDER} */
export function checkElement(element: bigint): void {
  if (element >= 0n && element < FIELD_ORDER) return
  throw new CodexError(
    'poseidon2/not-an-element',
    `expected a number from 0 to the order of the field, exclusive, found ${element}`,
    { detail: { element } },
  )
}

/** Writes 32 bytes at `at`. @throws CodexError `poseidon2/not-an-element` */
export function writeElement(element: bigint, to: Uint8Array, at = 0): void {
  checkElement(element)
  const view = new DataView(to.buffer, to.byteOffset, to.byteLength)
  for (let word = 0; word < WORDS; word++)
    view.setBigUint64(at + 8 * word, BigInt.asUintN(64, element >> (WORD_BITS * BigInt(word))), true)
}

/** Reads 32 bytes at `at`. @throws CodexError `poseidon2/not-an-element` where they are not below {@link FIELD_ORDER} */
export function readElement(from: Uint8Array, at = 0): bigint {
  const view = new DataView(from.buffer, from.byteOffset, from.byteLength)
  let element = 0n
  for (let word = WORDS - 1; word >= 0; word--)
    element = (element << WORD_BITS) | view.getBigUint64(at + 8 * word, true)
  checkElement(element)
  return element
}
