// A Merkle tree as all its nodes in one piece, as the Poseidon2 seam gives it: layer after layer, the leaves first, 32 bytes each. Roots and paths
// out of it (data reference §2.2); it computes no node.

import { assert } from '../lib/errors.ts'
import { ELEMENT_BYTES, readElement } from './fieldelements.ts'

/** Keyed compression (§2.5). */
export type Compress = (x: bigint, y: bigint, key: bigint) => bigint

const BOTTOM_KEY = 1n
/** Added where the right node is missing. */
const ODD_KEY = 2n

/** Levels above the leaves; at least one, because a single leaf is compressed too. */
export function treeDepth(leafCount: number): number {
  return Math.max(1, Math.ceil(Math.log2(leafCount)))
}

/** Nodes of a whole tree, leaves and root included. */
export function nodeCount(leafCount: number): number {
  let count = 0
  for (let layer = 0, width = leafCount; layer <= treeDepth(leafCount); layer++, width = Math.ceil(width / 2))
    count += width
  return count
}

/** A view of the last node. */
export function treeRoot(nodes: Uint8Array): Uint8Array {
  return nodes.subarray(nodes.length - ELEMENT_BYTES)
}

/** The siblings on the way from leaf `index` to the root, bottom first; zero where there is none. */
export function treePath(nodes: Uint8Array, leafCount: number, index: number): bigint[] {
  assert(nodes.length === ELEMENT_BYTES * nodeCount(leafCount), 'these are the nodes of a tree of so many leaves')
  assert(Number.isSafeInteger(index) && index >= 0 && index < leafCount, 'the leaf is one of the tree')
  const path: bigint[] = []
  let [start, width, at] = [0, leafCount, index]
  for (let depth = treeDepth(leafCount); depth > 0; depth--) {
    const sibling = at % 2 === 0 ? at + 1 : at - 1
    path.push(sibling < width ? readElement(nodes, ELEMENT_BYTES * (start + sibling)) : 0n)
    start += width
    width = Math.ceil(width / 2)
    at = Math.floor(at / 2)
  }
  return path
}

/** Whether `path` leads from leaf `index` of so many to `root`. A path of another length does not, nor does a leaf that the tree has not. */
export function verifyPath(
  compress: Compress,
  root: bigint,
  leaf: bigint,
  { path, index, leafCount }: { readonly path: readonly bigint[]; readonly index: number; readonly leafCount: number },
): boolean {
  if (!Number.isSafeInteger(index) || index < 0 || index >= leafCount || path.length !== treeDepth(leafCount))
    return false
  let [node, at, width, key] = [leaf, index, leafCount, BOTTOM_KEY]
  for (const sibling of path) {
    if (at % 2 === 1) node = compress(sibling, node, key)
    else if (at === width - 1) node = compress(node, sibling, key + ODD_KEY)
    else node = compress(node, sibling, key)
    at = Math.floor(at / 2)
    width = Math.ceil(width / 2)
    key = 0n
  }
  return node === root
}
