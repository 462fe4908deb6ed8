// A compiled circuit's constraints, read from circom's .r1cs file: A(w) * B(w) = C(w), each a sum of wires times constants.
// It holds no values of wires; those are a witness.

import type { AbortOptions } from '../lib/abort.ts'
import type { ByteSource } from './bytesource.ts'
import { ELEMENT_BYTES, MAX_DOMAIN_POWER, readNumber, SCALAR_ORDER, viewOf } from './bn254.ts'
import { badFile, readSection, readSections, type SectionFormat } from './sections.ts'

export interface R1cs {
  /** Wire 0 is the constant one; then public outputs, public inputs, and the rest: private inputs may have been simplified away. */
  readonly wireCount: number
  readonly publicOutputCount: number
  readonly publicInputCount: number
  readonly privateInputCount: number
  readonly constraintCount: number
  /** The file's own bytes of them, checked; {@link eachTerm} reads them. */
  readonly constraints: Uint8Array
}

/** Which of the three sums of a constraint a term is of. */
export type Matrix = 0 | 1 | 2

/** One term: `coefficient` (below the scalar order) times the value of `wire`. */
export type TermVisitor = (constraint: number, matrix: Matrix, wire: number, coefficient: bigint) => void

const FORMAT: SectionFormat = { magic: 'r1cs', versions: [1], required: [1, 2], code: 'proving/bad-r1cs' }
const HEADER = 1
const CONSTRAINTS = 2
/** Names of wires; nobody here needs them. Any other section means custom gates, which Groth16 has not. */
const LABELS = 3
const HEADER_BYTES = 4 + ELEMENT_BYTES + 4 * 4 + 8 + 4
const TERM_BYTES = 4 + ELEMENT_BYTES
const MAX_COUNT = 2 ** MAX_DOMAIN_POWER

/**
 * Reads and checks the whole file.
 * @throws CodexError `proving/bad-r1cs`, with the field, also for a circuit over another curve
 */
export async function readR1cs(source: ByteSource, options: AbortOptions): Promise<R1cs> {
  const sections = await readSections(source, FORMAT, options)
  const surplus = [...sections.keys()].find((id) => ![HEADER, CONSTRAINTS, LABELS].includes(id))
  if (surplus !== undefined) throw bad('sections', 'no custom gates', `section ${surplus}`)
  const header = readHeader(await readSection(source, sections, HEADER, options))
  const r1cs = { ...header, constraints: await readSection(source, sections, CONSTRAINTS, options) }
  checkConstraints(r1cs)
  return r1cs
}

/** All terms, constraint after constraint, A before B before C. */
export function eachTerm({ constraintCount, constraints }: R1cs, visit: TermVisitor): void {
  const view = viewOf(constraints)
  let at = 0
  for (let constraint = 0; constraint < constraintCount; constraint++)
    for (const matrix of [0, 1, 2] as const) {
      const end = at + 4 + TERM_BYTES * view.getUint32(at, true)
      for (at += 4; at < end; at += TERM_BYTES)
        visit(constraint, matrix, view.getUint32(at, true), readNumber(view, at + 4))
    }
}

function readHeader(bytes: Uint8Array): Omit<R1cs, 'constraints'> {
  if (bytes.length !== HEADER_BYTES) throw bad('header', `${HEADER_BYTES} bytes`, bytes.length)
  const view = viewOf(bytes)
  const elementBytes = view.getUint32(0, true)
  if (elementBytes !== ELEMENT_BYTES) throw bad('size of an element', `${ELEMENT_BYTES} bytes`, elementBytes)
  const prime = readNumber(view, 4)
  if (prime !== SCALAR_ORDER) throw bad('field', 'that of BN254', prime)
  const [wireCount, publicOutputCount, publicInputCount, privateInputCount] = [0, 4, 8, 12].map((at) =>
    view.getUint32(4 + ELEMENT_BYTES + at, true),
  ) as [number, number, number, number]
  const constraintCount = view.getUint32(HEADER_BYTES - 4, true)
  const named = 1 + publicOutputCount + publicInputCount
  if (wireCount > MAX_COUNT || wireCount < named)
    throw bad('wires', `from ${named} (one and all that is public) to ${MAX_COUNT}`, wireCount)
  if (constraintCount > MAX_COUNT) throw bad('constraints', `at most ${MAX_COUNT}`, constraintCount)
  return { wireCount, publicOutputCount, publicInputCount, privateInputCount, constraintCount }
}

function checkConstraints({ wireCount, constraintCount, constraints }: R1cs): void {
  const view = viewOf(constraints)
  let at = 0
  for (let sum = 0; sum < 3 * constraintCount; sum++) {
    const field = `constraint ${Math.floor(sum / 3)}`
    if (constraints.length - at < 4) throw bad(field, 'three sums', 'an end of the section')
    const terms = view.getUint32(at, true)
    at += 4
    if (terms > (constraints.length - at) / TERM_BYTES) throw bad(field, `${terms} terms`, 'an end of the section')
    for (const end = at + TERM_BYTES * terms; at < end; at += TERM_BYTES) {
      const wire = view.getUint32(at, true)
      if (wire >= wireCount) throw bad(field, `wires below ${wireCount}`, wire)
      if (readNumber(view, at + 4) >= SCALAR_ORDER) throw bad(field, 'coefficients below the field order', 'a larger')
    }
  }
  if (at !== constraints.length) throw bad('constraints', `${at} bytes of them`, constraints.length)
}

function bad(field: string, expected: number | string | bigint, found: number | string | bigint): Error {
  return badFile(FORMAT, field, expected, found)
}
