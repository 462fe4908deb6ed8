// The envelope around every index record: a version in front, a checksum behind, so that a flipped bit is found and never acted on.

import { concatBytes, toHex } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import type { Key } from './datastore.ts'

const VERSION = 1
const CHECKSUM_BYTES = 4

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let crc = index
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
})

/** CRC-32 (IEEE 802.3): catches every single flipped bit and burst up to 32 bits, which is what a bad disk does; no defence against a forger. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (CRC_TABLE[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8)
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
