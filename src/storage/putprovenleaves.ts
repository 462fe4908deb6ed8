// Blocks that come with the proof of their place, as peers deliver them: bytes, leaves and proofs in one commit per group.

import { CodexError } from '../lib/errors.ts'
import type { Cid } from '../protocol/cid.ts'
import { verifyMerkleProof } from '../protocol/merkleproof.ts'
import { SHA2_256 } from '../protocol/multicodec.ts'
import type { Change } from './datastore.ts'
import { proofKey } from './leafproof.ts'
import type { Put, PutExtras, PutOutcome } from './putblocks.ts'
import { putBlocks } from './putblocks.ts'
import { groupsOf } from './putgatherer.ts'
import type { Leaf } from './putleaves.ts'
import { checkLeaves } from './putleaves.ts'
import { claimChanges, relayedNote } from './relayedtrees.ts'
import { sealRecord } from './sealedrecord.ts'
import type { StoreParts } from './storeparts.ts'
import type { TreeRecord } from './treerecord.ts'
import { encodeTreeRecord, nextTreeId, readTreeRecord, treeKey } from './treerecord.ts'

export interface ProvenExtras extends Pick<PutExtras, 'setAside' | 'durability'> {
  /** They are for others: a tree that is made for them is noted as relayed. By default a tree that was is so no more. */
  readonly isRelayed?: boolean | undefined
}

export interface ProvenLeaf extends Put, Pick<Required<Leaf>, 'index' | 'path'> {}

/**
 * Stores the blocks and that they are leaves of the tree, group by group; an existing leaf stays as it is. The proofs are believed.
 * @param leafCount leaves of the whole tree, as somebody says. Most proofs are right for several numbers, so that a wrong one may have been noted: a leaf
 * whose proof does not fit the number that was noted shows that it is wrong, and then this one takes its place; one that fits it leaves it as it is
 * @returns of each whether its block was new, in order
 * @throws CodexError `store/bad-leaf`, for another leaf count than a tree has that was built here too, and as `RepoStore.put`; whole groups may be stored then
 */
export async function putProvenLeaves(
  parts: StoreParts,
  tree: Cid,
  leafCount: number,
  leaves: readonly ProvenLeaf[],
  extras: ProvenExtras = {},
): Promise<PutOutcome[]> {
  checkLeaves(
    leafCount,
    leaves.map(({ index, path, block }) => ({ index, path, blockCid: block.cid })),
  )
  const outcomes: PutOutcome[] = []
  for (const group of groupsOf(leaves, ({ block }) => block.bytes.length))
    outcomes.push(...(await putGroup(parts, tree, leafCount, group, extras)))
  return outcomes
}

async function putGroup(
  parts: StoreParts,
  tree: Cid,
  leafCount: number,
  group: readonly ProvenLeaf[],
  { isRelayed = false, ...extras }: ProvenExtras,
): Promise<PutOutcome[]> {
  const indices = group.map(({ index }) => index)
  for (;;) {
    const { id } = await treeOf(parts, tree, { leafCount, isRelayed }, group)
    const also = async (): Promise<Change[]> => {
      if ((await readTreeRecord(parts.datastore, tree))?.id !== id) throw replaced()
      return group.map(({ index, path }) => ({ put: proofKey(id, index), value: sealRecord(...path) }))
    }
    try {
      return await putBlocks(parts, group, { ...extras, leaves: { treeId: id, indices }, also })
    } catch (error) {
      // An upload of the same content, or a removal, gave the tree another number meanwhile: nothing was stored.
      if (!CodexError.is(error, 'store/tree-replaced')) throw error
    }
  }
}

/** The tree's record, made when there is none, and put right when these leaves show that it is wrong. */
function treeOf(
  parts: StoreParts,
  tree: Cid,
  { leafCount, isRelayed }: { readonly leafCount: number; readonly isRelayed: boolean },
  leaves: readonly ProvenLeaf[],
): Promise<TreeRecord> {
  return parts.ledger.update(async () => {
    const record = await readTreeRecord(parts.datastore, tree)
    if (record !== undefined) {
      const changes = isRelayed ? [] : await claimChanges(parts.datastore, tree)
      if (record.leafCount === leafCount) return [{ changes }, record]
      if (leaves.every((leaf) => fits(tree, record.leafCount, leaf))) return [{ changes }, record]
      if (record.hasNodes || tree.hashCode !== SHA2_256)
        throw new CodexError('store/bad-leaf', `a tree of ${record.leafCount} leaves was given as one of ${leafCount}`)
      const right = { ...record, leafCount }
      return [{ changes: [...changes, { put: treeKey(tree), value: encodeTreeRecord(right) }] }, right]
    }
    const [id, taken] = await nextTreeId(parts.datastore)
    const made = { id, leafCount, hasNodes: false }
    const note = isRelayed ? [relayedNote(tree, made)] : []
    return [{ changes: [taken, { put: treeKey(tree), value: encodeTreeRecord(made) }, ...note] }, made]
  })
}

/** Whether the proof would be right if the tree had so many leaves. */
function fits({ digest, hashCode }: Cid, leafCount: number, { index, block, path }: ProvenLeaf): boolean {
  return verifyMerkleProof(digest, block.cid.digest, { index, leafCount, hashCode, path })
}

function replaced(): CodexError<'store/tree-replaced'> {
  return new CodexError('store/tree-replaced', 'the tree got another number while its leaves were stored')
}
