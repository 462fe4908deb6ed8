// A slot that waits to be looked at, and which of two goes first. Made of what the chain told of its request; whether we can take it is not
// asked here.

import { CodexError } from '../lib/errors.ts'
import type { Seconds } from '../lib/units.ts'
import type { RequestId, StorageAsk } from '../protocol/request.ts'

/** Most slots of a request: the contract counts further, no request of the network does. */
export const MAX_SLOTS = 65_535

export interface SlotQueueItem {
  readonly requestId: RequestId
  readonly slotIndex: number
  /** What the whole slot pays over the whole duration, in token base units. */
  readonly profit: bigint
  /** What it puts at stake, in token base units. */
  readonly collateral: bigint
  /** The instant after which the request is cancelled unless it has started; always absolute. */
  readonly expiry: Seconds
  /** Who asks, where it is known: fairness goes by it, else by request. */
  readonly client?: string | undefined
}

/** A request as far as the queue cares. */
export interface RequestOffer extends Pick<SlotQueueItem, 'requestId' | 'expiry' | 'client'> {
  readonly ask: Pick<StorageAsk, 'slots' | 'slotSize' | 'duration' | 'pricePerBytePerSecond' | 'collateralPerByte'>
}

/** The slot of a request at this index. @param collateral other than the full one, of a slot in repair */
export function slotQueueItem(
  { requestId, ask, expiry, client }: RequestOffer,
  slotIndex: number,
  collateral: bigint = ask.collateralPerByte * ask.slotSize,
): SlotQueueItem {
  const profit = ask.duration * ask.pricePerBytePerSecond * ask.slotSize
  return { requestId, slotIndex, profit, collateral, expiry, client }
}

/** How many slots a request has. @throws CodexError `slotqueue/slots-out-of-range`: before anything is cut to fewer bits (S7) */
export function slotsOf({ requestId, ask: { slots } }: RequestOffer): number {
  if (slots >= 1n && slots <= MAX_SLOTS) return Number(slots)
  throw new CodexError(
    'slotqueue/slots-out-of-range',
    `expected a request of 1 to ${MAX_SLOTS} slots, found ${slots}: ${requestId} is left alone`,
    { detail: { requestId, slots } },
  )
}

/** Negative when `a` goes first: the higher profit, then the lower collateral, then the later expiry. */
export function compareItems(a: SlotQueueItem, b: SlotQueueItem): number {
  if (a.profit !== b.profit) return a.profit > b.profit ? -1 : 1
  if (a.collateral !== b.collateral) return a.collateral < b.collateral ? -1 : 1
  return b.expiry - a.expiry
}
