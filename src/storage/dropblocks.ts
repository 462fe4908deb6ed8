// Delete: blocks by CID, leaves by (tree, index), and what has expired. Each page is one commit.

import { toHex } from '../lib/bytes.ts'
import type { Seconds } from '../lib/units.ts'
import { isEmptyBlockCid } from '../protocol/block.ts'
import type { Cid } from '../protocol/cid.ts'
import type { DigestList } from '../protocol/digestlist.ts'
import { BlockPlan } from './blockplan.ts'
import type { BlockRecord } from './blockrecord.ts'
import { occupies, servable } from './blockrecord.ts'
import type { Change, Key } from './datastore.ts'
import { decodeLeafRecord } from './leafrecord.ts'
import type { StoreParts } from './storeparts.ts'
import { blockKey, leafKey, readBlockRecords } from './storeparts.ts'

/** `in use`: leaves refer to it and it has not expired; it stays. */
export type DropOutcome = 'dropped' | 'absent' | 'in use'

export interface DropBlocksOptions {
  /** Records of the caller's that go with it. */
  readonly also?: readonly Change[]
  /** Asked while nothing can change: when true, every block is in use. */
  readonly held?: () => boolean
}

/** Drops each block that nobody refers to or whose time is over; the rest stays. */
export function dropBlocks(
  parts: StoreParts,
  cids: readonly Cid[],
  { also = [], held = () => false }: DropBlocksOptions = {},
): Promise<DropOutcome[]> {
  return parts.ledger.update<DropOutcome[]>(async () => {
    if (held()) return [{ changes: also }, cids.map(() => 'in use')]
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

export interface DropLeavesOptions {
  /** Records of the caller's that go with it. */
  readonly also?: readonly Change[]
  /**
   * Asked while nothing can change: where to note the digests of blocks that lost their last leaf, which then stay for whoever is about to
   * refer to them. Without it, or when it answers nothing, they go at once.
   */
  readonly spared?: () => DigestList | undefined
}

/**
 * Drops these leaves of a tree, and each block that no leaf refers to any more.
 * @returns how many of the leaves were there
 */
export function dropLeaves(
  parts: StoreParts,
  tree: Cid,
  indices: readonly number[],
  { also = [], spared = () => undefined }: DropLeavesOptions = {},
): Promise<number> {
  return parts.ledger.update(async () => {
    const keys = [...new Set(indices)].map((index) => ({ index, key: leafKey(tree, index) }))
    const sealed = await parts.datastore.getMany(keys.map(({ key }) => key))
    const plan = new BlockPlan()
    const lost = new Map<string, { readonly cid: Cid; count: number }>()
    let found = 0
    for (const [i, { index, key }] of keys.entries()) {
      const record = sealed[i]
      if (record === undefined) continue
      found++
      plan.also({ drop: key })
      const { blockCid } = decodeLeafRecord(key, index, record)
      if (isEmptyBlockCid(blockCid)) continue
      const name = toHex(blockCid.bytes)
      const entry = lost.get(name) ?? { cid: blockCid, count: 0 }
      entry.count++
      lost.set(name, entry)
    }
    const blocks = [...lost.values()].map(({ cid, count }) => ({ cid, key: blockKey(cid), count }))
    const records = await readBlockRecords(
      parts.datastore,
      blocks.map(({ key }) => key),
    )
    const spare = spared()
    for (const [i, { cid, key, count }] of blocks.entries()) {
      const record = records[i]
      if (record === undefined) continue
      const refCount = Math.max(0, record.refCount - count)
      const stays = refCount > 0 || (spare !== undefined && servable(record))
      if (stays && refCount === 0) spare?.push(cid.digest)
      plan.replace(key, record, stays ? { ...record, refCount } : undefined)
    }
    return [plan.also(...also).plan, found]
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
