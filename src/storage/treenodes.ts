// Inner nodes of whole trees, and the proofs that follow from them: an eighth of the space that a stored proof for each leaf would take.

import { assert } from '../lib/errors.ts'
import { DIGEST_BYTES } from '../protocol/cid.ts'
import type { Change, Datastore, Key } from './datastore.ts'
import type { LeafPages } from './leafpage.ts'
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
 * @param leaves the pages that hold those beside them
 * @throws CodexError `store/corrupted-record`
 */
export async function pathsOf(
  datastore: Datastore,
  { id, leafCount }: TreeRecord,
  leaves: Pick<LeafPages, 'digest'>,
  indices: readonly number[],
): Promise<(Uint8Array[] | undefined)[]> {
  const pages = await readPages(datastore, id, indices, leafCount)
  const nodes = new SharedNodes(pages)
  const none = new Uint8Array(DIGEST_BYTES)
  return indices.map((index) => {
    const sibling = index ^ 1
    const leaf = sibling < leafCount ? leaves.digest(sibling) : undefined
    if (leaf === undefined && sibling < leafCount) return undefined
    const path: Uint8Array[] = [leaf ?? none]
    eachSibling(index, leafCount, (layer, at, isThere) => path.push(isThere ? nodes.at(layer, at) : none))
    return path
  })
}

/** Says where the siblings above the leaf stand, layer by layer, and whether there is one. By call and without lists: every block that is served asks. */
function eachSibling(
  index: number,
  leafCount: number,
  say: (layer: number, at: number, isThere: boolean) => void,
): void {
  let at = Math.floor(index / 2)
  for (let layer = 1, count = halve(leafCount); count > 1; layer++, count = halve(count)) {
    const sibling = at % 2 === 0 ? at + 1 : at - 1
    say(layer, sibling, sibling < count)
    at = Math.floor(at / 2)
  }
}

interface NodePage {
  readonly key: Key
  /** Undefined where the record is missing. */
  nodes: Uint8Array | undefined
}

/** Each page once, by {@link pageName}. */
async function readPages(
  datastore: Datastore,
  id: number,
  indices: readonly number[],
  leafCount: number,
): Promise<ReadonlyMap<number, NodePage>> {
  const pages = new Map<number, NodePage>()
  for (const index of indices)
    eachSibling(index, leafCount, (layer, at, isThere) => {
      const name = pageName(layer, at)
      if (isThere && !pages.has(name))
        pages.set(name, { key: pageKey(id, layer, Math.floor(at / NODES_PER_PAGE)), nodes: undefined })
    })
  const list = [...pages.values()]
  const sealed = await datastore.getMany(list.map(({ key }) => key))
  for (const [i, page] of list.entries()) {
    const record = sealed[i]
    if (record !== undefined) page.nodes = openRecord(page.key, record)
  }
  return pages
}

/** Of the page that holds a node: one number for layer and page. */
function pageName(layer: number, at: number): number {
  return layer * 2 ** 40 + Math.floor(at / NODES_PER_PAGE)
}

/** Paths of leaves that follow one another go by the same nodes: those are made once. */
class SharedNodes {
  readonly #pages: ReadonlyMap<number, NodePage>
  /** Of each layer the one asked for last. */
  readonly #last: { readonly at: number; readonly node: Uint8Array }[] = []

  constructor(pages: ReadonlyMap<number, NodePage>) {
    this.#pages = pages
  }

  at(layer: number, at: number): Uint8Array {
    const last = this.#last[layer]
    if (last?.at === at) return last.node
    const page = this.#pages.get(pageName(layer, at))
    assert(page !== undefined, 'only nodes of the pages that were read are asked for')
    const node = nodeOf(page.key, page.nodes, at % NODES_PER_PAGE)
    this.#last[layer] = { at, node }
    return node
  }
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
