// A priority queue whose items can be found, changed and taken out by key. It knows no limit; whoever fills it keeps one.

import { assert } from './errors.ts'

/** Negative when `a` goes first, positive when `b` does, zero when the earlier pushed goes first. Never NaN. */
export type Compare<Item> = (a: Item, b: Item) => number

export interface HeapEntry<Key, Item> {
  readonly key: Key
  readonly item: Item
}

interface Node<Key, Item> {
  readonly key: Key
  item: Item
  /** Push order: makes ties, and so the whole order, deterministic. */
  readonly order: number
  index: number
}

/** Keys are told apart as a `Map` does. `push`, `pop`, `remove` and `update` cost O(log n), the rest O(1) where not said otherwise. */
export class IndexedHeap<Key, Item> {
  readonly #compare: Compare<Item>
  /** Each node goes before both of its children, at 2i + 1 and 2i + 2. */
  readonly #nodes: Node<Key, Item>[] = []
  readonly #byKey = new Map<Key, Node<Key, Item>>()
  #pushed = 0

  constructor(compare: Compare<Item>) {
    this.#compare = compare
  }

  get size(): number {
    return this.#nodes.length
  }

  has(key: Key): boolean {
    return this.#byKey.has(key)
  }

  get(key: Key): Item | undefined {
    return this.#byKey.get(key)?.item
  }

  /** The first in order, left in place. */
  peek(): HeapEntry<Key, Item> | undefined {
    const first = this.#nodes[0]
    return first && { key: first.key, item: first.item }
  }

  /** False when `key` is held already; nothing changes then. */
  push(key: Key, item: Item): boolean {
    if (this.#byKey.has(key)) return false
    const node = { key, item, order: this.#pushed++, index: this.#nodes.length }
    this.#byKey.set(key, node)
    this.#nodes.push(node)
    this.#rise(node)
    return true
  }

  /** Takes out the first in order. */
  pop(): HeapEntry<Key, Item> | undefined {
    const first = this.#nodes[0]
    if (first === undefined) return undefined
    this.#takeOut(first)
    return { key: first.key, item: first.item }
  }

  /** Takes out the item of `key`; undefined when there is none. */
  remove(key: Key): Item | undefined {
    const node = this.#byKey.get(key)
    if (node === undefined) return undefined
    this.#takeOut(node)
    return node.item
  }

  /**
   * Replaces the item of `key` and moves it to its new place; among equals it keeps the rank of its push. False when there is none.
   * Items must not change in any other way while they are held.
   */
  update(key: Key, item: Item): boolean {
    const node = this.#byKey.get(key)
    if (node === undefined) return false
    node.item = item
    this.#settle(node)
    return true
  }

  clear(): void {
    this.#nodes.length = 0
    this.#byKey.clear()
  }

  /** A copy of all entries in the order `pop` would give them: O(n log n), for pages and tests. */
  sorted(): HeapEntry<Key, Item>[] {
    return this.#nodes.toSorted((a, b) => this.#order(a, b)).map(({ key, item }) => ({ key, item }))
  }

  #order(a: Node<Key, Item>, b: Node<Key, Item>): number {
    const order = this.#compare(a.item, b.item)
    assert(!Number.isNaN(order), 'the order of two items is a number')
    return order === 0 ? a.order - b.order : order
  }

  #takeOut(node: Node<Key, Item>): void {
    this.#byKey.delete(node.key)
    const last = this.#nodes.pop()
    if (last === undefined || last === node) return
    this.#place(last, node.index)
    this.#settle(last)
  }

  #settle(node: Node<Key, Item>): void {
    this.#rise(node)
    this.#sink(node)
  }

  #rise(node: Node<Key, Item>): void {
    while (node.index > 0) {
      const parent = this.#at((node.index - 1) >> 1)
      if (this.#order(parent, node) <= 0) return
      this.#swap(parent, node)
    }
  }

  #sink(node: Node<Key, Item>): void {
    for (;;) {
      const left = 2 * node.index + 1
      if (left >= this.#nodes.length) return
      let child = this.#at(left)
      if (left + 1 < this.#nodes.length && this.#order(this.#at(left + 1), child) < 0) child = this.#at(left + 1)
      if (this.#order(node, child) <= 0) return
      this.#swap(node, child)
    }
  }

  #swap(a: Node<Key, Item>, b: Node<Key, Item>): void {
    const place = a.index
    this.#place(a, b.index)
    this.#place(b, place)
  }

  #place(node: Node<Key, Item>, index: number): void {
    node.index = index
    this.#nodes[index] = node
  }

  #at(index: number): Node<Key, Item> {
    return this.#nodes[index] as Node<Key, Item>
  }
}
