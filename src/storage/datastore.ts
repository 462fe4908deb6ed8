// The seam to a small ordered key-value store: records and indexes live behind it, block bytes do not (see slabfile.ts).

import type { AbortOptions } from '../lib/abort.ts'

/** Any bytes, at least one, at most {@link MAX_KEY_BYTES}; ordered as unsigned bytes, a prefix before what it begins. */
export type Key = Uint8Array

/** What every implementation accepts; longer keys are a programmer error. */
export const MAX_KEY_BYTES = 1024

export type Change = { readonly put: Key; readonly value: Uint8Array } | { readonly drop: Key }

export interface CommitOptions {
  /**
   * `strict` (the default) settles once the changes survive a power cut as far as the platform can promise it; `relaxed` once they
   * survive a crash of this process. Atomic either way.
   */
  readonly durability?: 'strict' | 'relaxed'
}

export interface EntriesOptions extends AbortOptions {
  /** Start behind this key instead of at the prefix's first; it need not exist. */
  readonly after?: Key
}

/**
 * Storage is local and short, so only the walk takes a signal. There is no transaction over awaits: read-modify-write takes a lock in
 * its owner and ends in one `commit`. Values handed in may be reused by the caller once the promise settles; values handed out are the
 * caller's own.
 *
 * Errors, from every verb: `datastore/closed`, `datastore/failed`; from `commit` also `datastore/full` (quota or disk): nothing of that
 * commit was written then.
 */
export interface Datastore {
  get(key: Key): Promise<Uint8Array | undefined>
  /** Answers in the order of `keys`. All are read from one moment's state where the store can tell moments apart. */
  getMany(keys: readonly Key[]): Promise<(Uint8Array | undefined)[]>
  /** All changes become visible together or none does, also across a crash. The last change of a key wins. */
  commit(changes: readonly Change[], options?: CommitOptions): Promise<void>
  /** Ascending. Read in pages: a record changed during the walk may show either way. Rejects with `signal.reason`. */
  entries(prefix: Key, options: EntriesOptions): AsyncIterable<readonly [Key, Uint8Array]>
  /** Waits for what is under way, then lets go of the store. A second call is a no-op. */
  close(): Promise<void>
}
