// Witnesses: one element of 32 little-endian bytes per wire, in memory just that, in a .wtns file with a header before it.

import type { AbortOptions } from '../lib/abort.ts'
import { ELEMENT_BYTES, readNumber, SCALAR_ORDER, viewOf, writeNumber } from './bn254.ts'
import type { ByteSource } from './bytesource.ts'
import { badFile, encodeSections, readSection, readSections, type SectionFormat } from './sections.ts'

const FORMAT: SectionFormat = { magic: 'wtns', versions: [1, 2], required: [1, 2], code: 'proving/bad-witness' }
const VERSION = 2
const HEADER = 1
const VALUES = 2
const HEADER_BYTES = 4 + ELEMENT_BYTES + 4

/**
 * The values of a witness file, checked: wire 0 is one, all are below the scalar order.
 * @throws CodexError `proving/bad-witness`, with the field
 */
export async function readWitness(source: ByteSource, options: AbortOptions): Promise<Uint8Array> {
  const sections = await readSections(source, FORMAT, options)
  const header = await readSection(source, sections, HEADER, options)
  if (header.length !== HEADER_BYTES) throw badFile(FORMAT, 'header', `${HEADER_BYTES} bytes`, header.length)
  const view = viewOf(header)
  const elementBytes = view.getUint32(0, true)
  if (elementBytes !== ELEMENT_BYTES) throw badFile(FORMAT, 'size of an element', ELEMENT_BYTES, elementBytes)
  const prime = readNumber(view, 4)
  if (prime !== SCALAR_ORDER) throw badFile(FORMAT, 'field', 'that of BN254', prime)
  const values = await readSection(source, sections, VALUES, options)
  checkWitness(values, view.getUint32(4 + ELEMENT_BYTES, true))
  return values
}

/** The file (version 2) that other provers read. */
export function encodeWitness(witness: Uint8Array): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES)
  const view = viewOf(header)
  view.setUint32(0, ELEMENT_BYTES, true)
  writeNumber(view, 4, SCALAR_ORDER)
  view.setUint32(4 + ELEMENT_BYTES, witness.length / ELEMENT_BYTES, true)
  return encodeSections(FORMAT, VERSION, [
    [HEADER, [header]],
    [VALUES, [witness]],
  ])
}

/**
 * Whether `witness` can be one for a circuit of `wireCount` wires; whether it satisfies the circuit is another question.
 * @throws CodexError `proving/bad-witness`: another size, wire 0 not one, or a value beyond the field
 */
export function checkWitness(witness: Uint8Array, wireCount: number): void {
  const expected = ELEMENT_BYTES * wireCount
  if (witness.length !== expected)
    throw badFile(FORMAT, 'values', `${expected} bytes for ${wireCount} wires`, `${witness.length} bytes`)
  const view = viewOf(witness)
  for (let wire = 0; wire < wireCount; wire++) {
    const value = readNumber(view, ELEMENT_BYTES * wire)
    if (wire === 0 && value !== 1n) throw badFile(FORMAT, 'value of wire 0', 1, value)
    if (value >= SCALAR_ORDER) throw badFile(FORMAT, `value of wire ${wire}`, 'one below the field order', value)
  }
}
