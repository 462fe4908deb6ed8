// Blocks of a tree one by one: what is there, what is missing and what is damaged, where others throw at the first that is not well.

import { CodexError } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'
import { isEmptyBlockCid } from '../protocol/block.ts'
import type { Cid } from '../protocol/cid.ts'
import { servable } from './blockrecord.ts'
import type { RepoStore } from './repostore.ts'
import { blockKey, readBlockRecords } from './storeparts.ts'
import type { VerifiedBlock } from './verifiedblock.ts'

/** `damaged`: its bytes or its record have changed on disk, or it has another size than its manifest says. */
export type FoundBlock = VerifiedBlock | 'missing' | 'damaged'

/** The blocks at these places of a tree, in order; the empty block has no bytes, every other has `blockSize`. */
export async function findBlocks(
  repo: RepoStore,
  tree: Cid,
  indices: readonly number[],
  blockSize: Bytes,
): Promise<FoundBlock[]> {
  const leaves = await unlessDamaged(() => repo.getLeaves(tree, indices))
  if (leaves === 'damaged')
    return indices.length <= 1
      ? indices.map(() => 'damaged')
      : oneByOne(indices, (index) => findBlocks(repo, tree, [index], blockSize))
  const cids = leaves.filter((cid) => cid !== undefined)
  const blocks =
    (await readBlocks(repo, cids, blockSize)) ?? (await oneByOne(cids, (cid) => readBlocks(repo, [cid], blockSize)))
  let next = 0
  return leaves.map((cid) => (cid === undefined ? 'missing' : (blocks[next++] as FoundBlock)))
}

/** Whether the index has a leaf and a block to serve at each of these places. Reads no block bytes. */
export async function haveBlocks(repo: RepoStore, tree: Cid, indices: readonly number[]): Promise<boolean[]> {
  const found = await unlessDamaged(async () => {
    const leaves = await repo.getLeaves(tree, indices)
    const records = await readBlockRecords(
      repo.parts.datastore,
      leaves.filter((cid) => cid !== undefined).map(blockKey),
    )
    let next = 0
    return leaves.map((cid) => cid !== undefined && (servable(records[next++]) || isEmptyBlockCid(cid)))
  })
  if (found !== 'damaged') return found
  if (indices.length <= 1) return indices.map(() => false)
  return oneByOne(indices, (index) => haveBlocks(repo, tree, [index]))
}

/** Undefined when one of several is damaged: which, only asking for each tells. */
async function readBlocks(repo: RepoStore, cids: readonly Cid[], blockSize: Bytes): Promise<FoundBlock[] | undefined> {
  const blocks = await unlessDamaged(() => repo.getVerified(cids))
  if (blocks === 'damaged') return cids.length === 1 ? ['damaged'] : undefined
  return blocks.map((block) => {
    if (block === undefined) return 'missing'
    return block.bytes.length === blockSize || isEmptyBlockCid(block.cid) ? block : 'damaged'
  })
}

async function oneByOne<Item, Found>(
  items: readonly Item[],
  find: (item: Item) => Promise<readonly Found[] | undefined>,
): Promise<Found[]> {
  const found: Found[] = []
  for (const item of items) found.push(...((await find(item)) ?? []))
  return found
}

async function unlessDamaged<T>(read: () => Promise<T>): Promise<T | 'damaged'> {
  try {
    return await read()
  } catch (error) {
    if (CodexError.is(error, 'store/block-corrupted') || CodexError.is(error, 'store/corrupted-record'))
      return 'damaged'
    throw error
  }
}
