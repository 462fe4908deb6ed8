// Delete: blocks by CID, and blocks whose time is over. Leaves go in dropleaves.ts.

import type { Seconds } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import { BlockPlan } from './blockplan.ts'
import type { BlockRecord } from './blockrecord.ts'
import { occupies } from './blockrecord.ts'
import type { Change, Key } from './datastore.ts'
import type { StoreParts } from './storeparts.ts'
import { blockKey, readBlockRecords } from './storeparts.ts'

/** `in use`: leaves refer to it and it has not expired; it stays. */
export type DropOutcome = 'dropped' | 'absent' | 'in use'

export interface DropBlockOptions {
  /** Records of the caller's that go with it, or with it having gone before; left alone when it is in use. */
  readonly also?: readonly Change[] | undefined
  /** As long as its time is not over it is in use, even if nobody refers to it. */
  readonly onlyExpired?: boolean | undefined
  /** Whoever has prolonged it beyond this time uses it. */
  readonly expiringBy?: Seconds | undefined
}

/** Drops a block that nobody refers to or whose time is over. */
export function dropBlock(
  parts: StoreParts,
  cid: Cid,
  { also = [], onlyExpired, expiringBy = Infinity }: DropBlockOptions = {},
): Promise<DropOutcome> {
  return parts.ledger.update<DropOutcome>(async () => {
    const key = blockKey(cid)
    const [record] = await readBlockRecords(parts.datastore, [key])
    if (record === undefined || !occupies(record)) return [{ changes: also }, 'absent']
    const isNeeded = record.refCount > 0 || onlyExpired === true || record.expiry > expiringBy
    if (isNeeded && !isExpired(record, parts.clock.now())) return [{ changes: [] }, 'in use']
    return [new BlockPlan().replace(key, record, withoutBytes(record)).also(...also).plan, 'dropped']
  })
}

/** Drops those of these blocks whose time is over by now, whoever refers to them, with `also`. @returns their number */
export function dropExpired(parts: StoreParts, keys: readonly Key[], also: readonly Change[]): Promise<number> {
  return parts.ledger.update(async () => {
    const now = parts.clock.now()
    const records = await readBlockRecords(parts.datastore, keys)
    const plan = new BlockPlan()
    let dropped = 0
    for (const [i, key] of keys.entries()) {
      const record = records[i]
      if (record === undefined || !isExpired(record, now)) continue
      plan.replace(key, record, withoutBytes(record))
      dropped++
    }
    return [plan.also(...also).plan, dropped]
  })
}

export function isExpired(record: BlockRecord, now: Seconds): boolean {
  return occupies(record) && record.expiry < now
}

/** The count of leaves outlives the bytes: were it forgotten, a later put of the same block would start at 0 and be dropped too early. */
function withoutBytes(record: BlockRecord): BlockRecord | undefined {
  return record.refCount === 0 ? undefined : { ...record, place: { at: 'gone' } }
}
