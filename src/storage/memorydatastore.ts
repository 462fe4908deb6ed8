// A Datastore that lives and dies with its process: for tests, simulation and a node that is not meant to remember. Not a fake: it keeps
// every law of the seam except that it has no disk.

import { compareBytes } from '../lib/bytes.ts'
import type { Change, CommitOptions, Datastore, EntriesOptions, Key } from './datastore.ts'
import { assertKey } from './storagekey.ts'
import { VerbGate } from './verbgate.ts'
import { walkEntries } from './walkentries.ts'
import type { Entry, KeyRange, Page } from './walkentries.ts'

/** A leaf that grows to this many entries is split in two. Measured: cheap splices, few leaves at 10^5 entries. */
const LEAF_ENTRIES = 512

/**
 * Entries in a list of sorted leaves: finding is two binary searches, inserting moves at most a leaf, so 10^5 random inserts are quick.
 * Bytes are copied on the way in and out.
 */
export class MemoryDatastore implements Datastore {
  readonly #gate = new VerbGate()
  /** Ascending, none empty. */
  readonly #leaves: Entry[][] = []

  get(key: Key): Promise<Uint8Array | undefined> {
    return this.#gate.run(async () => this.#read(key))
  }

  getMany(keys: readonly Key[]): Promise<(Uint8Array | undefined)[]> {
    return this.#gate.run(async () => keys.map((key) => this.#read(key)))
  }

  commit(changes: readonly Change[], _options?: CommitOptions): Promise<void> {
    return this.#gate.run(async () => {
      for (const change of changes) assertKey('put' in change ? change.put : change.drop)
      for (const change of changes) {
        if ('put' in change) this.#put(change.put.slice(), change.value.slice())
        else this.#drop(change.drop)
      }
    })
  }

  entries(prefix: Key, options: EntriesOptions): AsyncIterable<Entry> {
    return walkEntries((range, limit) => this.#gate.run(async () => this.#page(range, limit)), prefix, options)
  }

  close(): Promise<void> {
    return this.#gate.close(async () => {
      this.#leaves.length = 0
    })
  }

  #read(key: Key): Uint8Array | undefined {
    assertKey(key)
    const leaf = this.#leaves[this.#leafFor(key)]
    const entry = leaf?.[firstFrom(leaf, key)]
    return entry !== undefined && compareBytes(entry[0], key) === 0 ? entry[1].slice() : undefined
  }

  #put(key: Key, value: Uint8Array): void {
    const at = this.#leafFor(key)
    const leaf = this.#leaves[at]
    if (leaf === undefined) {
      this.#leaves.push([[key, value]])
      return
    }
    const place = firstFrom(leaf, key)
    const found = leaf[place]
    if (found !== undefined && compareBytes(found[0], key) === 0) leaf[place] = [key, value]
    else leaf.splice(place, 0, [key, value])
    if (leaf.length >= LEAF_ENTRIES) this.#leaves.splice(at + 1, 0, leaf.splice(LEAF_ENTRIES / 2))
  }

  #drop(key: Key): void {
    const at = this.#leafFor(key)
    const leaf = this.#leaves[at]
    if (leaf === undefined) return
    const place = firstFrom(leaf, key)
    const found = leaf[place]
    if (found === undefined || compareBytes(found[0], key) !== 0) return
    leaf.splice(place, 1)
    if (leaf.length === 0) this.#leaves.splice(at, 1)
  }

  #page({ start, inclusive, end }: KeyRange, limit: number): Page {
    const entries: Entry[] = []
    for (let at = this.#leafFor(start); at < this.#leaves.length; at++) {
      const leaf = this.#leaves[at] ?? []
      for (let place = firstFrom(leaf, start); place < leaf.length; place++) {
        const [key, value] = leaf[place] as Entry
        if (!inclusive && compareBytes(key, start) === 0) continue
        if (end !== undefined && compareBytes(key, end) >= 0) return { entries, more: false }
        if (entries.length === limit) return { entries, more: true }
        entries.push([key.slice(), value.slice()])
      }
    }
    return { entries, more: false }
  }

  /** The last leaf that begins at or before `key`, or the first one. */
  #leafFor(key: Key): number {
    let low = 0
    let high = this.#leaves.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const first = this.#leaves[middle]?.[0]
      if (first !== undefined && compareBytes(first[0], key) <= 0) low = middle + 1
      else high = middle
    }
    return Math.max(0, low - 1)
  }
}

/** Index of the first entry at or behind `key`. */
function firstFrom(leaf: readonly Entry[], key: Key): number {
  let low = 0
  let high = leaf.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareBytes((leaf[middle] as Entry)[0], key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
