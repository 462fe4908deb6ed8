// Compares byte strings fast: vitest's own deep equality takes a second for a megabyte.

import { expect } from 'vitest'
import { compareBytes } from '../../src/lib/bytes.ts'

/** `undefined` equals only itself. */
export function expectBytes(found: Uint8Array | undefined, expected: Uint8Array | undefined): void {
  if (found === undefined || expected === undefined) return expect(found).toBe(expected)
  if (compareBytes(found, expected) === 0) return
  const at = expected.findIndex((byte, i) => found[i] !== byte)
  const describe = (bytes: Uint8Array, index: number): string =>
    `${bytes.length} bytes, byte ${index} = ${bytes[index]}`
  expect(describe(found, at), 'the bytes differ').toBe(describe(expected, at))
  expect.fail(`${found.length} bytes found, ${expected.length} expected`)
}

export function expectAllBytes(
  found: readonly (Uint8Array | undefined)[],
  expected: readonly (Uint8Array | undefined)[],
): void {
  expect(found.length).toBe(expected.length)
  found.forEach((bytes, i) => expectBytes(bytes, expected[i]))
}
