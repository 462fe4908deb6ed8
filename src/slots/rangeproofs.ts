// Proofs of neighbouring leaves of a byte tree, for who has them all and the proofs of the leaves beside them: the rest of the tree is in those. Who has
// rebuilt a slot proves its blocks to others by that.

import type { AbortOptions } from '../lib/abort.ts'
import { equalBytes } from '../lib/bytes.ts'
import { nextTask } from '../lib/nexttask.ts'
import { DIGEST_BYTES } from '../protocol/cid.ts'
import { KEY_BOTTOM, KEY_ODD, compressNodes } from '../protocol/compressnodes.ts'

export interface LeafRangeOf {
  readonly root: Uint8Array
  /** Of the whole tree. */
  readonly leafCount: number
  readonly first: number
  /** Of the leaves from `first` on, one after the other. */
  readonly digests: Uint8Array
}

/** A leaf beside the range. Nothing of it is believed. */
export interface LeafBeside {
  readonly digest: Uint8Array
  /** As `MerkleProof.path`. */
  readonly path: readonly Uint8Array[]
}

/** Nodes of one layer that are known, one after the other. */
interface Layer {
  readonly start: number
  readonly nodes: Uint8Array
}

/** The nodes above a leaf, its own digest first, and their siblings. */
interface Climb {
  readonly index: number
  readonly nodes: readonly Uint8Array[]
  readonly path: readonly Uint8Array[]
}

/** Nodes made before others get a turn: a few milliseconds. */
const SLICE_NODES = 512
const ZERO_NODE = new Uint8Array(DIGEST_BYTES)

/**
 * @param before the leaf before the range, and `behind` the one behind it, where the tree has such
 * @returns the path of each leaf of the range; undefined where all that does not come out as the root
 */
export async function rangeProofs(
  { root, leafCount, first, digests }: LeafRangeOf,
  { before, behind }: { readonly before?: LeafBeside | undefined; readonly behind?: LeafBeside | undefined },
  options: AbortOptions,
): Promise<((index: number) => Uint8Array[]) | undefined> {
  const end = first + digests.length / DIGEST_BYTES
  const left = before && climb(before, first - 1, leafCount)
  const right = behind && climb(behind, end, leafCount)
  const layers: Layer[] = []
  const widths: number[] = []
  let layer: Layer = { start: first, nodes: digests }
  for (let width = leafCount, level = 0; level === 0 || width > 1; width = Math.ceil(width / 2), level++) {
    const known = withSiblings(layer, { level, width, left, right })
    if (known === undefined) return undefined
    layers.push(known)
    widths.push(width)
    layer = await parents(known, { level, width }, options)
  }
  if (!equalBytes(layer.nodes, root)) return undefined
  return (index) => pathOf(index, layers, widths)
}

function climb({ digest, path }: LeafBeside, index: number, leafCount: number): Climb {
  const nodes = [digest]
  let [position, width] = [index, leafCount]
  for (const [level, sibling] of path.entries()) {
    const node = nodes[level] as Uint8Array
    const [one, other] = position % 2 === 1 ? [sibling, node] : [node, sibling]
    nodes.push(compressNodes(one, other, keyOf(level, position, width)))
    position = Math.floor(position / 2)
    width = Math.ceil(width / 2)
  }
  return { index, nodes, path }
}

/** The layer with what its outermost nodes need to have parents; undefined where that is not known. */
function withSiblings(
  { start, nodes }: Layer,
  given: {
    readonly level: number
    readonly width: number
    readonly left: Climb | undefined
    readonly right: Climb | undefined
  },
): Layer | undefined {
  const { level, width, left, right } = given
  const end = start + nodes.length / DIGEST_BYTES
  const needsLeft = start % 2 === 1
  const needsRight = end % 2 === 1 && end < width
  const one = needsLeft ? nodeOf(left, level, start - 1) : undefined
  const other = needsRight ? nodeOf(right, level, end) : undefined
  if ((needsLeft && one === undefined) || (needsRight && other === undefined)) return undefined
  const all = new Uint8Array(nodes.length + DIGEST_BYTES * (Number(needsLeft) + Number(needsRight)))
  if (one !== undefined) all.set(one)
  all.set(nodes, needsLeft ? DIGEST_BYTES : 0)
  if (other !== undefined) all.set(other, all.length - DIGEST_BYTES)
  return { start: needsLeft ? start - 1 : start, nodes: all }
}

/** A node beside the range is above the leaf beside it, or next to such a one. */
function nodeOf(known: Climb | undefined, level: number, position: number): Uint8Array | undefined {
  if (known === undefined) return undefined
  return Math.floor(known.index / 2 ** level) === position ? known.nodes[level] : known.path[level]
}

async function parents(
  { start, nodes }: Layer,
  { level, width }: { readonly level: number; readonly width: number },
  { signal }: AbortOptions,
): Promise<Layer> {
  const count = Math.ceil(nodes.length / DIGEST_BYTES / 2)
  const made = new Uint8Array(DIGEST_BYTES * count)
  for (let i = 0; i < count; i++) {
    const at = 2 * DIGEST_BYTES * i
    const one = nodes.subarray(at, at + DIGEST_BYTES)
    const other =
      at + DIGEST_BYTES < nodes.length ? nodes.subarray(at + DIGEST_BYTES, at + 2 * DIGEST_BYTES) : ZERO_NODE
    made.set(compressNodes(one, other, keyOf(level, start + 2 * i, width)), DIGEST_BYTES * i)
    if (i % SLICE_NODES !== SLICE_NODES - 1) continue
    await nextTask()
    signal.throwIfAborted()
  }
  return { start: start / 2, nodes: made }
}

/** Of the node above the one at `position`. */
function keyOf(level: number, position: number, width: number): number {
  const isAlone = position % 2 === 0 && position === width - 1
  return (level === 0 ? KEY_BOTTOM : 0) + (isAlone ? KEY_ODD : 0)
}

function pathOf(index: number, layers: readonly Layer[], widths: readonly number[]): Uint8Array[] {
  let position = index
  return layers.map(({ start, nodes }, level) => {
    const sibling = position % 2 === 1 ? position - 1 : position + 1
    position = Math.floor(position / 2)
    if (sibling >= (widths[level] as number)) return ZERO_NODE.slice()
    const at = DIGEST_BYTES * (sibling - start)
    return nodes.slice(at, at + DIGEST_BYTES)
  })
}
