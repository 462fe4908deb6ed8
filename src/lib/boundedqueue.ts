// A queue between producers and consumers that holds only so many items: whoever is faster waits for the other.

import type { AbortOptions } from './abort.ts'
import { assert, CodexError } from './errors.ts'

/** How the queue ended: orderly, or with the error that every call gets from then on. */
type End = { readonly failed: false } | { readonly failed: true; readonly error: unknown }

/** Someone who waits, for room or for an item. */
interface Waiter<Value> {
  readonly resolve: (value: Value) => void
  readonly reject: (error: unknown) => void
}

type WaitingPush<T> = Waiter<void> & { readonly item: T }

/** First in, first out, for items as for those who wait. Every item is handed to exactly one `pull`. */
export class BoundedQueue<T> implements AsyncIterable<T> {
  readonly capacity: number
  // Both grow at the end and shrink at the front in constant time, and a waiter that gives up leaves from the middle.
  readonly #items = new Set<{ readonly item: T }>()
  readonly #pushes = new Set<WaitingPush<T>>()
  readonly #pulls = new Set<Waiter<IteratorResult<T, undefined>>>()
  #end: End | undefined

  constructor(capacity: number) {
    assert(Number.isSafeInteger(capacity) && capacity >= 1, `a queue holds at least one item, asked for ${capacity}`)
    this.capacity = capacity
  }

  /** Items that wait for a `pull`. */
  get size(): number {
    return this.#items.size
  }

  /**
   * Settles once the queue has room and took the item. Rejects with `signal.reason`, with the error of {@link fail}, or
   * @throws CodexError `queue/closed`; the item was not taken then.
   */
  async push(item: T, { signal }: AbortOptions): Promise<void> {
    signal.throwIfAborted()
    if (this.#end !== undefined) throw endError(this.#end)
    if (this.tryPush(item)) return
    await this.#wait<void, WaitingPush<T>>(this.#pushes, signal, (waiter) => ({ ...waiter, item }))
  }

  /** Takes the item if there is room now; false when the queue is full or has ended. */
  tryPush(item: T): boolean {
    if (this.#end !== undefined) return false
    const pull = takeFirst(this.#pulls)
    if (pull !== undefined) pull.resolve({ done: false, value: item })
    else if (this.#items.size < this.capacity) this.#items.add({ item })
    else return false
    return true
  }

  /** The next item, or `done` once a closed queue is empty. Rejects with `signal.reason` or the error of {@link fail}. */
  async pull({ signal }: AbortOptions): Promise<IteratorResult<T, undefined>> {
    signal.throwIfAborted()
    if (this.#end?.failed === true) throw this.#end.error
    const first = takeFirst(this.#items)
    if (first !== undefined) {
      this.#admit()
      return { done: false, value: first.item }
    }
    if (this.#end !== undefined) return { done: true, value: undefined }
    return this.#wait<IteratorResult<T, undefined>, Waiter<IteratorResult<T, undefined>>>(
      this.#pulls,
      signal,
      (waiter) => waiter,
    )
  }

  /** Takes no more items; those inside can still be pulled, pushes still waiting are refused. A no-op once ended. */
  close(): void {
    if (this.#end !== undefined) return
    this.#end = { failed: false }
    for (const push of drain(this.#pushes)) push.reject(endError(this.#end))
    for (const pull of drain(this.#pulls)) pull.resolve({ done: true, value: undefined })
  }

  /** Ends at once: the items inside are dropped and every waiting or later call rejects with `error`. A no-op once failed. */
  fail(error: unknown): void {
    if (this.#end?.failed === true) return
    this.#end = { failed: true, error }
    this.#items.clear()
    for (const waiter of [...drain(this.#pushes), ...drain(this.#pulls)]) waiter.reject(error)
  }

  /** Pulls until the queue ends. Leaving early takes nothing more and does not end the queue. */
  async *values(options: AbortOptions): AsyncGenerator<T, void, void> {
    for (let next = await this.pull(options); next.done !== true; next = await this.pull(options)) yield next.value
  }

  /** As {@link values}, for an owner who ends the waiting by `close` or `fail`. */
  [Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    return this.values(new AbortController())
  }

  /** Room was made: the longest waiting push goes in. */
  #admit(): void {
    const push = takeFirst(this.#pushes)
    if (push === undefined) return
    this.#items.add({ item: push.item })
    push.resolve()
  }

  #wait<Value, W extends Waiter<Value>>(
    line: Set<W>,
    signal: AbortSignal,
    dress: (waiter: Waiter<Value>) => W,
  ): Promise<Value> {
    return new Promise<Value>((resolve, reject) => {
      const release = () => signal.removeEventListener('abort', abort)
      const waiter = dress({
        resolve(value) {
          release()
          resolve(value)
        },
        reject(error) {
          release()
          reject(error)
        },
      })
      // An item handed over in the same moment is not lost: the waiter has left the line by then and the abort comes too late.
      const abort = () => {
        if (line.delete(waiter)) reject(signal.reason as Error)
      }
      signal.addEventListener('abort', abort, { once: true })
      line.add(waiter)
    })
  }
}

function endError(end: End): unknown {
  if (end.failed) return end.error
  return new CodexError('queue/closed', 'expected an open queue, found it closed: its consumer takes no more items')
}

function takeFirst<T>(line: Set<T>): T | undefined {
  for (const first of line) {
    line.delete(first)
    return first
  }
  return undefined
}

function drain<T>(line: Set<T>): T[] {
  const all = [...line]
  line.clear()
  return all
}
