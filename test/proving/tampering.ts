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
    const found = this.#propagate(new Map(known))
    const values = this.of.map((_, wire) => found.get(wire))
    return values.every((value) => value !== undefined) ? values : undefined
  }

  /**
   * Every witness that satisfies the constraints beside what is `known`, wires that are open found by trying what a bit can be. Complete
   * where each such wire has a constraint that lets it be nothing else, which is asserted.
   */
  solutions(known: ReadonlyMap<number, bigint>): bigint[][] {
    const found = new Map(known)
    const bit = this.#openBit(this.#propagate(found))
    if (bit === undefined) {
      const values = this.of.map((_, wire) => found.get(wire))
      if (!values.every((value) => value !== undefined))
        throw new Error(
          'a wire is neither a bit nor determined' +
            JSON.stringify([
              [...known.keys()],
              values
                .flatMap((v, w) =>
                  v === undefined
                    ? [
                        [
                          w,
                          [...(this.of[w] ?? [])].slice(0, 3).map((c) =>
                            this.all[c]
                              ?.map((t) =>
                                t
                                  .slice(0, 5)
                                  .map((x) => x.wire + ':' + String(x.coefficient).slice(0, 4))
                                  .join('+'),
                              )
                              .join(' | '),
                          ),
                        ],
                      ]
                    : [],
                )
                .slice(0, 8),
            ]),
        )
      return this.broken(values) === undefined ? [values] : []
    }
    return [0n, 1n].flatMap((value) => this.solutions(new Map([...found, [bit, value]])))
  }

  /** An open wire that some constraint lets be zero and one, and nothing else: a square of it is in no other. */
  #openBit(found: ReadonlyMap<number, bigint>): number | undefined {
    const values = this.of.map((_, wire) => found.get(wire) ?? 0n)
    for (const [constraint, [a, b, c]] of this.all.entries()) {
      const open = new Set([...a, ...b, ...c].map(({ wire }) => wire).filter((wire) => !found.has(wire)))
      const [wire] = open
      if (open.size !== 1 || wire === undefined) continue
      const fits = [0n, 1n, 2n].map((value) => this.holds(constraint, values.with(wire, value)))
      if (fits[0] && fits[1] && !fits[2]) return wire
    }
    return undefined
  }

  /** Adds to `found` what follows from it. */
  #propagate(found: Map<number, bigint>): Map<number, bigint> {
    const isOpen = ({ wire }: Term): boolean => !found.has(wire)
    const left = new Set(this.all.keys())
    for (let before = -1; before < found.size;) {
      before = found.size
      for (const constraint of left) {
        const [a, b, c] = this.all[constraint] ?? [[], [], []]
        const open = c.filter(isOpen)
        if (a.some(isOpen) || b.some(isOpen) || open.length > 1) continue
        left.delete(constraint)
        const [wanted] = open
        if (wanted === undefined) continue
        const rest = sum(a, found) * sum(b, found) - sum(c, found)
        found.set(wanted.wire, modulo(rest * inverseOf(wanted.coefficient)))
      }
    }
    return found
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

function sum(terms: readonly Term[], values: readonly bigint[] | ReadonlyMap<number, bigint>): bigint {
  const valueOf = (wire: number): bigint => ('get' in values ? values.get(wire) : values[wire]) ?? 0n
  return terms.reduce((total, { wire, coefficient }) => total + coefficient * valueOf(wire), 0n)
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
