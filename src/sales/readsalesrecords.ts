// Every record of the accounting as it is stored, those that cannot be read among them. It judges nothing: see openreservations.ts and
// checkstored.ts.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Datastore, Key } from '../storage/datastore.ts'
import type { Availability, AvailabilityId } from './availability.ts'
import type { Reservation } from './reservation.ts'
import { SALES_PREFIX, decodeAvailability, decodeReservation, readSalesKey } from './salesrecords.ts'

export interface DamagedRecord {
  readonly key: Key
  readonly record: Uint8Array
  /** A sentence. */
  readonly why: string
}

export interface SalesRecords {
  readonly availabilities: Map<AvailabilityId, Availability>
  readonly reservations: Reservation[]
  readonly damaged: DamagedRecord[]
}

/** Only where nothing can change meanwhile. Rejects with the signal's reason. */
export async function readSalesRecords(datastore: Datastore, options: AbortOptions): Promise<SalesRecords> {
  const found: SalesRecords = { availabilities: new Map(), reservations: [], damaged: [] }
  for await (const [key, record] of datastore.entries(SALES_PREFIX, options)) {
    const names = readSalesKey(key)
    try {
      if (names === undefined) throw new CodexError('store/corrupted-record', 'a record of sales has an unknown key')
      if (names.reservationId !== undefined) found.reservations.push(decodeReservation(key, record))
      else found.availabilities.set(names.availabilityId, decodeAvailability(key, record))
    } catch (error) {
      if (!CodexError.is(error, 'store/corrupted-record')) throw error
      found.damaged.push({ key, record, why: error.message })
    }
  }
  return found
}
