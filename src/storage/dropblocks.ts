// Delete: blocks by CID, and blocks whose time is over. Leaves go in dropleaves.ts.

import { toHex } from '../lib/bytes.ts'
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

/** Drops each block that nobody refers to or whose time is over, with `also`; the rest stays. */
export function dropBlocks(
  parts: StoreParts,
  cids: readonly Cid[],
  also: readonly Change[] = [],
): Promise<DropOutcome[]> {
  return parts.ledger.update<DropOutcome[]>(async () => {
    const now = parts.clock.now()
    const keys = distinctKeys(cids)
    const names = [...keys.keys()]
    const records = await readBlockRecords(parts.datastore, [...keys.values()])
    const plan = new BlockPlan()
    const outcomes = new Map<string, DropOutcome>()
    for (const [i, name] of names.entries()) {
      const record = records[i]
      if (record === undefined || !occupies(record)) outcomes.set(name, 'absent')
      else if (record.refCount > 0 && record.expiry >= now) outcomes.set(name, 'in use')
      else {
        plan.replace(keys.get(name) as Key, record, withoutBytes(record))
        outcomes.set(name, 'dropped')
      }
    }
    return [plan.also(...also).plan, cids.map((cid) => outcomes.get(toHex(cid.bytes)) ?? 'absent')]
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

function distinctKeys(cids: readonly Cid[]): Map<string, Key> {
  return new Map(cids.map((cid) => [toHex(cid.bytes), blockKey(cid)]))
}
