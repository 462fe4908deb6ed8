// Records of the index in which one bit has flipped, put right: as they were to the bit, so that no account changes with them. What is damaged in another
// way stays as it is.

import type { AbortOptions } from '../lib/abort.ts'
import { toHex } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import type { Cid } from '../protocol/cid.ts'
import type { Key } from './datastore.ts'
import { LEAVES_PER_PAGE, LeafPage, leavesKey, pageKey } from './leafpage.ts'
import type { LeafRange } from './presentleaves.ts'
import { countReferences } from './putleaves.ts'
import { openRecord, withoutFlippedBit } from './sealedrecord.ts'
import type { StoreParts } from './storeparts.ts'
import { RECORDS_PER_PAGE, blockKey } from './storeparts.ts'
import { nodesKey } from './treenodes.ts'
import type { TreeRecord } from './treerecord.ts'
import { readTreeRecord, treeKey } from './treerecord.ts'

/** Some places of a tree. */
export interface TreePart {
  readonly tree: Cid
  readonly range: LeafRange
}

export interface RecordsToMend {
  readonly blocks: readonly Cid[]
  /** With the records of the blocks that stand there, and all nodes of the tree. */
  readonly trees: readonly TreePart[]
  /** Numbers of lists of leaves that belong to no tree. */
  readonly lists: readonly number[]
}

/** @returns how many were put right. @throws what the Datastore throws, the signal's reason; what was put right by then stays so */
export async function mendRecords(
  parts: StoreParts,
  { blocks, trees, lists }: RecordsToMend,
  { signal }: AbortOptions,
): Promise<number> {
  let mended = await mendEach(parts, [...blocks.map(blockKey), ...trees.map(({ tree }) => treeKey(tree))])
  for (const list of lists) mended += await mendAll(parts, leavesKey(list), signal)
  for (const { tree, range } of trees) {
    const record = await unlessDamaged(() => readTreeRecord(parts.datastore, tree))
    if (record === undefined) continue
    mended += await mendLeaves(parts, record, range, signal)
    mended += await mendAll(parts, nodesKey(record.id), signal)
  }
  return mended
}

/** Pages of leaves, and the records of the blocks that they name. */
async function mendLeaves(
  parts: StoreParts,
  { id }: TreeRecord,
  { first, end }: LeafRange,
  signal: AbortSignal,
): Promise<number> {
  let mended = 0
  for (let page = Math.floor(first / LEAVES_PER_PAGE); page * LEAVES_PER_PAGE < end; page++) {
    signal.throwIfAborted()
    const key = pageKey(id, page)
    mended += await mendEach(parts, [key])
    const sealed = await parts.datastore.get(key)
    const leaves = sealed && (await unlessDamaged(async () => LeafPage.decode(key, sealed)))
    const blocks = countReferences(leaves?.cids() ?? []).map(({ cid }) => blockKey(cid))
    mended += await mendEach(parts, blocks)
  }
  return mended
}

async function mendAll(parts: StoreParts, prefix: Key, signal: AbortSignal): Promise<number> {
  const damaged: Key[] = []
  for await (const [key, sealed] of parts.datastore.entries(prefix, { signal })) {
    if (isDamaged(key, sealed)) damaged.push(key)
    if (damaged.length >= RECORDS_PER_PAGE) break
  }
  return mendEach(parts, damaged)
}

async function mendEach(parts: StoreParts, keys: readonly Key[]): Promise<number> {
  const sealed = await parts.datastore.getMany(keys)
  let mended = 0
  for (const [i, key] of keys.entries()) if (isDamaged(key, sealed[i]) && (await mend(parts, key))) mended++
  return mended
}

/** @returns false where it is not damaged any more, or by more than a bit */
async function mend({ datastore, ledger, log }: StoreParts, key: Key): Promise<boolean> {
  const isMended = await ledger.update<boolean>(async () => {
    const record = await datastore.get(key)
    const value = record && withoutFlippedBit(record)
    return value === undefined ? [{ changes: [] }, false] : [{ changes: [{ put: key, value }] }, true]
  })
  if (isMended) log.warn('a bit had flipped in a record of the index; it was put right', { key: toHex(key) })
  return isMended
}

function isDamaged(key: Key, sealed: Uint8Array | undefined): boolean {
  if (sealed === undefined) return false
  try {
    openRecord(key, sealed)
    return false
  } catch {
    return true
  }
}

async function unlessDamaged<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (CodexError.is(error, 'store/corrupted-record')) return undefined
    throw error
  }
}
