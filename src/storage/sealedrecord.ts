// The envelope around every index record: a version in front, a checksum behind, so that a flipped bit is found and never acted on.

import { concatBytes, toHex } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import type { Key } from './datastore.ts'

const VERSION = 1
const CHECKSUM_BYTES = 4

/** Of one byte, and of one that two, three and four steps follow: four bytes are taken at once. */
const CRC_TABLES = crcTables()

function crcTables(): readonly [Uint32Array, Uint32Array, Uint32Array, Uint32Array] {
  const first = Uint32Array.from({ length: 256 }, (_, index) => {
    let crc = index
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
    return crc
  })
  const next = (table: Uint32Array): Uint32Array => table.map((crc) => (first[crc & 0xff] as number) ^ (crc >>> 8))
  const [second, third] = [next(first), next(next(first))]
  return [first, second, third, next(third)]
}

/** CRC-32 (IEEE 802.3): catches every single flipped bit and burst up to 32 bits, which is what a bad disk does; no defence against a forger. */
function crc32(bytes: Uint8Array): number {
  const [first, second, third, fourth] = CRC_TABLES
  let crc = 0xffffffff
  let at = 0
  for (const end = bytes.length - 3; at < end; at += 4) {
    crc ^=
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)
    crc =
      (fourth[crc & 0xff] as number) ^
      (third[(crc >>> 8) & 0xff] as number) ^
      (second[(crc >>> 16) & 0xff] as number) ^
      (first[crc >>> 24] as number)
  }
  for (; at < bytes.length; at++) crc = (first[(crc ^ (bytes[at] as number)) & 0xff] as number) ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

/** `version(1) || payload || crc32(4, little-endian)`; the checksum covers the version. */
export function sealRecord(...payload: readonly Uint8Array[]): Uint8Array {
  const record = concatBytes(Uint8Array.of(VERSION), ...payload, new Uint8Array(CHECKSUM_BYTES))
  const body = record.length - CHECKSUM_BYTES
  new DataView(record.buffer).setUint32(body, crc32(record.subarray(0, body)), true)
  return record
}

/** The payload of a sealed record, as a view. @throws CodexError `store/corrupted-record` naming the key */
export function openRecord(key: Key, record: Uint8Array): Uint8Array {
  const body = record.length - CHECKSUM_BYTES
  if (body < 1 || record[0] !== VERSION) throw corruptedRecord(key, 'its version is unknown or it is cut short')
  const stored = new DataView(record.buffer, record.byteOffset + body, CHECKSUM_BYTES).getUint32(0, true)
  if (stored !== crc32(record.subarray(0, body))) throw corruptedRecord(key, 'its checksum does not match')
  return record.subarray(1, body)
}

/**
 * A record in which one bit has flipped, as it was before; undefined for one that is whole, and for any other damage. The checksum tells which bit it was.
 * Of records that were damaged in another way one in 2^32 / bits is taken for such a one: to be asked for where the record is lost otherwise.
 */
export function withoutFlippedBit(record: Uint8Array): Uint8Array | undefined {
  const body = record.length - CHECKSUM_BYTES
  if (body < 1) return undefined
  const stored = new DataView(record.buffer, record.byteOffset + body, CHECKSUM_BYTES).getUint32(0, true)
  const wrong = (stored ^ crc32(record.subarray(0, body))) >>> 0
  if (wrong === 0) return undefined
  const flipped = flippedBit(wrong, body)
  if (flipped === undefined) return undefined
  const mended = record.slice()
  mended[flipped.at] = (mended[flipped.at] as number) ^ flipped.mask
  return mended[0] === VERSION ? mended : undefined
}

/** As {@link openRecord}, of a record that nothing else can replace: one in which a bit has flipped is read as it was before. */
export function openOrMendRecord(key: Key, record: Uint8Array): Uint8Array {
  return openRecord(key, withoutFlippedBit(record) ?? record)
}

/** @param wrong the bits in which the checksum and that of the body differ: of each bit of a record other ones */
function flippedBit(wrong: number, body: number): { readonly at: number; readonly mask: number } | undefined {
  for (let bit = 0; bit < 8 * CHECKSUM_BYTES; bit++)
    if (wrong === (1 << bit) >>> 0) return { at: body + (bit >> 3), mask: 1 << (bit & 7) }
  const [first] = CRC_TABLES
  const made = Uint32Array.from({ length: 8 }, (_, bit) => first[1 << bit] as number)
  for (let at = body - 1; at >= 0; at--)
    for (const [bit, crc] of made.entries()) {
      if (crc === wrong) return { at, mask: 1 << bit }
      made[bit] = (first[crc & 0xff] as number) ^ (crc >>> 8)
    }
  return undefined
}

/** For decoders of payloads: the checksum held and yet the content makes no sense. */
export function corruptedRecord(key: Key, why: string): CodexError<'store/corrupted-record'> {
  return new CodexError(
    'store/corrupted-record',
    `record ${toHex(key)} is damaged: ${why}; check the disk and restore or remove it`,
    {
      detail: { key: toHex(key), why },
    },
  )
}
