// Leaves that take their places in a tree that is in the store: what was stored under a number of its own and has since proven true.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Cid } from '../protocol/cid.ts'
import { LEAVES_PER_PAGE, LeafPages, leavesKey } from './leafpage.ts'
import { claimChanges } from './relayedtrees.ts'
import type { StoreParts } from './storeparts.ts'
import { encodeTreeRecord, idOf, nextTreeId, readTreeRecord, treeKey } from './treerecord.ts'

export interface AdoptOptions {
  readonly leafCount?: number | undefined
  readonly moved: (indices: readonly number[]) => void
}

/** Pages that move in one commit. */
const PAGES_AT_ONCE = 16

/**
 * Moves the leaves under `treeId` to the same places of `tree`, pages at a time, each a commit. A place that is taken stays as it is, and the leaf
 * where it was, to be swept. References to blocks move too, so their counts stay.
 * @param options `leafCount`: makes the tree where it is not in the store, for so many leaves in all; `moved` hears after each commit which did
 * @throws CodexError `dataset/tree-missing`, `store/corrupted-record`; what moved by then stays
 */
export async function adoptLeaves(
  parts: StoreParts,
  treeId: number,
  tree: Cid,
  { leafCount, moved, signal }: AbortOptions & AdoptOptions,
): Promise<void> {
  let pages: number[] = []
  for await (const [key] of parts.datastore.entries(leavesKey(treeId), { signal })) {
    pages.push(idOf(key))
    if (pages.length < PAGES_AT_ONCE) continue
    moved(await adoptPages(parts, treeId, tree, { pages, leafCount }))
    pages = []
  }
  moved(await adoptPages(parts, treeId, tree, { pages, leafCount }))
}

function adoptPages(
  parts: StoreParts,
  treeId: number,
  tree: Cid,
  { pages, leafCount }: { readonly pages: readonly number[]; readonly leafCount: number | undefined },
): Promise<number[]> {
  return parts.ledger.update(async () => {
    const made = await claimChanges(parts.datastore, tree)
    let record = await readTreeRecord(parts.datastore, tree)
    if (record === undefined && leafCount !== undefined) {
      const [id, taken] = await nextTreeId(parts.datastore)
      record = { id, leafCount, hasNodes: false }
      made.push(taken, { put: treeKey(tree), value: encodeTreeRecord(record) })
    }
    if (record === undefined)
      throw new CodexError('dataset/tree-missing', `expected tree ${tree} in the store: the dataset is gone`, {
        detail: { treeCid: String(tree) },
      })
    const indices = pages.flatMap((page) =>
      Array.from({ length: LEAVES_PER_PAGE }, (_, place) => page * LEAVES_PER_PAGE + place),
    )
    const from = await LeafPages.read(parts.datastore, treeId, indices)
    const to = await LeafPages.read(parts.datastore, record.id, indices)
    const moved: number[] = []
    for (const index of indices) {
      const cid = from.get(index)
      if (cid === undefined || !to.add(index, cid)) continue
      from.remove(index)
      moved.push(index)
    }
    return [{ changes: [...made, ...to.changes(), ...from.changes()] }, moved]
  })
}
