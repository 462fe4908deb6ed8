// Logarithms of the error locator of data reference §5.6: by what received symbols are multiplied, missing ones divided.
// Numbers only; it touches no block.

import { assert } from '../../src/lib/errors.ts'
import type { LeopardTables } from './leopardtables.ts'

/**
 * At each position p the sum of log(p xor m) over all `missing` positions m other than p, from 0 to the modulus - 1.
 * `positions` is a power of two. The sum is a convolution over XOR. Positions and their XORs stay below `positions`, so that
 * a Walsh transform of that length does, of which the reference takes one over the whole field; what the shorter one leaves
 * too large is a power of two, whose inverse is one as well: the modulus is one less than a power of two.
 */
export function errorLocator(tables: LeopardTables, positions: number, missing: Iterable<number>): Uint16Array {
  const { modulus, log, bits } = tables
  const errors = new Int32Array(positions)
  for (const position of missing) errors[position] = 1
  const logs = Int32Array.from(log.subarray(0, positions))
  logs[0] = 0
  walshTransform(errors, modulus)
  walshTransform(logs, modulus)
  const excess = Math.log2(positions)
  assert(Number.isInteger(excess), 'positions are a power of two')
  const correction = 2 ** (bits - excess)
  for (let p = 0; p < positions; p++) {
    const product = ((errors[p] as number) * (logs[p] as number)) % modulus // Below 2^32: exact as a double.
    errors[p] = (product * correction) % modulus
  }
  walshTransform(errors, modulus)
  return Uint16Array.from(errors)
}

function walshTransform(values: Int32Array, modulus: number): void {
  for (let half = 1; half < values.length; half *= 2)
    for (let start = 0; start < values.length; start += 2 * half)
      for (let i = start; i < start + half; i++) {
        const a = values[i] as number
        const b = values[i + half] as number
        const sum = a + b
        const difference = a - b
        values[i] = sum >= modulus ? sum - modulus : sum
        values[i + half] = difference < 0 ? difference + modulus : difference
      }
}
