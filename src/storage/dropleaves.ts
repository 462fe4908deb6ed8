// Leaves that go: some of a tree, or all there is of one. A block goes with its last leaf.

import { isEmptyBlockCid } from '../protocol/block.ts'
import type { Cid } from '../protocol/cid.ts'
import { BlockPlan } from './blockplan.ts'
import { decodeBlockRecord } from './blockrecord.ts'
import type { Change, Datastore, Key } from './datastore.ts'
import { LeafPage, LeafPages, leavesKey } from './leafpage.ts'
import { proofKey, proofsKey } from './leafproof.ts'
import { countReferences } from './putleaves.ts'
import { claimChanges, isRelayed } from './relayedtrees.ts'
import type { StoreParts } from './storeparts.ts'
import { RECORDS_PER_PAGE, blockKey } from './storeparts.ts'
import { holdersKey } from './treeholder.ts'
import { nodesKey } from './treenodes.ts'
import { readTreeRecord, sweepKey, treeKey } from './treerecord.ts'
import type { TreeRecord } from './treerecord.ts'
import { trimSlab } from './trimslab.ts'

const NONE: ReadonlySet<string> = new Set()
/** What is read under the lock is not left half-way. */
const NEVER = new AbortController().signal
/** Pages of leaves dropped in one commit. */
const PAGES_AT_ONCE = 8

export interface DropLeavesOptions {
  /**
   * Spares a leaf whose block something else refers to as well: nothing is freed by dropping it, and that may be the list of a slot, which is proven by
   * the places of its blocks in this tree; but none of a tree that is only relayed. Spares all of a tree that a manifest holds. The record of a tree goes
   * with its last leaf. By default all go.
   */
  readonly onlyLast?: boolean | undefined
}

/** Drops these leaves of a tree. @returns how many went */
export function dropLeaves(
  parts: StoreParts,
  tree: Cid,
  indices: readonly number[],
  { onlyLast = false }: DropLeavesOptions = {},
): Promise<number> {
  return parts.ledger.update(async () => {
    const record = await readTreeRecord(parts.datastore, tree)
    if (record === undefined) return [{ changes: [] }, 0]
    if (onlyLast && (await hasKeys(parts.datastore, holdersKey(tree)))) return [{ changes: [] }, 0]
    const pages = await LeafPages.read(parts.datastore, record.id, indices)
    const isNeeded = onlyLast && !(await isRelayed(parts.datastore, tree, record))
    const shared = isNeeded ? await sharedBlocks(parts, pages, indices) : NONE
    const cids: Cid[] = []
    const plan = new BlockPlan()
    for (const index of indices) {
      const leaf = pages.get(index)
      // Nobody counts who refers to the empty block, and it frees nothing.
      if (leaf === undefined || shared.has(leaf.key) || (isNeeded && isEmptyBlockCid(leaf))) continue
      pages.remove(index)
      cids.push(leaf)
      plan.also({ drop: proofKey(record.id, index) })
    }
    if (cids.length === 0) return [{ changes: [] }, 0]
    await loseReferences(parts, plan, cids)
    const changes = pages.changes()
    const isEmpty = onlyLast && (await isEmptyAfter(parts.datastore, record, changes))
    if (isEmpty) changes.push({ drop: treeKey(tree) }, ...(await claimChanges(parts.datastore, tree)))
    return [plan.also(...changes).plan, cids.length]
  })
}

/** Whether these changes to its leaves leave nothing of a tree: then its record goes with them. One that was built here has its nodes. */
export async function isEmptyAfter(
  datastore: Datastore,
  { id, hasNodes }: TreeRecord,
  changes: readonly Change[],
): Promise<boolean> {
  const gone = changes.flatMap((change) => ('drop' in change ? [change.drop] : []))
  return !hasNodes && !(await hasKeys(datastore, leavesKey(id), gone))
}

/** Whether there is any record under the prefix but these. */
export async function hasKeys(datastore: Datastore, prefix: Key, except: readonly Key[] = []): Promise<boolean> {
  const passed = new Set(except.map(String))
  for await (const [key] of datastore.entries(prefix, { signal: NEVER })) if (!passed.has(String(key))) return true
  return false
}

/** Of the blocks at these places, those that more refers to than these leaves, by their keys. */
async function sharedBlocks(
  parts: StoreParts,
  pages: LeafPages,
  indices: readonly number[],
): Promise<ReadonlySet<string>> {
  const leaves = indices.map((index) => pages.get(index)).filter((cid) => cid !== undefined)
  const counted = countReferences(leaves)
  const keys = counted.map(({ cid }) => blockKey(cid))
  const sealed = await parts.datastore.getMany(keys)
  const shared = counted.filter(({ count }, i) => {
    const [key, record] = [keys[i] as Key, sealed[i]]
    return record !== undefined && passedOver(parts, () => decodeBlockRecord(key, record).refCount, 0) > count
  })
  return new Set(shared.map(({ cid }) => cid.key))
}

/**
 * Drops everything under a tree's number, in pages, gives the disk its space back, and drops last the note that it must go: a crash in between leaves the note, and the next
 * start goes on. The caller has committed the note, and no tree record names the number.
 */
export async function sweepTree(parts: StoreParts, treeId: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    const keys: Key[] = []
    for await (const [key] of parts.datastore.entries(leavesKey(treeId), { signal })) {
      keys.push(key)
      if (keys.length === PAGES_AT_ONCE) break
    }
    if (keys.length === 0) break
    await dropPages(parts, keys)
  }
  for (const prefix of [nodesKey(treeId), proofsKey(treeId)]) await dropAll(parts, prefix, signal)
  // Before the note goes, so that a crash in between does not leave the disk's space taken.
  await trimSlab(parts)
  await parts.datastore.commit([{ drop: sweepKey(treeId) }])
}

function dropPages(parts: StoreParts, keys: readonly Key[]): Promise<void> {
  return parts.ledger.update<void>(async () => {
    const sealed = await parts.datastore.getMany(keys)
    const cids = sealed.flatMap((record, i) =>
      record === undefined ? [] : passedOver(parts, () => LeafPage.decode(keys[i] as Key, record).cids(), []),
    )
    const plan = new BlockPlan().also(...keys.map((drop) => ({ drop })))
    await loseReferences(parts, plan, cids)
    return [plan.plan, undefined]
  })
}

/** Takes these references from their blocks' records, and the blocks that lose their last one from the store. */
export async function loseReferences(parts: StoreParts, plan: BlockPlan, cids: readonly Cid[]): Promise<void> {
  const lost = countReferences(cids)
  const keys = lost.map(({ cid }) => blockKey(cid))
  const sealed = await parts.datastore.getMany(keys)
  for (const [i, { count }] of lost.entries()) {
    const key = keys[i] as Key
    const record = sealed[i] && passedOver(parts, () => decodeBlockRecord(key, sealed[i] as Uint8Array), undefined)
    if (record === undefined) continue
    const refCount = Math.max(0, record.refCount - count)
    plan.replace(key, record, refCount === 0 ? undefined : { ...record, refCount })
  }
}

/** One damaged record must not keep all the rest from going: it is reported and left to `repair`. */
export function passedOver<T>({ log }: StoreParts, decode: () => T, otherwise: T): T {
  try {
    return decode()
  } catch (error) {
    log.error('a damaged record was passed over in a removal; a repair puts the books right', { error })
    return otherwise
  }
}

async function dropAll({ datastore }: StoreParts, prefix: Key, signal: AbortSignal): Promise<void> {
  let drops: Change[] = []
  for await (const [key] of datastore.entries(prefix, { signal })) {
    drops.push({ drop: key })
    if (drops.length < RECORDS_PER_PAGE) continue
    await datastore.commit(drops)
    drops = []
  }
  await datastore.commit(drops)
}
