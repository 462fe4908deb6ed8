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
 * For each of these leaves of a tree whose nodes are here the siblings that prove it, bottom first; the zero node where there is none. Undefined
 * when the leaf beside it has been dropped. Leaves that are near each other share most of what is read.
 * @throws CodexError `store/corrupted-record`
 */
export async function pathsOf(
  datastore: Datastore,
  { id, leafCount }: TreeRecord,
  indices: readonly number[],
): Promise<(Uint8Array[] | undefined)[]> {
  const siblings = indices.map((index) => index ^ 1).filter((sibling) => sibling < leafCount)
  const leaves = await LeafPages.read(datastore, id, siblings)
  const pages = await readPages(datastore, id, placesOf(indices, leafCount))
  return indices.map((index) => {
    const sibling = index ^ 1
    const leaf = sibling < leafCount ? leaves.get(sibling) : undefined
    if (leaf === undefined && sibling < leafCount) return undefined
    const path: Uint8Array[] = [leaf?.digest.slice() ?? new Uint8Array(DIGEST_BYTES)]
    for (const { layer, at } of placesOf([index], leafCount))
      path[layer] = pages.get(`${layer}/${Math.floor(at / NODES_PER_PAGE)}`)?.(at) as Uint8Array
    // Where a layer names no node there is none beside ours.
    for (let layer = 1; layer < depthOf(leafCount); layer++) path[layer] ??= new Uint8Array(DIGEST_BYTES)
    return path
  })
}

interface NodePlace {
  readonly layer: number
  readonly at: number
}

/** Where the siblings above the leaves stand. */
function placesOf(indices: readonly number[], leafCount: number): NodePlace[] {
  return indices.flatMap((index) => {
    const places: NodePlace[] = []
    for (
      let layer = 1, count = halve(leafCount), at = Math.floor(index / 2);
      count > 1;
      layer++, count = halve(count)
    ) {
      if ((at ^ 1) < count) places.push({ layer, at: at ^ 1 })
      at = Math.floor(at / 2)
    }
    return places
  })
}

function depthOf(leafCount: number): number {
  let depth = 1
  for (let count = halve(leafCount); count > 1; count = halve(count)) depth++
  return depth
}

/** Each page once, as a look-up of its nodes. */
async function readPages(
  datastore: Datastore,
  id: number,
  places: readonly NodePlace[],
): Promise<Map<string, (at: number) => Uint8Array>> {
  const keys = new Map<string, Key>()
  for (const { layer, at } of places) {
    const page = Math.floor(at / NODES_PER_PAGE)
    const name = `${layer}/${page}`
    if (!keys.has(name)) keys.set(name, pageKey(id, layer, page))
  }
  const sealed = await datastore.getMany([...keys.values()])
  const pages = new Map<string, (at: number) => Uint8Array>()
  for (const [i, [name, key]] of [...keys].entries()) {
    const record = sealed[i]
    const nodes = record === undefined ? undefined : openRecord(key, record)
    pages.set(name, (at) => nodeOf(key, nodes, at % NODES_PER_PAGE))
  }
  return pages
}

function nodeOf(key: Key, nodes: Uint8Array | undefined, place: number): Uint8Array {
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
