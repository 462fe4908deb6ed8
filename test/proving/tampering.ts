// Witnesses as a cheat would make them: for tests of whether a circuit's constraints, not its witness module, refuse them.

import { ELEMENT_BYTES, readNumber, SCALAR_ORDER, viewOf, writeNumber } from '../../src/proving/bn254.ts'
import { eachTerm, type R1cs } from '../../src/proving/r1cs.ts'

export interface Term {
  readonly wire: number
  readonly coefficient: bigint
}

/** The three sums of a constraint. */
export type Sums = readonly [Term[], Term[], Term[]]

/** A circuit's constraints, written out, to ask them one by one. */
export class Constraints {
  readonly all: readonly Sums[]
  /** By wire, the constraints it is in. */
  readonly of: readonly ReadonlySet<number>[]

  constructor(r1cs: R1cs) {
    const all = Array.from({ length: r1cs.constraintCount }, (): Sums => [[], [], []])
    const of = Array.from({ length: r1cs.wireCount }, () => new Set<number>())
    eachTerm(r1cs, (constraint, matrix, wire, coefficient) => {
      all[constraint]?.[matrix].push({ wire, coefficient })
      of[wire]?.add(constraint)
    })
    this.all = all
    this.of = of
  }

  /** Whether one constraint holds. */
  holds(constraint: number, values: readonly bigint[]): boolean {
    const [a, b, c] = (this.all[constraint] ?? [[], [], []]).map((terms) => sum(terms, values))
    return ((a ?? 0n) * (b ?? 0n) - (c ?? 0n)) % SCALAR_ORDER === 0n
  }

  /** Whether every constraint that `wire` is in still holds once its value is another. Changes `values` meanwhile. */
  lets(wire: number, other: bigint, values: bigint[]): boolean {
    const honest = values[wire] ?? 0n
    values[wire] = other
    const holds = [...(this.of[wire] ?? [])].every((constraint) => this.holds(constraint, values))
    values[wire] = honest
    return holds
  }

  /**
   * What the constraints alone say of the wires that are not `known`: each that can be solved for, one after the other.
   * @returns undefined where they leave one open
   */
  solve(known: ReadonlyMap<number, bigint>): bigint[] | undefined {
    const values: (bigint | undefined)[] = this.of.map((_, wire) => known.get(wire))
    const isOpen = ({ wire }: Term): boolean => values[wire] === undefined
    const left = new Set(this.all.keys())
    for (let solved = 1; solved > 0;) {
      solved = 0
      for (const constraint of left) {
        const [a, b, c] = this.all[constraint] ?? [[], [], []]
        const open = c.filter(isOpen)
        if (a.some(isOpen) || b.some(isOpen) || open.length > 1) continue
        left.delete(constraint)
        const [wanted] = open
        if (wanted === undefined) continue
        const found = values.map((value) => value ?? 0n)
        const rest = sum(a, found) * sum(b, found) - sum(c, found)
        values[wanted.wire] = modulo(rest * inverseOf(wanted.coefficient))
        solved++
      }
    }
    return values.every((value) => value !== undefined) ? values : undefined
  }

  /** The first that does not hold. */
  broken(values: readonly bigint[]): number | undefined {
    return this.all.findIndex((_, constraint) => !this.holds(constraint, values)) + 1 || undefined
  }
}

export function valuesOf(witness: Uint8Array): bigint[] {
  const view = viewOf(witness)
  return Array.from({ length: witness.length / ELEMENT_BYTES }, (_, i) => readNumber(view, ELEMENT_BYTES * i))
}

export function witnessOf(values: readonly bigint[]): Uint8Array {
  const witness = new Uint8Array(ELEMENT_BYTES * values.length)
  values.forEach((value, i) => writeNumber(viewOf(witness), ELEMENT_BYTES * i, value))
  return witness
}

function sum(terms: readonly Term[], values: readonly bigint[]): bigint {
  return terms.reduce((total, { wire, coefficient }) => total + coefficient * (values[wire] ?? 0n), 0n)
}

function modulo(value: bigint): bigint {
  return ((value % SCALAR_ORDER) + SCALAR_ORDER) % SCALAR_ORDER
}

/** By Euclid's algorithm, so not as the sources do it. */
function inverseOf(element: bigint): bigint {
  let [r, next, s, t] = [SCALAR_ORDER, element, 0n, 1n]
  while (next !== 0n) {
    const quotient = r / next
    ;[r, next] = [next, r - quotient * next]
    ;[s, t] = [t, s - quotient * t]
  }
  return modulo(s)
}
