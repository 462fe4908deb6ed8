// The last period whose duties were looked after, on record: what came between it and a start, nobody proved.

import type { Period } from '../market/periodicity.ts'
import type { Datastore, Key } from '../storage/datastore.ts'
import { textKey } from '../storage/storagekey.ts'

const WATCHED: Key = textKey('meta/sales/watched')

export class WatchedRecord {
  readonly #datastore: Datastore

  constructor(datastore: Datastore) {
    this.#datastore = datastore
  }

  /** Undefined before the first, and for a record that makes no sense. Rejects as the Datastore does. */
  async read(): Promise<Period | undefined> {
    const record = await this.#datastore.get(WATCHED)
    const period = Number(record === undefined ? NaN : new TextDecoder().decode(record))
    return Number.isSafeInteger(period) && period >= 0 ? period : undefined
  }

  /** Rejects as the Datastore does. */
  write(period: Period): Promise<void> {
    // Lost with the power it is told once more: that is no reason to wait for the disk each period.
    const change = { put: WATCHED, value: new TextEncoder().encode(String(period)) }
    return this.#datastore.commit([change], { durability: 'relaxed' })
  }
}
