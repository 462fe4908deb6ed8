// A circuit's polynomials at the secret point of a setup: the scalars behind every point of a proving key, and its list of terms. It knows
// no points.

import { assert } from '../lib/errors.ts'
import { inverse, MONTGOMERY_FACTOR, SCALAR_ORDER, viewOf, writeNumber } from './bn254.ts'
import { lagrangeBasis } from './lagrangebasis.ts'
import { eachTerm, type R1cs } from './r1cs.ts'
import type { SetupSecrets } from './setupsecrets.ts'
import { TERM_BYTES } from './zkey.ts'

export interface CircuitAtTau {
  /** By wire. */
  readonly a: readonly bigint[]
  readonly b: readonly bigint[]
  /** By wire: beta a + alpha b + c, over gamma for the constant and public wires, over delta for the others. */
  readonly rest: readonly bigint[]
  /** By element of the domain. */
  readonly h: readonly bigint[]
  /** The `coefficients` section of the proving key. */
  readonly terms: Uint8Array
}

/** Terms come in Montgomery form twice over, so that multiplying with plain witness values leaves it once. */
const TERM_FACTOR = MONTGOMERY_FACTOR ** 2n % SCALAR_ORDER
const MATRIX_A = 0

/** @param domainPower 2^domainPower rows hold all constraints and one more for each of the constant and public wires */
export function circuitAtTau(r1cs: R1cs, domainPower: number, secrets: SetupSecrets): CircuitAtTau {
  const { tau, delta } = secrets
  const publicCount = r1cs.publicOutputCount + r1cs.publicInputCount
  const basis = lagrangeBasis(domainPower, tau, { start: 0, step: 1, count: 2 ** domainPower })
  const zeros = (): bigint[] => new Array<bigint>(r1cs.wireCount).fill(0n)
  const matrices = [zeros(), zeros(), zeros()] as const
  const terms = new TermList(countTerms(r1cs) + publicCount + 1)
  const add = (row: number, matrix: 0 | 1 | 2, wire: number, coefficient: bigint): void => {
    const polynomials = matrices[matrix]
    polynomials[wire] = ((polynomials[wire] ?? 0n) + coefficient * (basis[row] ?? 0n)) % SCALAR_ORDER
    if (matrix !== 2) terms.add(matrix, row, wire, coefficient)
  }
  eachTerm(r1cs, add)
  // A row of its own for each of these wires, else someone could shift a proof's public signals.
  for (let wire = 0; wire <= publicCount; wire++) add(r1cs.constraintCount + wire, MATRIX_A, wire, 1n)
  const [a, b, c] = matrices
  const overDelta = inverse(delta, SCALAR_ORDER)
  return {
    a,
    b,
    rest: combine([a, b, c], publicCount, secrets),
    h: lagrangeBasis(domainPower + 1, tau, { start: 1, step: 2, count: 2 ** domainPower }).map(
      (value) => (value * overDelta) % SCALAR_ORDER,
    ),
    terms: terms.bytes,
  }
}

function combine(
  [a, b, c]: readonly [readonly bigint[], readonly bigint[], readonly bigint[]],
  publicCount: number,
  { alpha, beta, gamma, delta }: SetupSecrets,
): bigint[] {
  const [overGamma, overDelta] = [inverse(gamma, SCALAR_ORDER), inverse(delta, SCALAR_ORDER)]
  return a.map((value, wire) => {
    const sum = (beta * value + alpha * (b[wire] ?? 0n) + (c[wire] ?? 0n)) % SCALAR_ORDER
    return (sum * (wire <= publicCount ? overGamma : overDelta)) % SCALAR_ORDER
  })
}

function countTerms(r1cs: R1cs): number {
  let count = 0
  eachTerm(r1cs, (_constraint, matrix) => {
    if (matrix !== 2) count++
  })
  return count
}

class TermList {
  readonly bytes: Uint8Array
  readonly #view: DataView
  #at = 4

  constructor(count: number) {
    this.bytes = new Uint8Array(4 + TERM_BYTES * count)
    this.#view = viewOf(this.bytes)
    this.#view.setUint32(0, count, true)
  }

  add(matrix: 0 | 1, row: number, wire: number, coefficient: bigint): void {
    assert(this.#at < this.bytes.length, 'terms were counted rightly')
    this.#view.setUint32(this.#at, matrix, true)
    this.#view.setUint32(this.#at + 4, row, true)
    this.#view.setUint32(this.#at + 8, wire, true)
    writeNumber(this.#view, this.#at + 12, (coefficient * TERM_FACTOR) % SCALAR_ORDER)
    this.#at += TERM_BYTES
  }
}
