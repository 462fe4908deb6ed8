// A circuit of two constraints, written as circom would: a public y and a private x with x * x * x = y. For tests of formats, which
// should not wait for a compiler.

import { concatBytes } from '../../src/lib/bytes.ts'
import { SCALAR_ORDER } from '../../src/proving/bn254.ts'
import { packScalars } from '../../src/proving/packscalars.ts'
import { encodeSections, word } from '../../src/proving/sections.ts'

export type TinyTerms = readonly (readonly [wire: number, coefficient: bigint])[]

/** Wires: the one, y, x, and the square of x. */
export const TINY_CONSTRAINTS: readonly TinyTerms[] = [
  [[2, 1n]],
  [[2, 1n]],
  [[3, 1n]],
  [[3, SCALAR_ORDER - 2n]],
  [[2, 3n]],
  [[1, SCALAR_ORDER - 6n]],
]

export interface TinyHeader {
  readonly elementBytes: number
  readonly prime: bigint
  readonly wires: number
  readonly outputs: number
  readonly publics: number
  readonly privates: number
  readonly constraints: number
}

export const TINY_HEADER: TinyHeader = {
  elementBytes: 32,
  prime: SCALAR_ORDER,
  wires: 4,
  outputs: 0,
  publics: 1,
  privates: 1,
  constraints: 2,
}

export function tinyR1cs(header: Partial<TinyHeader> = {}, sums: readonly TinyTerms[] = TINY_CONSTRAINTS): Uint8Array {
  return encodeSections({ magic: 'r1cs' }, 1, [
    [2, [sumsBytes(sums)]], // Sections come in any order.
    [1, [headerBytes({ ...TINY_HEADER, ...header })]],
    [3, [new Uint8Array(4 * 8)]],
  ])
}

export function headerBytes(header: TinyHeader): Uint8Array {
  const { elementBytes, prime, wires, outputs, publics, privates, constraints } = header
  const counts = [wires, outputs, publics, privates].map(word)
  const labels = new Uint8Array(8)
  return concatBytes(word(elementBytes), packScalars([prime]), ...counts, labels, word(constraints))
}

export function sumsBytes(sums: readonly TinyTerms[]): Uint8Array {
  return concatBytes(
    ...sums.flatMap((terms) => [
      word(terms.length),
      ...terms.flatMap(([wire, coefficient]) => [word(wire), packScalars([coefficient])]),
    ]),
  )
}

/** For x = 3. */
export const TINY_WITNESS = packScalars([1n, 27n, 3n, 9n])
