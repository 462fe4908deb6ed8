// What is stored of a purchase: the request, and how it ended once it has. Codec only.

import { toHex } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import type { Seconds } from '../lib/units.ts'
import type { RequestId, StorageRequest, StorageRequestInput } from '../protocol/request.ts'
import { checkedRequest } from '../protocol/request.ts'
import type { Change, Key } from '../storage/datastore.ts'
import { corruptedRecord, openRecord, sealRecord } from '../storage/sealedrecord.ts'
import { joinKey, textKey } from '../storage/storagekey.ts'
import type { PurchaseOutcome } from './purchasestory.ts'

/** `meta/purchases/<request id>` */
export const PURCHASES_PREFIX: Key = textKey('meta/purchases/')

export interface PurchaseRecord {
  readonly request: StorageRequest
  /** Undefined while it goes on. */
  readonly outcome: PurchaseOutcome | undefined
  /** Chain time until which its data is needed; undefined before it is on chain. */
  readonly until?: Seconds | undefined
}

const ENDS = ['finished', 'cancelled', 'failed', 'errored'] as const

export function purchaseChange(id: RequestId, { request, outcome, until }: PurchaseRecord): Change {
  const { ask, content, expiry } = request
  const json = {
    ...request,
    ask: Object.fromEntries(Object.entries(ask).map(([name, value]) => [name, String(value)])),
    content: { ...content, cid: `0x${toHex(content.cid)}` },
    expiry: String(expiry),
    ...(until !== undefined && { until }),
    ...(outcome && {
      end: outcome.end,
      ...(outcome.end === 'errored' && { code: outcome.error.code, message: outcome.error.message }),
    }),
  }
  return { put: purchaseKey(id), value: sealRecord(new TextEncoder().encode(JSON.stringify(json))) }
}

/** @throws CodexError `store/corrupted-record` */
export function readPurchase(key: Key, sealed: Uint8Array): PurchaseRecord {
  const text = new TextDecoder().decode(openRecord(key, sealed))
  try {
    const json = JSON.parse(text) as Stored
    const ask = Object.fromEntries(Object.entries(json.ask).map(([name, value]) => [name, BigInt(value)]))
    const request = checkedRequest({ ...json, ask, expiry: BigInt(json.expiry) } as unknown as StorageRequestInput)
    return { request, outcome: outcomeOf(json), until: json.until }
  } catch (error) {
    throw corruptedRecord(key, error instanceof Error ? error.message : 'it is no purchase')
  }
}

interface Stored {
  readonly ask: Readonly<Record<string, string>>
  readonly expiry: string
  readonly until?: Seconds
  readonly end?: string
  readonly code?: string
  readonly message?: string
}

function outcomeOf({ end, code = 'purchase/errored', message = '' }: Stored): PurchaseOutcome | undefined {
  if (end === undefined) return undefined
  const known = ENDS.find((word) => word === end)
  if (known === undefined) throw new TypeError(`${end} is no end of a purchase`)
  return known === 'errored' ? { end: known, error: new CodexError(code, message) } : { end: known }
}

export function purchaseKey(id: RequestId): Key {
  return joinKey(PURCHASES_PREFIX, id)
}

/** Undefined for a key of another kind. */
export function purchaseIdOf(key: Key): RequestId | undefined {
  const id = new TextDecoder().decode(key.subarray(PURCHASES_PREFIX.length))
  return /^0x[0-9a-f]{64}$/.test(id) ? (id as RequestId) : undefined
}
