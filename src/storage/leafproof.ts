// Proofs of leaves: computed from the nodes of a tree that was built here, or as they came with the leaf.

import type { Cid } from '../protocol/cid.ts'
import { DIGEST_BYTES } from '../protocol/cid.ts'
import type { MerkleProof } from '../protocol/merkleproof.ts'
import { treeDepth } from '../protocol/merkleproof.ts'
import type { Datastore, Key } from './datastore.ts'
import { LeafPages } from './leafpage.ts'
import { corruptedRecord, openRecord } from './sealedrecord.ts'
import { indexKey, joinKey, textKey } from './storagekey.ts'
import { pathOf } from './treenodes.ts'
import { readTreeRecord } from './treerecord.ts'

/** `repo/proofs/<tree id><index>` */
const PROOFS_PREFIX: Key = textKey('repo/proofs/')

export function proofsKey(treeId: number): Key {
  return joinKey(PROOFS_PREFIX, indexKey(treeId))
}

export function proofKey(treeId: number, index: number): Key {
  return joinKey(PROOFS_PREFIX, indexKey(treeId), indexKey(index))
}

/**
 * The proof that the block the store has at (tree, index) stands there; undefined where it has no leaf or no proof of it.
 * @throws CodexError `store/corrupted-record`
 */
export async function leafProof(datastore: Datastore, tree: Cid, index: number): Promise<MerkleProof | undefined> {
  const record = await readTreeRecord(datastore, tree)
  if (record === undefined || index >= record.leafCount) return undefined
  if ((await LeafPages.read(datastore, record.id, [index])).get(index) === undefined) return undefined
  const path = record.hasNodes ? await pathOf(datastore, record, index) : await storedPath(datastore, record, index)
  return path && { index, leafCount: record.leafCount, hashCode: tree.hashCode, path }
}

async function storedPath(
  datastore: Datastore,
  { id, leafCount }: { readonly id: number; readonly leafCount: number },
  index: number,
): Promise<Uint8Array[] | undefined> {
  const key = proofKey(id, index)
  const sealed = await datastore.get(key)
  if (sealed === undefined) return undefined
  const nodes = openRecord(key, sealed)
  if (nodes.length !== treeDepth(leafCount) * DIGEST_BYTES) throw corruptedRecord(key, 'a proof has the wrong length')
  return Array.from({ length: nodes.length / DIGEST_BYTES }, (_, i) =>
    nodes.slice(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES),
  )
}
