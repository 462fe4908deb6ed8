// A Groth16 proving key in snarkjs' .zkey format: header and places of the sections, so that a prover takes one after the other.
// It computes no proof; the points stay as the file has them.

import type { AbortOptions } from '../lib/abort.ts'
import type { Bytes } from '../lib/units.ts'
import {
  BASE_ORDER,
  ELEMENT_BYTES,
  G1_BYTES,
  G2_BYTES,
  MAX_DOMAIN_POWER,
  readNumber,
  SCALAR_ORDER,
  viewOf,
  writeNumber,
} from './bn254.ts'
import type { ByteSource } from './bytesource.ts'
import { DEVELOPMENT_SECTION, readMark } from './developmentmark.ts'
import {
  badFile,
  encodeSections,
  readSection,
  readSections,
  type Section,
  type SectionFormat,
  word,
} from './sections.ts'
import { MAX_PUBLIC_SIGNALS } from './verificationkey.ts'
import { CodexError } from '../lib/errors.ts'

/** Points of the header: affine coordinates in Montgomery form, little-endian; of G2 the real part first. */
export interface ZkeyHeader {
  readonly wireCount: number
  readonly publicCount: number
  /** A power of two, at most 2^{@link MAX_DOMAIN_POWER}. */
  readonly domainSize: number
  readonly alpha1: Uint8Array
  readonly beta1: Uint8Array
  readonly delta1: Uint8Array
  readonly beta2: Uint8Array
  readonly gamma2: Uint8Array
  readonly delta2: Uint8Array
}

/**
 * Contents of the sections. Points as in {@link ZkeyHeader}, one after the other, all zero for infinity.
 *
 * - `ic`: publicCount + 1 of G1
 * - `coefficients`: their count (32 bits), then per term 44 bytes: matrix (0 for A, 1 for B), constraint, wire (32 bits each), and the
 *   value times the square of the Montgomery factor, modulo the scalar order
 * - `a`, `b1`: of G1, `b2`: of G2, one per wire
 * - `c`: of G1, one per wire that is neither the constant nor public
 * - `h`: of G1, one per element of the domain: the Lagrange basis of the domain of twice the size at its odd powers, over delta
 * - `contributions`: hash of the circuit (64 bytes), number of contributions, contributions
 */
export type ZkeySectionName = 'ic' | 'coefficients' | 'a' | 'b1' | 'b2' | 'c' | 'h' | 'contributions'

export interface Zkey {
  readonly header: ZkeyHeader
  readonly source: ByteSource
  readonly sections: Readonly<Record<ZkeySectionName, Section>>
  readonly termCount: number
  /** Undefined unless the key is for development only. */
  readonly developmentMark: string | undefined
}

/** What {@link encodeZkey} writes; `mark` where the key is for development only. */
export interface ZkeyParts {
  readonly header: ZkeyHeader
  readonly contents: Readonly<Record<ZkeySectionName, Uint8Array>>
  readonly mark?: Uint8Array
}

/** Matrix, constraint and wire, then the value. */
export const TERM_BYTES = 3 * 4 + ELEMENT_BYTES

const FORMAT: SectionFormat = {
  magic: 'zkey',
  versions: [1],
  required: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  code: 'proving/bad-zkey',
}
const PROTOCOL = 1
const HEADER = 2
const IDS: Readonly<Record<ZkeySectionName, number>> = {
  ic: 3,
  coefficients: 4,
  a: 5,
  b1: 6,
  b2: 7,
  c: 8,
  h: 9,
  contributions: 10,
}
const GROTH16 = 1
const HEADER_BYTES = 2 * (4 + ELEMENT_BYTES) + 3 * 4 + 3 * G1_BYTES + 3 * G2_BYTES
const CIRCUIT_HASH_BYTES = 64
const MAX_WIRES = 2 ** MAX_DOMAIN_POWER

/**
 * Reads the header and where everything lies; checks that all sizes agree with the header, and nothing within the long sections.
 * @throws CodexError `proving/bad-zkey`, with the field; `proving/other-protocol`, `proving/other-curve` for keys of those
 */
export async function readZkey(source: ByteSource, options: AbortOptions): Promise<Zkey> {
  // Keys of other protocols have other sections, so which protocol it is must be said first.
  const found = await readSections(source, { ...FORMAT, required: [PROTOCOL] }, options)
  checkProtocol(await readSection(source, found, PROTOCOL, options))
  const sections = await readSections(source, FORMAT, options)
  const header = decodeHeader(await readSection(source, sections, HEADER, options))
  const placed = placeSections(sections, header)
  const termCount = await readTermCount(source, placed.coefficients, options)
  const mark = sections.get(DEVELOPMENT_SECTION)
  const developmentMark = mark === undefined ? undefined : await readMark(source, mark, options)
  return { header, source, sections: placed, termCount, developmentMark }
}

/** The whole of one section. */
export async function readZkeySection(zkey: Zkey, name: ZkeySectionName, options: AbortOptions): Promise<Uint8Array> {
  const { offset, length } = zkey.sections[name]
  return zkey.source.read(offset, length, options)
}

/** The file. Sections come in snarkjs' order. */
export function encodeZkey({ header, contents, mark }: ZkeyParts): Uint8Array {
  const order = ['coefficients', 'ic', 'h', 'c', 'a', 'b1', 'b2', 'contributions'] as const
  return encodeSections(FORMAT, 1, [
    [PROTOCOL, [word(GROTH16)]],
    [HEADER, [encodeHeader(header)]],
    ...order.map((name): [number, Uint8Array[]] => [IDS[name], [contents[name]]]),
    ...(mark === undefined ? [] : [[DEVELOPMENT_SECTION, [mark]] as [number, Uint8Array[]]]),
  ])
}

function checkProtocol(section: Uint8Array): void {
  const protocol = section.length === 4 ? viewOf(section).getUint32(0, true) : undefined
  if (protocol === GROTH16) return
  const found = ['none', 'Groth16', 'PLONK'][protocol ?? 0] ?? `number ${protocol}`
  throw new CodexError('proving/other-protocol', `zkey file, protocol: expected Groth16, found ${found}`, {
    detail: { field: 'protocol', expected: GROTH16, found: protocol },
  })
}

function decodeHeader(bytes: Uint8Array): ZkeyHeader {
  const view = viewOf(bytes)
  if (bytes.length < 4) throw bad('header', `${HEADER_BYTES} bytes`, bytes.length)
  checkOrder(bytes, 0, BASE_ORDER)
  if (bytes.length !== HEADER_BYTES) throw bad('header', `${HEADER_BYTES} bytes`, bytes.length)
  checkOrder(bytes, 4 + ELEMENT_BYTES, SCALAR_ORDER)
  let at = 2 * (4 + ELEMENT_BYTES)
  const count = (): number => view.getUint32((at += 4) - 4, true)
  const point = (size: Bytes): Uint8Array => bytes.slice(at, (at += size))
  const header = {
    wireCount: count(),
    publicCount: count(),
    domainSize: count(),
    alpha1: point(G1_BYTES),
    beta1: point(G1_BYTES),
    beta2: point(G2_BYTES),
    gamma2: point(G2_BYTES),
    delta1: point(G1_BYTES),
    delta2: point(G2_BYTES),
  }
  checkCounts(header)
  return header
}

/** @throws CodexError `proving/other-curve` */
function checkOrder(header: Uint8Array, at: number, order: bigint): void {
  const view = viewOf(header)
  const size = view.getUint32(at, true)
  const isWhole = size === ELEMENT_BYTES && header.length >= at + 4 + ELEMENT_BYTES
  if (isWhole && readNumber(view, at + 4) === order) return
  throw new CodexError('proving/other-curve', 'zkey file, field orders: expected those of BN254, found others', {
    detail: { field: 'curve', elementBytes: size, found: isWhole ? readNumber(view, at + 4) : undefined },
  })
}

function checkCounts({ wireCount, publicCount, domainSize }: ZkeyHeader): void {
  if (wireCount < 1 || wireCount > MAX_WIRES) throw bad('wires', `from 1 to ${MAX_WIRES}`, wireCount)
  if (publicCount >= wireCount || publicCount > MAX_PUBLIC_SIGNALS)
    throw bad('public signals', `at most ${Math.min(wireCount - 1, MAX_PUBLIC_SIGNALS)}`, publicCount)
  const power = Math.log2(domainSize)
  if (!Number.isInteger(power) || power >= MAX_DOMAIN_POWER || domainSize <= publicCount)
    throw bad('domain', `a power of two below 2^${MAX_DOMAIN_POWER}, more than public signals`, domainSize)
}

function placeSections(found: ReadonlyMap<number, Section>, header: ZkeyHeader): Record<ZkeySectionName, Section> {
  const { wireCount, publicCount, domainSize } = header
  const lengths: Partial<Record<ZkeySectionName, Bytes>> = {
    ic: (publicCount + 1) * G1_BYTES,
    a: wireCount * G1_BYTES,
    b1: wireCount * G1_BYTES,
    b2: wireCount * G2_BYTES,
    c: (wireCount - publicCount - 1) * G1_BYTES,
    h: domainSize * G1_BYTES,
  }
  const place = (name: ZkeySectionName): Section => {
    const section = found.get(IDS[name]) ?? { offset: 0, length: 0 }
    const expected = lengths[name] ?? section.length
    if (section.length !== expected) throw bad(`section ${name}`, `${expected} bytes`, section.length)
    return section
  }
  const contributions = place('contributions')
  const least = CIRCUIT_HASH_BYTES + 4
  if (contributions.length < least) throw bad('section contributions', `at least ${least} bytes`, contributions.length)
  return {
    ic: place('ic'),
    coefficients: place('coefficients'),
    a: place('a'),
    b1: place('b1'),
    b2: place('b2'),
    c: place('c'),
    h: place('h'),
    contributions,
  }
}

async function readTermCount(source: ByteSource, { offset, length }: Section, options: AbortOptions): Promise<number> {
  if (length < 4) throw bad('section coefficients', 'their count', `${length} bytes`)
  const count = viewOf(await source.read(offset, 4, options)).getUint32(0, true)
  if (length !== 4 + count * TERM_BYTES) throw bad('section coefficients', `${4 + count * TERM_BYTES} bytes`, length)
  return count
}

function encodeHeader(header: ZkeyHeader): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES)
  const view = viewOf(bytes)
  let at = 0
  for (const order of [BASE_ORDER, SCALAR_ORDER]) {
    view.setUint32(at, ELEMENT_BYTES, true)
    writeNumber(view, at + 4, order)
    at += 4 + ELEMENT_BYTES
  }
  for (const count of [header.wireCount, header.publicCount, header.domainSize]) {
    view.setUint32(at, count, true)
    at += 4
  }
  const { alpha1, beta1, beta2, gamma2, delta1, delta2 } = header
  for (const point of [alpha1, beta1, beta2, gamma2, delta1, delta2]) {
    bytes.set(point, at)
    at += point.length
  }
  return bytes
}

function bad(field: string, expected: number | string | bigint, found: number | string | bigint): Error {
  return badFile(FORMAT, field, expected, found)
}
