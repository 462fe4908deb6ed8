// The container that circuits, keys and witnesses come in: four letters, a version, numbered sections. What is in a section
// is r1cs.ts', zkey.ts' and wtns.ts' business.

import type { AbortOptions } from '../lib/abort.ts'
import { concatBytes, utf8 } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'
import type { ByteSource } from './bytesource.ts'
import { viewOf } from './bn254.ts'

export interface Section {
  readonly offset: Bytes
  readonly length: Bytes
}

export interface SectionFormat {
  /** Four letters at the start: `r1cs`, `zkey` or `wtns`. */
  readonly magic: string
  readonly versions: readonly number[]
  /** Sections that must be there, by number. */
  readonly required: readonly number[]
  /** Of every error about such a file. */
  readonly code: string
}

/** No known file has more than 18. */
const MAX_SECTIONS = 64
const HEADER_BYTES = 12
const SECTION_HEADER_BYTES = 12

/**
 * Where each section lies. Reads headers only, so a file of any size is quickly refused.
 * @throws CodexError of the format's code when it is another kind of file, cut short, longer than its sections, or lacks one
 */
export async function readSections(
  source: ByteSource,
  format: SectionFormat,
  options: AbortOptions,
): Promise<ReadonlyMap<number, Section>> {
  if (source.size < HEADER_BYTES) throw badFile(format, 'header', `at least ${HEADER_BYTES} bytes`, source.size)
  const header = await source.read(0, HEADER_BYTES, options)
  const count = checkHeader(header, format)
  const sections = new Map<number, Section>()
  let at = HEADER_BYTES
  for (let i = 0; i < count; i++) {
    if (source.size - at < SECTION_HEADER_BYTES)
      throw badFile(format, 'sections', `${count} sections`, `an end of file after ${i}`)
    const view = viewOf(await source.read(at, SECTION_HEADER_BYTES, options))
    const id = view.getUint32(0, true)
    const length = view.getBigUint64(4, true)
    at += SECTION_HEADER_BYTES
    if (length > BigInt(source.size - at))
      throw badFile(format, `section ${id}`, `${length} bytes`, `${source.size - at} to the end of the file`)
    if (sections.has(id)) throw badFile(format, `section ${id}`, 'one of it', 'a second')
    sections.set(id, { offset: at, length: Number(length) })
    at += Number(length)
  }
  if (at !== source.size) throw badFile(format, 'file', `${at} bytes, as its sections say`, source.size)
  const missing = format.required.find((id) => !sections.has(id))
  if (missing !== undefined) throw badFile(format, `section ${missing}`, 'one of it', 'none')
  return sections
}

/** The whole of one section. */
export async function readSection(
  source: ByteSource,
  sections: ReadonlyMap<number, Section>,
  id: number,
  options: AbortOptions,
): Promise<Uint8Array> {
  const { offset, length } = sections.get(id) ?? { offset: 0, length: 0 }
  return source.read(offset, length, options)
}

/** A whole file of these sections, in their order. */
export function encodeSections(
  { magic }: Pick<SectionFormat, 'magic'>,
  version: number,
  sections: readonly (readonly [id: number, contents: readonly Uint8Array[]])[],
): Uint8Array {
  const parts: Uint8Array[] = [utf8(magic), word(version), word(sections.length)]
  for (const [id, contents] of sections) {
    const length = contents.reduce((total, { length: bytes }) => total + bytes, 0)
    parts.push(word(id), word(length % 2 ** 32), word(Math.floor(length / 2 ** 32)), ...contents)
  }
  return concatBytes(...parts)
}

/** 32 bits, little-endian: all numbers of these files but elements. */
export function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  viewOf(bytes).setUint32(0, value, true)
  return bytes
}

/** @param field what of the file is wrong, as people call it */
export function badFile(
  { magic, code }: Pick<SectionFormat, 'magic' | 'code'>,
  field: string,
  expected: number | string | bigint,
  found: number | string | bigint,
): CodexError {
  return new CodexError(code, `${magic} file, ${field}: expected ${expected}, found ${found}; get the file anew`, {
    detail: { field, expected, found },
  })
}

function checkHeader(header: Uint8Array, format: SectionFormat): number {
  const magic = String.fromCharCode(...header.subarray(0, 4))
  if (magic !== format.magic) throw badFile(format, 'first four bytes', format.magic, JSON.stringify(magic))
  const view = viewOf(header)
  const version = view.getUint32(4, true)
  if (!format.versions.includes(version)) throw badFile(format, 'version', format.versions.join(' or '), version)
  const count = view.getUint32(8, true)
  if (count > MAX_SECTIONS) throw badFile(format, 'number of sections', `at most ${MAX_SECTIONS}`, count)
  return count
}
