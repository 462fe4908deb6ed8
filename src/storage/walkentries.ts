// The walk that every Datastore shares: page by page, each page a read of its own, so that nothing of the store (a transaction, an
// iterator, a snapshot) stays open while the consumer awaits something else. It does not know how a page is read.

import { compareBytes } from '../lib/bytes.ts'
import { KiB, MiB } from '../lib/units.ts'
import type { EntriesOptions, Key } from './datastore.ts'
import { upperBound } from './storagekey.ts'

/** Most entries read at once. */
export const PAGE_ENTRIES = 512
/** What a page aims at when values are large; one page may exceed it, the next one is smaller then. */
export const PAGE_BYTES = MiB
/** What a value is taken to measure before the first page has shown better. */
const FIRST_GUESS_BYTES = 16 * KiB

export type Entry = readonly [Key, Uint8Array]

/** The keys from `start` (itself only when `inclusive`) up to and without `end`; no `end` means to the last. */
export interface KeyRange {
  readonly start: Key
  readonly inclusive: boolean
  readonly end: Key | undefined
}

export interface Page {
  readonly entries: readonly Entry[]
  /** False only when nothing lay behind the last entry at the time of reading. */
  readonly more: boolean
}

/** Reads the first entries of the range, ascending, at most `limit`, at least one if there is one. */
export type ReadPage = (range: KeyRange, limit: number) => Promise<Page>

/** @throws the signal's reason, before each page and before each entry; what `readPage` throws */
export async function* walkEntries(
  readPage: ReadPage,
  prefix: Key,
  options: EntriesOptions,
): AsyncGenerator<Entry, void, void> {
  const { signal } = options
  const end = upperBound(prefix)
  let range: KeyRange = { start: prefix.slice(), inclusive: true, end }
  if (options.after !== undefined && compareBytes(options.after, prefix) >= 0)
    range = { start: options.after.slice(), inclusive: false, end }
  if (end !== undefined && compareBytes(range.start, end) >= 0) return
  let limit = pageLimit(FIRST_GUESS_BYTES)
  for (;;) {
    signal.throwIfAborted()
    const { entries, more } = await readPage(range, limit)
    const last = entries.at(-1)?.[0]
    // Before the entries are handed out, because from then on they are the consumer's to change.
    if (last !== undefined) {
      range = { start: last.slice(), inclusive: false, end }
      limit = pageLimit(entries.reduce((bytes, [key, value]) => bytes + key.length + value.length, 0) / entries.length)
    }
    for (const entry of entries) {
      signal.throwIfAborted()
      yield entry
    }
    signal.throwIfAborted()
    if (!more || last === undefined) return
  }
}

function pageLimit(entryBytes: number): number {
  return Math.max(1, Math.min(PAGE_ENTRIES, Math.floor(PAGE_BYTES / Math.max(1, entryBytes))))
}
