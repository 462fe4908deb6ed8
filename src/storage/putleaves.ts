// Leaves of a tree that is known beforehand: which block stands at (tree, index), with its proof. Each counts as one reference to its block.

import { CodexError } from '../lib/errors.ts'
import { isEmptyBlockCid } from '../protocol/block.ts'
import type { Cid } from '../protocol/cid.ts'
import { DIGEST_BYTES, isBlockCid } from '../protocol/cid.ts'
import { treeDepth } from '../protocol/merkleproof.ts'
import { MAX_TREE_LEAVES } from '../protocol/merkletree.ts'
import { BlockPlan } from './blockplan.ts'
import { servable } from './blockrecord.ts'
import type { Change } from './datastore.ts'
import { LeafPages } from './leafpage.ts'
import { proofKey } from './leafproof.ts'
import { claimChanges } from './relayedtrees.ts'
import { sealRecord } from './sealedrecord.ts'
import type { StoreParts } from './storeparts.ts'
import { blockKey, readBlockRecords } from './storeparts.ts'
import { encodeTreeRecord, nextTreeId, readTreeRecord, treeKey } from './treerecord.ts'

export interface Leaf {
  readonly index: number
  readonly blockCid: Cid
  /** Sibling nodes, bottom first, 32 bytes each; without it the store cannot prove this leaf to others. */
  readonly path?: readonly Uint8Array[]
}

/**
 * Stores those leaves that are not there yet, in one commit; an existing leaf is never overwritten, so repeating is harmless. Their blocks
 * must be in the store (the empty block always is, and slot cells need none).
 * @param leafCount leaves of the whole tree
 * @returns how many were new
 * @throws CodexError `store/block-missing` naming the first block that is not there, `store/bad-leaf` for numbers that make no tree: nothing is
 * stored then
 */
export function putLeaves(parts: StoreParts, tree: Cid, leafCount: number, leaves: readonly Leaf[]): Promise<number> {
  checkLeaves(leafCount, leaves)
  return parts.ledger.update(async () => {
    const claims = await claimChanges(parts.datastore, tree)
    const plan = new BlockPlan().also(...claims)
    let record = await readTreeRecord(parts.datastore, tree)
    if (record === undefined) {
      const [id, taken] = await nextTreeId(parts.datastore)
      record = { id, leafCount, hasNodes: false }
      plan.also(taken, { put: treeKey(tree), value: encodeTreeRecord(record) })
    }
    const { id } = record
    if (record.leafCount !== leafCount)
      throw badLeaf(`a tree of ${record.leafCount} leaves was given as one of ${leafCount}`)
    const pages = await LeafPages.read(
      parts.datastore,
      id,
      leaves.map(({ index }) => index),
    )
    const added = leaves.filter(({ index, blockCid }) => pages.add(index, blockCid))
    if (added.length === 0) return [{ changes: claims }, 0]
    const gained = countReferences(added.map(({ blockCid }) => blockCid))
    const records = await readBlockRecords(
      parts.datastore,
      gained.map(({ cid }) => blockKey(cid)),
    )
    for (const [i, { cid, count }] of gained.entries()) {
      const block = records[i]
      if (!servable(block)) throw blockMissing(cid)
      plan.replace(blockKey(cid), block, { ...block, refCount: block.refCount + count })
    }
    const proofs = added.flatMap(({ index, path }): Change[] =>
      path === undefined ? [] : [{ put: proofKey(id, index), value: sealRecord(...path) }],
    )
    return [plan.also(...pages.changes(), ...proofs).plan, added.length]
  })
}

/** @throws CodexError `store/bad-leaf` for numbers that make no tree, and proofs of another shape */
export function checkLeaves(leafCount: number, leaves: readonly Leaf[]): void {
  if (!Number.isInteger(leafCount) || leafCount < 1 || leafCount > MAX_TREE_LEAVES)
    throw badLeaf(`a tree has 1 to ${MAX_TREE_LEAVES} leaves, found ${leafCount}`)
  const depth = treeDepth(leafCount)
  for (const { index, path } of leaves) {
    if (!Number.isInteger(index) || index < 0 || index >= leafCount)
      throw badLeaf(`a leaf of ${leafCount} has an index below that, found ${index}`)
    if (path !== undefined && (path.length !== depth || path.some((node) => node.length !== DIGEST_BYTES)))
      throw badLeaf(`the proof of leaf ${index} needs ${depth} nodes of ${DIGEST_BYTES} bytes`)
  }
}

function badLeaf(what: string): CodexError<'store/bad-leaf'> {
  return new CodexError('store/bad-leaf', what)
}

/** How often each data block is named: what leaves count for. */
export function countReferences(cids: readonly Cid[]): { readonly cid: Cid; count: number }[] {
  const byName = new Map<string, { readonly cid: Cid; count: number }>()
  for (const cid of cids) {
    if (!isBlockCid(cid) || isEmptyBlockCid(cid)) continue
    const entry = byName.get(cid.key) ?? { cid, count: 0 }
    entry.count++
    byName.set(cid.key, entry)
  }
  return [...byName.values()]
}

export function blockMissing(cid: Cid): CodexError<'store/block-missing'> {
  return new CodexError('store/block-missing', `block ${cid} is not in the store`, { detail: { cid: String(cid) } })
}
