// A Datastore whose n-th commit fails, before or after it took effect, for this one call or for good.

import { CodexError } from '../../src/lib/errors.ts'
import type { Change, CommitOptions, Datastore, EntriesOptions, Key } from '../../src/storage/datastore.ts'
import { type Around, stepwise } from './tripwire.ts'

/** `refused`: nothing was written. `lost answer`: it was written and the caller hears of a failure. */
export type CommitFault = 'refused' | 'lost answer'

export class FaultyDatastore implements Datastore {
  readonly #inner: Datastore
  readonly #faults = new Map<number, { readonly fault: CommitFault; readonly dies: boolean }>()
  readonly #around: Around
  #dead = false
  #commits = 0

  /** @param around stands between every call and what it does */
  constructor(inner: Datastore, around: Around = (_, call) => call()) {
    this.#inner = inner
    this.#around = around
  }

  get commits(): number {
    return this.#commits
  }

  /** The `n`-th commit from now fails (1 is the next); with `dies` every call after it does too, as in a process that was killed. */
  failAt(n: number, fault: CommitFault, dies = false): void {
    this.#faults.set(this.#commits + n, { fault, dies })
  }

  get(key: Key): Promise<Uint8Array | undefined> {
    return this.#alive(() => this.#around('datastore.get', () => this.#inner.get(key)))
  }

  getMany(keys: readonly Key[]): Promise<(Uint8Array | undefined)[]> {
    return this.#alive(() => this.#around('datastore.getMany', () => this.#inner.getMany(keys)))
  }

  async commit(changes: readonly Change[], options?: CommitOptions): Promise<void> {
    return this.#alive(async () => {
      const planned = this.#faults.get(++this.#commits)
      if (planned === undefined) return this.#around('datastore.commit', () => this.#inner.commit(changes, options))
      this.#dead = planned.dies
      if (planned.fault === 'lost answer') await this.#inner.commit(changes, options)
      throw new CodexError('datastore/failed', `commit ${this.#commits} fails, as the test asked for`)
    })
  }

  async *entries(prefix: Key, options: EntriesOptions): AsyncGenerator<readonly [Key, Uint8Array], void> {
    const entries = stepwise('datastore.entries', this.#inner.entries(prefix, options), this.#around)
    for await (const entry of entries) yield await this.#alive(async () => entry)
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  async #alive<T>(work: () => Promise<T>): Promise<T> {
    if (this.#dead) throw new CodexError('datastore/failed', 'the process was killed, as the test asked for')
    return work()
  }
}
