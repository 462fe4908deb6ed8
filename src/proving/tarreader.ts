// Reads a tar archive as it comes and hands out the bytes of the files that somebody wants. Plain files only: links and special files are passed over.

import { CodexError } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'

const RECORD_BYTES = 512
/** Where a header has what, in bytes. */
const NAME = [0, 100] as const
const SIZE = [124, 136] as const
const CHECKSUM = [148, 156] as const
const TYPE = 156
const MAGIC = [257, 262] as const
const PREFIX = [345, 500] as const

type Take = (bytes: Uint8Array) => void

export class TarReader {
  readonly #want: (name: string) => Take | undefined
  readonly #header = new Uint8Array(RECORD_BYTES)
  #headerBytes = 0
  #fileBytes: Bytes = 0
  #paddingBytes: Bytes = 0
  #take: Take | undefined
  #isOver = false

  /** @param want asked for each plain file; who takes its bytes, undefined for nobody */
  constructor(want: (name: string) => Take | undefined) {
    this.#want = want
  }

  /** @throws CodexError `proving/bad-archive` */
  push(bytes: Uint8Array): void {
    for (let rest = bytes; rest.length > 0 && !this.#isOver;) {
      const count = this.#step(rest)
      rest = rest.subarray(count)
    }
  }

  /** @throws CodexError `proving/bad-archive` when it breaks off inside of a file */
  end(): void {
    if (!this.#isOver && (this.#fileBytes > 0 || this.#headerBytes > 0)) throw bad('a tar archive that breaks off')
  }

  #step(bytes: Uint8Array): number {
    if (this.#fileBytes > 0) {
      const part = bytes.subarray(0, this.#fileBytes)
      this.#take?.(part)
      this.#fileBytes -= part.length
      return part.length
    }
    if (this.#paddingBytes > 0) {
      const count = Math.min(bytes.length, this.#paddingBytes)
      this.#paddingBytes -= count
      return count
    }
    const part = bytes.subarray(0, RECORD_BYTES - this.#headerBytes)
    this.#header.set(part, this.#headerBytes)
    this.#headerBytes += part.length
    if (this.#headerBytes === RECORD_BYTES) this.#begin()
    return part.length
  }

  #begin(): void {
    this.#headerBytes = 0
    const header = this.#header
    if (header.every((byte) => byte === 0)) {
      this.#isOver = true
      return
    }
    checkSum(header)
    this.#fileBytes = octal(header, SIZE)
    this.#paddingBytes = (RECORD_BYTES - (this.#fileBytes % RECORD_BYTES)) % RECORD_BYTES
    const type = header[TYPE]
    const isPlain = type === 0 || type === '0'.charCodeAt(0)
    this.#take = isPlain ? this.#want(nameIn(header)) : undefined
  }
}

function nameIn(header: Uint8Array): string {
  const prefix = textIn(header, MAGIC) === 'ustar' ? textIn(header, PREFIX) : ''
  return prefix === '' ? textIn(header, NAME) : `${prefix}/${textIn(header, NAME)}`
}

function checkSum(header: Uint8Array): void {
  const [from, to] = CHECKSUM
  // The sum itself counts as blanks.
  const sum = header.reduce((total, byte, at) => total + (at >= from && at < to ? 32 : byte), 0)
  if (sum !== octal(header, CHECKSUM)) throw bad('a damaged tar header')
}

function octal(header: Uint8Array, place: readonly [number, number]): number {
  const digits = textIn(header, place).trim()
  if (/^[0-7]{1,12}$/.test(digits)) return Number.parseInt(digits, 8)
  throw bad('a tar header without a size')
}

function textIn(header: Uint8Array, [from, to]: readonly [number, number]): string {
  const [text = ''] = new TextDecoder().decode(header.subarray(from, to)).split('\0')
  return text
}

function bad(found: string): CodexError<'proving/bad-archive'> {
  return new CodexError('proving/bad-archive', `expected a tar archive, found ${found}`)
}
