// Whether a witness satisfies a circuit, by the constraints themselves. It trusts no witness module and proves nothing.

import { assert } from '../lib/errors.ts'
import { ELEMENT_BYTES, readNumber, SCALAR_ORDER, viewOf } from './bn254.ts'
import { eachTerm, type R1cs } from './r1cs.ts'

/**
 * The first constraint that does not hold, or undefined when all do. Slow: for tests and diagnosis, not for every proof.
 * @param witness one element of 32 little-endian bytes per wire
 */
export function brokenConstraint(r1cs: R1cs, witness: Uint8Array): number | undefined {
  assert(witness.length === ELEMENT_BYTES * r1cs.wireCount, 'a witness has one element per wire')
  const view = viewOf(witness)
  const values = Array.from({ length: r1cs.wireCount }, (_, wire) => readNumber(view, ELEMENT_BYTES * wire))
  // The constant one is what binds constants; a witness that changes it satisfies whatever it likes.
  if (values[0] !== 1n) return 0
  const zeros = (): bigint[] => new Array<bigint>(r1cs.constraintCount).fill(0n)
  const sums = [zeros(), zeros(), zeros()] as const
  eachTerm(r1cs, (constraint, matrix, wire, coefficient) => {
    sums[matrix][constraint] = (sums[matrix][constraint] ?? 0n) + coefficient * (values[wire] ?? 0n)
  })
  const [a, b, c] = sums
  for (let constraint = 0; constraint < r1cs.constraintCount; constraint++) {
    const product = (a[constraint] ?? 0n) * (b[constraint] ?? 0n)
    if ((product - (c[constraint] ?? 0n)) % SCALAR_ORDER !== 0n) return constraint
  }
  return undefined
}
