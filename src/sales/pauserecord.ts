// That a person has paused selling, on record: a restart must not sell what somebody stopped.

import type { Datastore, Key } from '../storage/datastore.ts'
import { textKey } from '../storage/storagekey.ts'

const PAUSED: Key = textKey('meta/sales/paused')

export class PauseRecord {
  readonly #datastore: Datastore
  #isPaused: boolean

  /** Rejects as the Datastore does. */
  static async open(datastore: Datastore): Promise<PauseRecord> {
    return new PauseRecord(datastore, (await datastore.get(PAUSED)) !== undefined)
  }

  private constructor(datastore: Datastore, isPaused: boolean) {
    this.#datastore = datastore
    this.#isPaused = isPaused
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Settles once it is on record. Rejects as the Datastore does. */
  async write(isPaused: boolean): Promise<void> {
    if (this.#isPaused === isPaused) return
    this.#isPaused = isPaused
    await this.#datastore.commit([isPaused ? { put: PAUSED, value: Uint8Array.of(1) } : { drop: PAUSED }])
  }
}
