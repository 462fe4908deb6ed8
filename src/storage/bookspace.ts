// Decisions over reserved bytes: made while nothing else can change, from the counters as they are, and committed with the records that say
// so. Can drop references in the same commit. Who the bytes are set aside for is the business of the rooms above.

import type { Bytes } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import { BlockPlan } from './blockplan.ts'
import type { Change, Datastore, Key } from './datastore.ts'
import { hasKeys, isEmptyAfter, loseReferences, passedOver } from './dropleaves.ts'
import { LEAVES_PER_PAGE, LeafPage, LeafPages, leavesKey } from './leafpage.ts'
import { proofKey } from './leafproof.ts'
import type { Plan } from './ledger.ts'
import type { Counters } from './quota.ts'
import { freeBytes } from './quota.ts'
import type { StoreParts } from './storeparts.ts'
import { holdersKey } from './treeholder.ts'
import { idOf, nextTreeId, readTreeRecord, treeKey } from './treerecord.ts'

/** What a decision sees. */
export interface SpaceLook {
  /** As they are before this commit. */
  readonly counters: Counters
  /** Bytes neither used nor reserved, once the references are dropped. */
  readonly free: Bytes
  /** Bytes of blocks that go because nobody else refers to them. */
  readonly freed: Bytes
  /** Leaves of the list that are left for another time. */
  readonly hasMore: boolean
  /** A number for a new list of leaves, and the change that keeps it from being given again. Once per decision. */
  readonly newList: () => Promise<readonly [id: number, taken: Change]>
}

export interface Booking<T> extends Pick<Plan, 'changes' | 'applied'> {
  /** Bytes to set aside, or to give back when negative. */
  readonly reserve: Bytes
  readonly result: T
}

/** References that go: a list of leaves that belongs to no tree's CID, such as those of one slot. */
export interface ListToDrop {
  readonly listId: number
  /** Pages of {@link LEAVES_PER_PAGE} leaves dropped at most in this commit. */
  readonly maxPages: number
  /** The tree of a dataset whose leaves at the same indices go too, unless a manifest in the store holds it. */
  readonly tree?: Cid | undefined
  /** Lists over the same tree: where one of them has a leaf, the tree keeps its own. */
  readonly others?: readonly number[] | undefined
}

/**
 * Runs `drop` and `decide` alone, in this order; the booking is committed with the dropped references or not at all.
 * @throws CodexError `store/quota-exceeded`, `store/release-exceeds-reserved`, and what `decide` and the Datastore throw
 */
export function bookSpace<T>(
  parts: StoreParts,
  decide: (look: SpaceLook) => Promise<Booking<T>>,
  drop: () => Promise<ListToDrop | undefined> = async () => undefined,
): Promise<T> {
  const { datastore, ledger } = parts
  return ledger.update(async () => {
    const plan = new BlockPlan()
    const list = await drop()
    const hasMore = list === undefined ? false : await dropList(parts, plan, list)
    const before = await ledger.counters()
    const { used = 0, blocks = 0 } = plan.plan.delta ?? {}
    const { reserve, changes, applied, result } = await decide({
      counters: before,
      free: freeBytes({ ...before, used: before.used + used }, ledger.total),
      freed: 0 - used,
      hasMore,
      newList: () => nextTreeId(datastore),
    })
    const moves = used !== 0 || blocks !== 0 || reserve !== 0
    const delta = moves ? { delta: { used, blocks, reserved: reserve } } : {}
    return [{ ...plan.also(...changes).plan, ...delta, applied }, result]
  })
}

/** @returns whether leaves are left */
async function dropList(parts: StoreParts, plan: BlockPlan, drop: ListToDrop): Promise<boolean> {
  const pages: (readonly [Key, LeafPage | undefined])[] = []
  let hasMore = false
  for await (const [key, sealed] of parts.datastore.entries(leavesKey(drop.listId), { signal: NEVER })) {
    hasMore = pages.length === drop.maxPages
    if (hasMore) break
    pages.push([key, passedOver(parts, () => LeafPage.decode(key, sealed), undefined)])
  }
  const cids = pages.flatMap(([, page]) => page?.cids() ?? [])
  plan.also(...pages.map(([key]) => ({ drop: key })))
  if (drop.tree !== undefined) {
    const indices = pages.flatMap(([key, page]) => (page === undefined ? [] : indicesOf(idOf(key), page)))
    cids.push(...(await dropFromTree(parts.datastore, plan, drop.tree, indices, drop.others ?? [])))
  }
  await loseReferences(parts, plan, cids)
  return hasMore
}

/** The blocks whose leaves in the tree go with this plan. */
async function dropFromTree(
  datastore: Datastore,
  plan: BlockPlan,
  tree: Cid,
  indices: readonly number[],
  others: readonly number[],
): Promise<Cid[]> {
  const record = await readTreeRecord(datastore, tree)
  if (record === undefined || (await hasKeys(datastore, holdersKey(tree)))) return []
  const needed = await Promise.all(others.map((list) => LeafPages.read(datastore, list, indices)))
  const pages = await LeafPages.read(datastore, record.id, indices)
  const cids: Cid[] = []
  for (const index of indices) {
    if (needed.some((list) => list.get(index) !== undefined)) continue
    const cid = pages.remove(index)
    if (cid === undefined) continue
    cids.push(cid)
    plan.also({ drop: proofKey(record.id, index) })
  }
  const changes = pages.changes()
  const isEmpty = await isEmptyAfter(datastore, record, changes)
  plan.also(...changes, ...(isEmpty ? [{ drop: treeKey(tree) }] : []))
  return cids
}

function indicesOf(pageNumber: number, page: LeafPage): number[] {
  const places = Array.from({ length: LEAVES_PER_PAGE }, (_, place) => place)
  return places.filter((place) => page.get(place) !== undefined).map((place) => pageNumber * LEAVES_PER_PAGE + place)
}

/** A commit under the lock is not left half-way. */
const NEVER = new AbortController().signal
