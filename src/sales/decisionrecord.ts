// The decision log over restarts: written a minute at a time, a hundred decisions to a record, the oldest records dropped. What the last minute before a
// crash brought is lost, and costs nothing.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Seconds } from '../lib/units.ts'
import type { RequestId } from '../protocol/request.ts'
import type { Change, Datastore, Key } from '../storage/datastore.ts'
import { corruptedRecord, openRecord, sealRecord } from '../storage/sealedrecord.ts'
import { INDEX_KEY_BYTES, indexKey, joinKey, textKey } from '../storage/storagekey.ts'
import { type Decision, type DecisionLog, MAX_DECISIONS } from './decisionlog.ts'

/** `meta/sales/decisions/<number of the record>` */
const PREFIX: Key = textKey('meta/sales/decisions/')
const WRITE_SECONDS: Seconds = 60
const DECISIONS_OF_RECORD = 100
/** The latest may hold one decision only. */
const MAX_RECORDS = MAX_DECISIONS / DECISIONS_OF_RECORD + 1
const VERDICTS: ReadonlySet<unknown> = new Set<Decision['verdict']>(['queued', 'ignored', 'taken', 'lost', 'ended'])

export interface DecisionRecordParts {
  readonly datastore: Datastore
  /** Holds, once it is read, what earlier runs decided. */
  readonly decisions: DecisionLog
  readonly clock: Clock
  readonly log: Log
}

export class DecisionRecord {
  readonly #parts: DecisionRecordParts
  /** Of the record that is written next. */
  #number = 0
  #ofRecord: Decision[] = []
  /** Of {@link DecisionLog.count}. */
  #written = 0

  /** Rejects with what the Datastore throws and the signal's reason. */
  static async open(parts: DecisionRecordParts, options: AbortOptions): Promise<DecisionRecord> {
    const { datastore, decisions, log } = parts
    const made = new DecisionRecord(parts)
    for await (const [key, sealed] of datastore.entries(PREFIX, options)) {
      try {
        const number = numberOf(key)
        made.#number = number + 1
        made.#ofRecord = []
        const read = decode(key, sealed)
        for (const decision of read) decisions.add(decision)
        // What has room goes on.
        if (read.length < DECISIONS_OF_RECORD) [made.#number, made.#ofRecord] = [number, read]
      } catch (error) {
        if (!CodexError.is(error, 'store/corrupted-record')) throw error
        log.warn('a record of decisions is damaged', { error })
      }
    }
    made.#written = decisions.count
    return made
  }

  private constructor(parts: DecisionRecordParts) {
    this.#parts = parts
  }

  /** Writes what came, every minute. Rejects with the signal's reason only. */
  async writeForEver({ signal }: AbortOptions): Promise<never> {
    const { clock } = this.#parts
    for (;;) {
      await clock.until(clock.now() + WRITE_SECONDS, { signal })
      await this.write()
    }
  }

  /** Settles when everything decided so far is on record, or could not be put there: that is told, and tried again with the next. Never rejects. */
  async write(): Promise<void> {
    const { datastore, decisions, log } = this.#parts
    const { count } = decisions
    const fresh = decisions.latest(Math.min(count - this.#written, MAX_DECISIONS)).reverse()
    if (fresh.length === 0) return
    const changes: Change[] = []
    let number = this.#number
    let ofRecord = this.#ofRecord
    for (let at = 0; at < fresh.length; number++, ofRecord = []) {
      const more = fresh.slice(at, at + DECISIONS_OF_RECORD - ofRecord.length)
      at += more.length
      ofRecord = [...ofRecord, ...more]
      changes.push({ put: keyOf(number), value: encode(ofRecord) })
      if (number >= MAX_RECORDS) changes.push({ drop: keyOf(number - MAX_RECORDS) })
      if (ofRecord.length < DECISIONS_OF_RECORD) break
    }
    try {
      await datastore.commit(changes, { durability: 'relaxed' })
      this.#number = number
      this.#ofRecord = ofRecord
      this.#written = count
    } catch (error) {
      log.warn('why slots were taken or left could not be put on record', { error })
    }
  }
}

function keyOf(number: number): Key {
  return joinKey(PREFIX, indexKey(number))
}

function numberOf(key: Key): number {
  const { buffer, byteOffset, length } = key.subarray(PREFIX.length)
  const number = length === INDEX_KEY_BYTES ? Number(new DataView(buffer, byteOffset).getBigUint64(0)) : -1
  if (Number.isSafeInteger(number) && number >= 0) return number
  throw corruptedRecord(key, 'its number makes no sense')
}

function encode(decisions: readonly Decision[]): Uint8Array {
  return sealRecord(new TextEncoder().encode(JSON.stringify(decisions)))
}

/** @throws CodexError `store/corrupted-record` */
function decode(key: Key, sealed: Uint8Array): Decision[] {
  try {
    const found = JSON.parse(new TextDecoder().decode(openRecord(key, sealed))) as unknown
    if (Array.isArray(found) && found.every(isDecision)) return found
  } catch (error) {
    throw corruptedRecord(key, error instanceof Error ? error.message : 'it holds no decisions')
  }
  throw corruptedRecord(key, 'it holds no decisions')
}

function isDecision(found: unknown): found is Decision {
  if (typeof found !== 'object' || found === null) return false
  const { at, requestId, slotIndex, verdict, reasons } = found as Partial<Record<keyof Decision, unknown>>
  return (
    Number.isFinite(at) &&
    typeof (requestId as RequestId) === 'string' &&
    (slotIndex === undefined || Number.isSafeInteger(slotIndex)) &&
    VERDICTS.has(verdict) &&
    Array.isArray(reasons) &&
    reasons.every((reason) => typeof reason === 'string')
  )
}
