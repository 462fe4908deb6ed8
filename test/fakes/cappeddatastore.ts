// A Datastore in memory with room for so many bytes: a commit that needs more is `datastore/full` and changes nothing.

import { toHex } from '../../src/lib/bytes.ts'
import { CodexError } from '../../src/lib/errors.ts'
import type { Bytes } from '../../src/lib/units.ts'
import type { Change, CommitOptions, Datastore, EntriesOptions, Key } from '../../src/storage/datastore.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'

export class CappedDatastore implements Datastore {
  /** Of keys and values together. */
  capacityBytes: Bytes
  /** Whether a commit may use the room that its own drops make; some platforms look at what is put alone. */
  countsDrops = true
  /** Those that went through, and the most changes one of them had. */
  commits = 0
  largestCommit = 0
  readonly #inner = new MemoryDatastore()
  readonly #sizes = new Map<string, Bytes>()
  #usedBytes: Bytes = 0

  constructor(capacityBytes: Bytes) {
    this.capacityBytes = capacityBytes
  }

  get(key: Key): Promise<Uint8Array | undefined> {
    return this.#inner.get(key)
  }

  getMany(keys: readonly Key[]): Promise<(Uint8Array | undefined)[]> {
    return this.#inner.getMany(keys)
  }

  async commit(changes: readonly Change[], options?: CommitOptions): Promise<void> {
    const after = new Map<string, Bytes>()
    for (const change of changes) {
      if ('put' in change) after.set(toHex(change.put), change.put.length + change.value.length)
      else after.set(toHex(change.drop), 0)
    }
    let used = this.#usedBytes
    let freed = 0
    for (const [name, size] of after) {
      used += size - (this.#sizes.get(name) ?? 0)
      if (size === 0) freed += this.#sizes.get(name) ?? 0
    }
    const needed = used + (this.countsDrops ? 0 : freed)
    if (needed > this.capacityBytes && changes.some((change) => 'put' in change))
      throw new CodexError('datastore/full', `room for ${this.capacityBytes} bytes, needed ${needed}`)
    await this.#inner.commit(changes, options)
    this.#usedBytes = used
    for (const [name, size] of after) this.#sizes.set(name, size)
    this.commits++
    this.largestCommit = Math.max(this.largestCommit, changes.length)
  }

  entries(prefix: Key, options: EntriesOptions): AsyncIterable<readonly [Key, Uint8Array]> {
    return this.#inner.entries(prefix, options)
  }

  close(): Promise<void> {
    return this.#inner.close()
  }
}
