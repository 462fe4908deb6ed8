// What the store knows of a tree as a whole. Leaves lie under a number of the store's own, because an upload learns the tree's CID last.

import type { Cid } from '../protocol/cid.ts'
import type { Change, Datastore, Key } from './datastore.ts'
import { corruptedRecord, openRecord, sealRecord } from './sealedrecord.ts'
import { indexKey, joinKey, textKey } from './storagekey.ts'

export interface TreeRecord {
  /** Leaves, nodes and proofs of the tree lie under this number; never given twice. */
  readonly id: number
  /** Leaves of the whole tree, whether they are here or not. */
  readonly leafCount: number
  /** The inner nodes are here: it was built in this store. */
  readonly hasNodes: boolean
}

/** `repo/trees/<tree CID>` */
const TREES_PREFIX: Key = textKey('repo/trees/')
const NEXT_ID_KEY: Key = textKey('meta/next-tree')
/** `repo/sweeps/<tree id>`: an upload that has not ended, or a tree that nobody holds any more. All under the number goes at the next start. */
export const SWEEPS_PREFIX: Key = textKey('repo/sweeps/')

export function treeKey(tree: Cid): Key {
  return joinKey(TREES_PREFIX, tree.bytes)
}

export function sweepKey(id: number): Key {
  return joinKey(SWEEPS_PREFIX, indexKey(id))
}

export function encodeTreeRecord({ id, leafCount, hasNodes }: TreeRecord): Uint8Array {
  const payload = new Uint8Array(17)
  const view = new DataView(payload.buffer)
  view.setFloat64(0, id, true)
  view.setFloat64(8, leafCount, true)
  view.setUint8(16, hasNodes ? 1 : 0)
  return sealRecord(payload)
}

/** @throws CodexError `store/corrupted-record` */
export async function readTreeRecord(datastore: Datastore, tree: Cid): Promise<TreeRecord | undefined> {
  const key = treeKey(tree)
  const record = await datastore.get(key)
  if (record === undefined) return undefined
  const payload = openRecord(key, record)
  if (payload.length !== 17) throw corruptedRecord(key, 'a tree record has the wrong length')
  const view = new DataView(payload.buffer, payload.byteOffset)
  const [id, leafCount] = [view.getFloat64(0, true), view.getFloat64(8, true)]
  if (!Number.isSafeInteger(id) || !Number.isSafeInteger(leafCount))
    throw corruptedRecord(key, 'a tree record holds impossible values')
  return { id, leafCount, hasNodes: view.getUint8(16) === 1 }
}

/** A number no tree had before, and the change that keeps it from being given again. To be called where nothing else changes. */
export async function nextTreeId(datastore: Datastore): Promise<readonly [id: number, taken: Change]> {
  const record = await datastore.get(NEXT_ID_KEY)
  const id = record === undefined ? 1 : idOf(openRecord(NEXT_ID_KEY, record))
  return [id, { put: NEXT_ID_KEY, value: sealRecord(indexKey(id + 1)) }]
}

/** The number at the end of a key such as {@link sweepKey} makes. */
export function idOf(key: Uint8Array): number {
  return Number(new DataView(key.buffer, key.byteOffset + key.length - 8).getBigUint64(0))
}
