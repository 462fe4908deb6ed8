// Leaves: which block stands at (tree, index), with its proof. Each new leaf counts as one reference to its block.

import { toHex } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import { isEmptyBlockCid } from '../protocol/block.ts'
import type { Cid } from '../protocol/cid.ts'
import { CODEX_BLOCK } from '../protocol/multicodec.ts'
import { BlockPlan } from './blockplan.ts'
import { servable } from './blockrecord.ts'
import type { Change } from './datastore.ts'
import type { Leaf } from './leafrecord.ts'
import { decodeLeafRecord, encodeLeafRecord } from './leafrecord.ts'
import type { StoreParts } from './storeparts.ts'
import { blockKey, leafKey, readBlockRecords } from './storeparts.ts'

/**
 * Stores those leaves that are not there yet, with `also`, in one commit; an existing leaf is never overwritten, so repeating is harmless.
 * Their blocks must be in the store (the empty block always is, and leaves that name no data block need none).
 * @returns how many were new
 * @throws CodexError `store/block-missing` naming the first block that is not there: nothing is stored then
 */
export function putLeaves(
  parts: StoreParts,
  tree: Cid,
  leaves: readonly Leaf[],
  also: readonly Change[] = [],
): Promise<number> {
  return parts.ledger.update(async () => {
    const byIndex = new Map(leaves.map((leaf) => [leaf.index, leaf]))
    const wanted = [...byIndex.values()].map((leaf) => ({ leaf, key: leafKey(tree, leaf.index) }))
    const existing = await parts.datastore.getMany(wanted.map(({ key }) => key))
    const plan = new BlockPlan()
    const gained = new Map<string, { readonly cid: Cid; count: number }>()
    let added = 0
    for (const [i, { leaf, key }] of wanted.entries()) {
      if (existing[i] !== undefined) continue
      added++
      plan.also({ put: key, value: encodeLeafRecord(leaf) })
      if (leaf.blockCid.codec !== CODEX_BLOCK || isEmptyBlockCid(leaf.blockCid)) continue
      const name = toHex(leaf.blockCid.bytes)
      const entry = gained.get(name) ?? { cid: leaf.blockCid, count: 0 }
      entry.count++
      gained.set(name, entry)
    }
    const blocks = [...gained.values()]
    const records = await readBlockRecords(
      parts.datastore,
      blocks.map(({ cid }) => blockKey(cid)),
    )
    for (const [i, { cid, count }] of blocks.entries()) {
      const record = records[i]
      if (!servable(record)) throw blockMissing(cid)
      plan.replace(blockKey(cid), record, { ...record, refCount: record.refCount + count })
    }
    return [plan.also(...also).plan, added]
  })
}

/** The leaves at these indices, in order; `undefined` where the store has none. @throws CodexError `store/corrupted-record` */
export async function getLeaves(
  { datastore }: StoreParts,
  tree: Cid,
  indices: readonly number[],
): Promise<(Leaf | undefined)[]> {
  const keys = indices.map((index) => leafKey(tree, index))
  const sealed = await datastore.getMany(keys)
  return sealed.map((record, i) =>
    record === undefined ? undefined : decodeLeafRecord(keys[i] as Uint8Array, indices[i] as number, record),
  )
}

export function blockMissing(cid: Cid): CodexError<'store/block-missing'> {
  return new CodexError('store/block-missing', `block ${cid} is not in the store`, { detail: { cid: String(cid) } })
}
