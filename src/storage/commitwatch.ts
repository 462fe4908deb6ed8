// A Datastore that remembers how its commits went, for whoever looks now and then. It passes everything on, and decides nothing.

import { CodexError } from '../lib/errors.ts'
import type { Change, CommitOptions, Datastore, EntriesOptions, Key } from './datastore.ts'

/** What kept a commit from being written: no room, or a store that fails. */
export type WriteTrouble = CodexError & { readonly code: 'datastore/full' | 'datastore/failed' }

/** How commits went since it was asked last. */
export interface CommitLook {
  /** Of the last one that failed, if any did. */
  readonly trouble: WriteTrouble | undefined
  readonly hasWritten: boolean
}

export class CommitWatch implements Datastore {
  readonly #inner: Datastore
  #trouble: WriteTrouble | undefined
  #hasWritten = false

  constructor(inner: Datastore) {
    this.#inner = inner
  }

  /** For one who looks: what it tells is forgotten. */
  look(): CommitLook {
    const look = { trouble: this.#trouble, hasWritten: this.#hasWritten }
    this.#trouble = undefined
    this.#hasWritten = false
    return look
  }

  get(key: Key): Promise<Uint8Array | undefined> {
    return this.#inner.get(key)
  }

  getMany(keys: readonly Key[]): Promise<(Uint8Array | undefined)[]> {
    return this.#inner.getMany(keys)
  }

  async commit(changes: readonly Change[], options?: CommitOptions): Promise<void> {
    try {
      await this.#inner.commit(changes, options)
    } catch (error) {
      if (isTrouble(error)) this.#trouble = error
      throw error
    }
    // To remove something needs no room, and shows none.
    this.#hasWritten ||= changes.some((change) => 'put' in change)
  }

  entries(prefix: Key, options: EntriesOptions): AsyncIterable<readonly [Key, Uint8Array]> {
    return this.#inner.entries(prefix, options)
  }

  close(): Promise<void> {
    return this.#inner.close()
  }
}

/** One that is closed, or taken away, is told of by whoever did it. */
function isTrouble(error: unknown): error is WriteTrouble {
  return CodexError.is(error) && (error.code === 'datastore/full' || error.code === 'datastore/failed')
}
