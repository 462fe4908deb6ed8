// What sold slots need of the store, read from the records: whoever has opened it can ask, whether it sells now or not. It changes nothing.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import { type Cid, equalCids } from '../protocol/cid.ts'
import type { RequestId } from '../protocol/request.ts'
import type { DatasetToRemove } from '../storage/datasets.ts'
import type { Datastore } from '../storage/datastore.ts'
import { keptCids } from './keptmanifests.ts'
import type { Reservation } from './reservation.ts'
import { SALES_PREFIX, decodeReservation, readSalesKey } from './salesrecords.ts'

/** Whether there is a slot whose accounts are not settled. Rejects as the Datastore, and with the signal's reason. */
export async function hasSlots(datastore: Datastore, options: AbortOptions): Promise<boolean> {
  for await (const _ of takenSlots(datastore, options)) return true
  return false
}

/**
 * Why a dataset must stay: a slot lies in its tree, or is proven with its manifest. The owner may ask to remove either without knowing what they are for.
 * @returns undefined where nothing is against it. Rejects as the Datastore, and with the signal's reason
 */
export async function whySold(
  datastore: Datastore,
  { cid, trees }: DatasetToRemove,
  options: AbortOptions,
): Promise<CodexError<'dataset/sold'> | undefined> {
  const own = new Set(trees.map(String))
  const byRequest = new Map<RequestId, Reservation>()
  for await (const reservation of takenSlots(datastore, options)) {
    if (reservation.tree !== undefined && own.has(reservation.tree)) return sold(cid, reservation)
    byRequest.set(reservation.requestId, reservation)
  }
  if (byRequest.size === 0) return undefined
  for await (const [requestId, kept] of keptCids(datastore, options)) {
    const reservation = byRequest.get(requestId)
    if (reservation !== undefined && equalCids(kept, cid)) return sold(cid, reservation)
  }
  return undefined
}

/** Those whose records can be read. */
async function* takenSlots(datastore: Datastore, options: AbortOptions): AsyncGenerator<Reservation, void> {
  for await (const [key, record] of datastore.entries(SALES_PREFIX, options)) {
    if (readSalesKey(key)?.reservationId === undefined) continue
    try {
      yield decodeReservation(key, record)
    } catch (error) {
      // Whoever opens the accounts sets it aside and tells of it.
      if (!CodexError.is(error, 'store/corrupted-record')) throw error
    }
  }
}

function sold(cid: Cid, { requestId, slotIndex, validUntil }: Reservation): CodexError<'dataset/sold'> {
  return new CodexError(
    'dataset/sold',
    `slot ${slotIndex} of dataset ${cid} is sold and has to be proven: remove the dataset once the request is over`,
    { detail: { cid: String(cid), requestId, slotIndex, validUntil } },
  )
}
