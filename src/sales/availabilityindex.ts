// Finds the Availability that fits a request best, among many: a search tree by free space whose nodes know the most generous terms beneath
// them. It holds what it is given; rules are in availability.ts.

import type { Availability, AvailabilityId, SlotWanted } from './availability.ts'
import { lastEnd, makesSense, maxCollateralPerByte } from './availability.ts'

/** A treap: ordered by free space, then id; a heap by `rank`, which makes it balanced whatever is inserted in which order. */
interface Node extends Generous {
  readonly availability: Availability
  readonly own: Generous
  readonly rank: number
  left: Node | undefined
  right: Node | undefined
}

/** The best of each term, of one Availability or of all beneath a node. */
interface Generous {
  duration: number
  price: bigint
  collateral: bigint
  end: number
}

/** `set`, `delete`: O(log n). `find`: O(log n) where many fit or none nearly does; where each term alone fits and all together do not, up to O(n). */
export class AvailabilityIndex {
  #root: Node | undefined
  readonly #byId = new Map<AvailabilityId, Availability>()

  get size(): number {
    return this.#byId.size
  }

  /** Takes the place of the one with the same id. */
  set(availability: Availability): void {
    this.delete(availability.id)
    this.#byId.set(availability.id, availability)
    this.#root = insert(this.#root, nodeOf(availability))
  }

  delete(id: AvailabilityId): void {
    const known = this.#byId.get(id)
    if (known === undefined) return
    this.#byId.delete(id)
    this.#root = remove(this.#root, known)
  }

  /** Of those that match, the one with the least free space: large ones stay for large requests. The smaller id among equals. */
  find(wanted: SlotWanted): Availability | undefined {
    if (!makesSense(wanted) || wanted.slotSize > Number.MAX_SAFE_INTEGER) return undefined
    const limits = {
      size: Number(wanted.slotSize),
      duration: Number(wanted.duration),
      price: wanted.pricePerBytePerSecond,
      collateral: wanted.collateralPerByte,
      end: wanted.requestEnd,
    }
    return search(this.#root, limits)?.availability
  }
}

function search(node: Node | undefined, limits: Generous & { readonly size: number }): Node | undefined {
  if (node === undefined || !reaches(node, limits)) return undefined
  if (node.availability.freeSize < limits.size) return search(node.right, limits)
  return search(node.left, limits) ?? (reaches(node.own, limits) ? node : search(node.right, limits))
}

function reaches(terms: Generous, limits: Generous): boolean {
  return (
    terms.end >= limits.end &&
    terms.duration >= limits.duration &&
    terms.price <= limits.price &&
    terms.collateral >= limits.collateral
  )
}

function nodeOf(availability: Availability): Node {
  const own: Generous = {
    duration: availability.duration,
    price: availability.minPricePerBytePerSecond,
    collateral: maxCollateralPerByte(availability),
    end: lastEnd(availability),
  }
  return { availability, own, ...own, rank: rankOf(availability.id), left: undefined, right: undefined }
}

function insert(root: Node | undefined, node: Node): Node {
  if (root === undefined) return node
  if (node.rank > root.rank) {
    const [left, right] = split(root, node.availability)
    node.left = left
    node.right = right
    return summed(node)
  }
  if (goesBefore(node.availability, root.availability)) root.left = insert(root.left, node)
  else root.right = insert(root.right, node)
  return summed(root)
}

function remove(root: Node | undefined, known: Availability): Node | undefined {
  if (root === undefined) return undefined
  if (root.availability.id === known.id) return merge(root.left, root.right)
  if (goesBefore(known, root.availability)) root.left = remove(root.left, known)
  else root.right = remove(root.right, known)
  return summed(root)
}

/** What goes before `at`, and the rest. */
function split(root: Node | undefined, at: Availability): [Node | undefined, Node | undefined] {
  if (root === undefined) return [undefined, undefined]
  if (goesBefore(root.availability, at)) {
    const [left, right] = split(root.right, at)
    root.right = left
    return [summed(root), right]
  }
  const [left, right] = split(root.left, at)
  root.left = right
  return [left, summed(root)]
}

/** All of `left` goes before all of `right`. */
function merge(left: Node | undefined, right: Node | undefined): Node | undefined {
  if (left === undefined || right === undefined) return left ?? right
  if (left.rank > right.rank) {
    left.right = merge(left.right, right)
    return summed(left)
  }
  right.left = merge(left, right.left)
  return summed(right)
}

function summed(node: Node): Node {
  node.duration = node.own.duration
  node.price = node.own.price
  node.collateral = node.own.collateral
  node.end = node.own.end
  for (const child of [node.left, node.right]) {
    if (child === undefined) continue
    if (child.duration > node.duration) node.duration = child.duration
    if (child.price < node.price) node.price = child.price
    if (child.collateral > node.collateral) node.collateral = child.collateral
    if (child.end > node.end) node.end = child.end
  }
  return node
}

function goesBefore(a: Availability, b: Availability): boolean {
  return a.freeSize === b.freeSize ? a.id < b.id : a.freeSize < b.freeSize
}

/** Spreads ids, also those of tests that count up, over 32 bits. */
function rankOf(id: AvailabilityId): number {
  let hash = 0
  for (let at = 2; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return (hash ^ (hash >>> 13)) >>> 0
}
