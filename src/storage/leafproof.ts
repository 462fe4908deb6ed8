// Proofs of leaves: computed from the nodes of a tree that was built here, or as they came with the leaf.

import { equalBytes } from '../lib/bytes.ts'
import type { Cid } from '../protocol/cid.ts'
import { DIGEST_BYTES } from '../protocol/cid.ts'
import type { MerkleProof } from '../protocol/merkleproof.ts'
import { treeDepth } from '../protocol/merkleproof.ts'
import type { Datastore, Key } from './datastore.ts'
import { LeafPages } from './leafpage.ts'
import { corruptedRecord, openRecord } from './sealedrecord.ts'
import { indexKey, joinKey, textKey } from './storagekey.ts'
import { pathsOf } from './treenodes.ts'
import { readTreeRecord } from './treerecord.ts'

/** `repo/proofs/<tree id><index>` */
const PROOFS_PREFIX: Key = textKey('repo/proofs/')

export function proofsKey(treeId: number): Key {
  return joinKey(PROOFS_PREFIX, indexKey(treeId))
}

export function proofKey(treeId: number, index: number): Key {
  return joinKey(PROOFS_PREFIX, indexKey(treeId), indexKey(index))
}

/** The block that stands at a place of a tree, and what proves that it does; undefined where the store has no proof of it. */
export interface PlacedLeaf {
  readonly cid: Cid
  readonly proof: MerkleProof | undefined
}

/**
 * What the store has at these places of a tree, in order; undefined where it has no leaf. Leaves and proofs at once cost much less than one after the other.
 * @throws CodexError `store/corrupted-record`
 */
export async function placedLeaves(
  datastore: Datastore,
  tree: Cid,
  indices: readonly number[],
): Promise<(PlacedLeaf | undefined)[]> {
  const record = await readTreeRecord(datastore, tree)
  if (record === undefined) return indices.map(() => undefined)
  const { id, leafCount, hasNodes } = record
  const inTree = [...new Set(indices.filter((index) => index < leafCount))]
  const siblings = hasNodes ? inTree.map((index) => index ^ 1).filter((sibling) => sibling < leafCount) : []
  const leaves = await LeafPages.read(datastore, id, [...inTree, ...siblings])
  const here = inTree.filter((index) => leaves.has(index))
  const paths = hasNodes ? await pathsOf(datastore, record, leaves, here) : await storedPaths(datastore, record, here)
  const byIndex = new Map(here.map((index, i) => [index, paths[i]]))
  return indices.map((index) => {
    const cid = byIndex.has(index) ? leaves.get(index) : undefined
    const path = byIndex.get(index)
    return cid && { cid, proof: path && { index, leafCount, hashCode: tree.hashCode, path } }
  })
}

async function storedPaths(
  datastore: Datastore,
  { id, leafCount }: { readonly id: number; readonly leafCount: number },
  indices: readonly number[],
): Promise<(Uint8Array[] | undefined)[]> {
  const keys = indices.map((index) => proofKey(id, index))
  const records = await datastore.getMany(keys)
  let before: readonly Uint8Array[] = []
  return records.map((sealed, i) => {
    if (sealed === undefined) return undefined
    const key = keys[i] as Key
    const nodes = openRecord(key, sealed)
    if (nodes.length !== treeDepth(leafCount) * DIGEST_BYTES) throw corruptedRecord(key, 'a proof has the wrong length')
    const path = Array.from({ length: nodes.length / DIGEST_BYTES }, (_, at) => {
      const node = nodes.subarray(at * DIGEST_BYTES, (at + 1) * DIGEST_BYTES)
      const known = before[at]
      // Leaves beside each other share most nodes, and whoever sends their proofs copies only those that differ.
      return known !== undefined && equalBytes(known, node) ? known : node.slice()
    })
    before = path
    return path
  })
}
