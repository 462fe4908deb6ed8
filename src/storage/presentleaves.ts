// Which places of a tree have a block, by the index. It walks the pages of leaves that are stored, never the places asked for: a manifest from anywhere
// may speak of any number of blocks, and what is not here costs nothing then.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Cid } from '../protocol/cid.ts'
import type { Datastore, Key } from './datastore.ts'
import { haveBlocks } from './findblocks.ts'
import { LEAVES_PER_PAGE, LeafPage, leavesKey, pageKey } from './leafpage.ts'
import type { RepoStore } from './repostore.ts'
import { RECORDS_PER_PAGE } from './storeparts.ts'
import { idOf, readTreeRecord } from './treerecord.ts'

/** Pages of leaves whose blocks are looked up together. */
const PAGES_AT_ONCE = RECORDS_PER_PAGE / LEAVES_PER_PAGE

/** Places from `first` up to `end`, exclusive. */
export interface LeafRange {
  readonly first: number
  readonly end: number
}

/**
 * The places in the range at which the store has a leaf and a block to serve, ascending, some at a time. Reads no block bytes. Damaged records count as missing.
 * @throws what the Datastore throws, the signal's reason
 */
export async function* presentLeaves(
  repo: RepoStore,
  tree: Cid,
  range: LeafRange,
  options: AbortOptions,
): AsyncGenerator<readonly number[], void> {
  for await (const places of knownLeaves(repo, tree, range, options)) {
    const isHere = await haveBlocks(repo, tree, places)
    const present = places.filter((_, i) => isHere[i])
    if (present.length > 0) yield present
  }
}

/** Those at which it has a leaf, whatever became of the block; of a damaged page of leaves all. As {@link presentLeaves}. */
export async function* knownLeaves(
  repo: RepoStore,
  tree: Cid,
  range: LeafRange,
  options: AbortOptions,
): AsyncGenerator<readonly number[], void> {
  let places: number[] = []
  let pages = 0
  for await (const [first, page] of storedPages(repo.parts.datastore, tree, range, options)) {
    for (let place = 0; place < LEAVES_PER_PAGE; place++) {
      const index = first + place
      if (index >= range.first && index < range.end && page?.has(place) !== false) places.push(index)
    }
    if (++pages % PAGES_AT_ONCE !== 0) continue
    if (places.length > 0) yield places
    places = []
  }
  if (places.length > 0) yield places
}

/** The lowest place in the range at which there is none; undefined where all are there. @throws as {@link presentLeaves} */
export async function firstMissingLeaf(
  repo: RepoStore,
  tree: Cid,
  range: LeafRange,
  options: AbortOptions,
): Promise<number | undefined> {
  let next = range.first
  for await (const present of presentLeaves(repo, tree, range, options))
    for (const index of present) {
      if (index !== next) return next
      next++
    }
  return next < range.end ? next : undefined
}

/** The pages that hold leaves of the range: the place of the first leaf in each, and the page unless it is damaged. */
async function* storedPages(
  datastore: Datastore,
  tree: Cid,
  { first, end }: LeafRange,
  { signal }: AbortOptions,
): AsyncGenerator<readonly [first: number, page: LeafPage | undefined], void> {
  const record = await unlessDamaged(() => readTreeRecord(datastore, tree))
  if (record === undefined || end <= first) return
  const firstPage = Math.floor(first / LEAVES_PER_PAGE)
  const after: { readonly after?: Key } = firstPage === 0 ? {} : { after: pageKey(record.id, firstPage - 1) }
  for await (const [key, sealed] of datastore.entries(leavesKey(record.id), { signal, ...after })) {
    const place = idOf(key) * LEAVES_PER_PAGE
    if (place >= end) return
    yield [place, await unlessDamaged(async () => LeafPage.decode(key, sealed))]
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
