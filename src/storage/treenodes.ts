// Inner nodes of whole trees, and the proofs that follow from them: an eighth of the space that a stored proof for each leaf would take.

import { DIGEST_BYTES } from '../protocol/cid.ts'
import type { Change, Datastore, Key } from './datastore.ts'
import { LeafPages } from './leafpage.ts'
import { corruptedRecord, openRecord, sealRecord } from './sealedrecord.ts'
import { indexKey, joinKey, textKey } from './storagekey.ts'
import type { TreeRecord } from './treerecord.ts'

/** Small, because each proof reads one page of every layer. */
const NODES_PER_PAGE = 64

/** `repo/nodes/<tree id><layer><page>`; layer 1 is the one above the leaves. */
const NODES_PREFIX: Key = textKey('repo/nodes/')

export function nodesKey(treeId: number): Key {
  return joinKey(NODES_PREFIX, indexKey(treeId))
}

/** A whole tree, of whatever hash; 0 is the layer of the leaves, `depth` the root. */
export interface NodeLayers {
  readonly depth: number
  layerLength(layer: number): number
  node(layer: number, index: number): Uint8Array
}

/** Records of every layer between leaves and root. A generator, because a large tree has too many for one commit. */
export function* nodeChanges(treeId: number, tree: NodeLayers): Generator<Change, void> {
  for (let layer = 1; layer < tree.depth; layer++) {
    const count = tree.layerLength(layer)
    for (let first = 0; first < count; first += NODES_PER_PAGE) {
      const nodes = Array.from({ length: Math.min(NODES_PER_PAGE, count - first) }, (_, i) =>
        tree.node(layer, first + i),
      )
      yield { put: pageKey(treeId, layer, first / NODES_PER_PAGE), value: sealRecord(...nodes) }
    }
  }
}

/** How many records {@link nodeChanges} makes for a tree of so many leaves. */
export function nodePagesOf(leafCount: number): number {
  let pages = 0
  for (let count = halve(leafCount); count > 1; count = halve(count)) pages += Math.ceil(count / NODES_PER_PAGE)
  return pages
}

/**
 * The siblings that prove a leaf of a tree whose nodes are here, bottom first; the zero node where there is none. Undefined when the leaf beside
 * it has been dropped.
 * @throws CodexError `store/corrupted-record`
 */
export async function pathOf(
  datastore: Datastore,
  { id, leafCount }: TreeRecord,
  index: number,
): Promise<Uint8Array[] | undefined> {
  const sibling = index ^ 1
  const path: Uint8Array[] = []
  const leaf = sibling < leafCount ? (await LeafPages.read(datastore, id, [sibling])).get(sibling) : undefined
  if (leaf === undefined && sibling < leafCount) return undefined
  path.push(leaf?.digest.slice() ?? new Uint8Array(DIGEST_BYTES))
  const wanted: { readonly key: Key; readonly place: number }[] = []
  const places: (number | undefined)[] = []
  for (let layer = 1, count = halve(leafCount), at = Math.floor(index / 2); count > 1; layer++, count = halve(count)) {
    const beside = at ^ 1
    places.push(beside < count ? wanted.length : undefined)
    if (beside < count)
      wanted.push({ key: pageKey(id, layer, Math.floor(beside / NODES_PER_PAGE)), place: beside % NODES_PER_PAGE })
    at = Math.floor(at / 2)
  }
  const pages = await datastore.getMany(wanted.map(({ key }) => key))
  for (const which of places)
    path.push(
      which === undefined ? new Uint8Array(DIGEST_BYTES) : nodeOf(wanted[which] as (typeof wanted)[0], pages[which]),
    )
  return path
}

function nodeOf(
  { key, place }: { readonly key: Key; readonly place: number },
  sealed: Uint8Array | undefined,
): Uint8Array {
  const nodes = sealed === undefined ? undefined : openRecord(key, sealed)
  const node = nodes?.slice(place * DIGEST_BYTES, (place + 1) * DIGEST_BYTES)
  if (node?.length !== DIGEST_BYTES) throw corruptedRecord(key, 'nodes of a whole tree are missing')
  return node
}

function halve(count: number): number {
  return Math.ceil(count / 2)
}

function pageKey(treeId: number, layer: number, page: number): Key {
  return joinKey(NODES_PREFIX, indexKey(treeId), Uint8Array.of(layer), indexKey(page))
}
