// The counters of the store: how many blocks, how many bytes used and reserved. Arithmetic and codec only; one record, committed with what it counts.

import { CodexError } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'
import type { Change, Key } from './datastore.ts'
import { corruptedRecord, openRecord, sealRecord } from './sealedrecord.ts'
import { textKey } from './storagekey.ts'

export interface Counters {
  /** Blocks that occupy space. */
  readonly blocks: number
  /** Bytes of those blocks. */
  readonly used: Bytes
  /** Bytes set aside for what is still to come. */
  readonly reserved: Bytes
}

export const NO_COUNTERS: Counters = { blocks: 0, used: 0, reserved: 0 }

export const QUOTA_KEY: Key = textKey('meta/quota')

/** Bytes neither used nor reserved; never negative, also after the owner lowered the quota below what is there. */
export function freeBytes(counters: Counters, total: Bytes): Bytes {
  return Math.max(0, total - counters.used - counters.reserved)
}

/**
 * The counters after a change. Growth must fit `total` (`used + reserved <= total`); shrinking always may.
 * @throws CodexError `store/quota-exceeded`, `store/release-exceeds-reserved`
 */
export function changed(counters: Counters, delta: Partial<Counters>, total: Bytes): Counters {
  const next = {
    blocks: counters.blocks + (delta.blocks ?? 0),
    used: counters.used + (delta.used ?? 0),
    reserved: counters.reserved + (delta.reserved ?? 0),
  }
  if (next.reserved < 0)
    throw new CodexError(
      'store/release-exceeds-reserved',
      `cannot release ${-(delta.reserved ?? 0)} bytes: only ${counters.reserved} bytes are reserved`,
      { detail: { releaseBytes: -(delta.reserved ?? 0), reservedBytes: counters.reserved } },
    )
  const grows = (delta.used ?? 0) + (delta.reserved ?? 0) > 0
  if (grows && next.used + next.reserved > total)
    throw quotaExceeded(counters, (delta.used ?? 0) + (delta.reserved ?? 0), total)
  return next
}

export function quotaExceeded(
  counters: Counters,
  neededBytes: Bytes,
  total: Bytes,
): CodexError<'store/quota-exceeded'> {
  const free = freeBytes(counters, total)
  return new CodexError(
    'store/quota-exceeded',
    `${neededBytes} more bytes do not fit: ${free} of ${total} bytes are free; raise the storage quota or remove data`,
    {
      detail: {
        neededBytes,
        freeBytes: free,
        quotaBytes: total,
        usedBytes: counters.used,
        reservedBytes: counters.reserved,
      },
    },
  )
}

export function countersChange(counters: Counters): Change {
  const payload = new Uint8Array(24)
  const view = new DataView(payload.buffer)
  view.setFloat64(0, counters.blocks, true)
  view.setFloat64(8, counters.used, true)
  view.setFloat64(16, counters.reserved, true)
  return { put: QUOTA_KEY, value: sealRecord(payload) }
}

/** @throws CodexError `store/corrupted-record` */
export function decodeCounters(record: Uint8Array | undefined): Counters {
  if (record === undefined) return NO_COUNTERS
  const payload = openRecord(QUOTA_KEY, record)
  if (payload.length !== 24) throw corruptedRecord(QUOTA_KEY, 'the quota counters have the wrong length')
  const view = new DataView(payload.buffer, payload.byteOffset)
  const counters = {
    blocks: view.getFloat64(0, true),
    used: view.getFloat64(8, true),
    reserved: view.getFloat64(16, true),
  }
  for (const value of Object.values(counters))
    if (!Number.isSafeInteger(value) || value < 0)
      throw corruptedRecord(QUOTA_KEY, 'the quota counters hold impossible values')
  return counters
}
