// Trees that nothing of this node needs: only its relay has put leaves into them, for others. They are noted, so that those leaves may go whatever else refers
// to their blocks, and so that a restart, which knows nothing of the relay's cache, finds them. Whoever comes to need a tree claims it.

import { equalBytes } from '../lib/bytes.ts'
import type { Cid } from '../protocol/cid.ts'
import type { Change, Datastore, Key } from './datastore.ts'
import { LeafPages } from './leafpage.ts'
import { sealRecord } from './sealedrecord.ts'
import { indexKey, joinKey, textKey } from './storagekey.ts'
import type { StoreParts } from './storeparts.ts'
import type { TreeRecord } from './treerecord.ts'
import { readTreeRecord } from './treerecord.ts'

/** `repo/relayed/<tree CID>`: the number that the tree had when it was noted. Under another number it is another's. */
export const RELAYED_PREFIX: Key = textKey('repo/relayed/')

export function relayedKey(tree: Cid): Key {
  return joinKey(RELAYED_PREFIX, tree.bytes)
}

/** To be committed with the record that makes the tree. */
export function relayedNote(tree: Cid, { id }: Pick<TreeRecord, 'id'>): Change {
  return { put: relayedKey(tree), value: sealRecord(indexKey(id)) }
}

export async function isRelayed(
  datastore: Datastore,
  tree: Cid,
  { id, hasNodes }: Pick<TreeRecord, 'id' | 'hasNodes'>,
): Promise<boolean> {
  const note = hasNodes ? undefined : await datastore.get(relayedKey(tree))
  return note !== undefined && equalBytes(note, sealRecord(indexKey(id)))
}

/** What takes the note of a tree away, to be committed with whatever needs it, or with its last leaf. Empty where there is none. */
export async function claimChanges(datastore: Datastore, tree: Cid): Promise<Change[]> {
  const key = relayedKey(tree)
  return (await datastore.get(key)) === undefined ? [] : [{ drop: key }]
}

/** Claims the tree: from now on none of its leaves goes whose block something else refers to as well. */
export function claimTree({ ledger, datastore }: StoreParts, tree: Cid): Promise<void> {
  return ledger.update<void>(async () => [{ changes: await claimChanges(datastore, tree) }, undefined])
}

/**
 * Claims the tree for whoever needs these leaves, which something else than the tree refers to as well.
 * @returns those that are not there. Where none is missing, all stay from now on: a tree that went meanwhile may have been made anew for others @throws CodexError `store/corrupted-record`
 */
export function claimLeaves(
  { ledger, datastore }: StoreParts,
  tree: Cid,
  indices: readonly number[],
): Promise<number[]> {
  return ledger.update(async () => {
    const record = await readTreeRecord(datastore, tree)
    if (record === undefined) return [{ changes: [] }, [...indices]]
    const pages = await LeafPages.read(datastore, record.id, indices)
    return [{ changes: await claimChanges(datastore, tree) }, indices.filter((index) => !pages.has(index))]
  })
}
