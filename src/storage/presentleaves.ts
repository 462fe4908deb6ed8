// Which places of a tree have a block, by the index. It walks the pages of leaves that are stored, never the places asked for: a manifest from anywhere
// may speak of any number of blocks, and what is not here costs nothing then.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Cid } from '../protocol/cid.ts'
import type { Datastore, Key } from './datastore.ts'
import { haveBlocks } from './findblocks.ts'
import { LEAVES_PER_PAGE, leavesKey, pageKey } from './leafpage.ts'
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
  { first, end }: LeafRange,
  { signal }: AbortOptions,
): AsyncGenerator<readonly number[], void> {
  for await (const pages of storedPages(repo.parts.datastore, tree, { first, end }, { signal })) {
    const places = pages.flatMap((page) =>
      Array.from({ length: LEAVES_PER_PAGE }, (_, place) => page * LEAVES_PER_PAGE + place),
    )
    const indices = places.filter((index) => index >= first && index < end)
    const isHere = await haveBlocks(repo, tree, indices)
    const present = indices.filter((_, i) => isHere[i])
    if (present.length > 0) yield present
  }
}

/** Numbers of pages that hold leaves of the range, some at a time. */
async function* storedPages(
  datastore: Datastore,
  tree: Cid,
  { first, end }: LeafRange,
  { signal }: AbortOptions,
): AsyncGenerator<readonly number[], void> {
  const treeId = await readTreeRecord(datastore, tree).then(
    (record) => record?.id,
    (error: unknown) => {
      if (CodexError.is(error, 'store/corrupted-record')) return undefined
      throw error
    },
  )
  if (treeId === undefined || end <= first) return
  const firstPage = Math.floor(first / LEAVES_PER_PAGE)
  const after: { readonly after?: Key } = firstPage === 0 ? {} : { after: pageKey(treeId, firstPage - 1) }
  let pages: number[] = []
  for await (const [key] of datastore.entries(leavesKey(treeId), { signal, ...after })) {
    const page = idOf(key)
    if (page * LEAVES_PER_PAGE >= end) break
    pages.push(page)
    if (pages.length < PAGES_AT_ONCE) continue
    yield pages
    pages = []
  }
  if (pages.length > 0) yield pages
}
