// The last so many of a stream, as a tab keeps its log records. Older ones are dropped and counted; it never refuses.

import { assert } from './errors.ts'

export class RingBuffer<T> {
  readonly capacity: number
  readonly #items: T[] = []
  /** Place of the oldest item once the buffer is full. */
  #oldest = 0
  #dropped = 0

  constructor(capacity: number) {
    assert(Number.isSafeInteger(capacity) && capacity >= 1, `a ring holds at least one item, asked for ${capacity}`)
    this.capacity = capacity
  }

  get size(): number {
    return this.#items.length
  }

  /** How many have been dropped since the start, those of `clear` not counted. */
  get dropped(): number {
    return this.#dropped
  }

  push(item: T): void {
    if (this.#items.length < this.capacity) {
      this.#items.push(item)
      return
    }
    this.#items[this.#oldest] = item
    this.#oldest = (this.#oldest + 1) % this.capacity
    this.#dropped++
  }

  /** A copy, oldest first. */
  toArray(): T[] {
    return [...this.#items.slice(this.#oldest), ...this.#items.slice(0, this.#oldest)]
  }

  clear(): void {
    this.#items.length = 0
    this.#oldest = 0
  }
}
