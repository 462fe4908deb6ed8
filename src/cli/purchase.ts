// A purchase as the running node tells it, and as a person reads it.

import { formatBytes, formatDuration } from '../lib/format.ts'
import { priceText, tokenText } from './marketunits.ts'

export const PURCHASE_DOCUMENT = `requestId, state ("pending" | "submitted" | "started" | "finished" | "cancelled" | "failed" | "errored" |
"unknown"), error (or null), request: { id, client, ask: { proofProbability, pricePerBytePerSecond, collateralPerByte (decimal strings),
slots, slotSize, duration, maxSlotLoss }, content: { cid }, expiry, nonce }`

export interface PurchaseFacts {
  readonly requestId: string
  readonly state: string
  readonly error: string | null
  readonly request: {
    readonly ask: {
      readonly pricePerBytePerSecond: string
      readonly slots: number
      readonly slotSize: number
      readonly duration: number
    }
    readonly content: { readonly cid: string }
  }
}

export const PURCHASE_HEAD = ['REQUEST', 'STATE', 'SLOTS', 'SLOT', 'FOR', 'PRICE', 'IN ALL', '']

/** @param filled slots that have a provider; null where nobody was asked */
export function purchaseRow(
  { requestId, state, error, request: { ask } }: PurchaseFacts,
  filled: number | null = null,
): string[] {
  const perByte = BigInt(ask.pricePerBytePerSecond)
  const total = perByte * BigInt(ask.slots) * BigInt(ask.slotSize) * BigInt(ask.duration)
  return [
    requestId,
    state,
    filled === null ? String(ask.slots) : `${filled} of ${ask.slots}`,
    formatBytes(ask.slotSize),
    formatDuration(ask.duration),
    priceText(perByte),
    tokenText(total),
    error ?? '',
  ]
}
