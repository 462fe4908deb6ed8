// The books of the store: counters and unit map, and the one way to change them. Every operation of the RepoStore ends in `update`:
// decide under the lock, then one commit. There is no rollback code, because nothing is changed before that commit.

import { Mutex } from '../lib/mutex.ts'
import type { Bytes } from '../lib/units.ts'
import type { Change, CommitOptions, Datastore } from './datastore.ts'
import type { Counters } from './quota.ts'
import { QUOTA_KEY, changed, countersChange, decodeCounters } from './quota.ts'
import { UnitMap } from './unitmap.ts'

/** What one operation changes. Records, counters and units are committed together or not at all. */
export interface Plan {
  readonly changes: readonly Change[]
  readonly delta?: Partial<Counters>
  /** Units the new records name. */
  readonly taken?: readonly number[]
  /** Units no record names any more. */
  readonly freed?: readonly number[]
  /** How far beyond the quota it may grow; not at all by default. What is used then counts as ever. */
  readonly beyondBytes?: Bytes | undefined
  /**
   * `relaxed` where losing this commit, and the relaxed ones after it, in a power cut does no harm. A plan that frees units is strict all the
   * same, because they may be written to at once.
   */
  readonly durability?: CommitOptions['durability']
  /** Called once all of it is committed and before anything else is decided: what is kept in memory follows here. Not called when the commit failed. */
  readonly applied?: (() => void) | undefined
}

export class Ledger {
  readonly #datastore: Datastore
  #total: Bytes
  readonly #signal: AbortSignal
  readonly #lock = new Mutex()
  /** Kept across {@link Ledger.#reopen}, because it knows which units are being written. */
  #units: UnitMap | undefined
  #books: Promise<Books> | undefined
  #cutting: Promise<void> | undefined

  /** @param total the quota in bytes @param signal ends long reads when the store closes */
  constructor(datastore: Datastore, total: Bytes, signal: AbortSignal) {
    this.#datastore = datastore
    this.#total = total
    this.#signal = signal
  }

  get total(): Bytes {
    return this.#total
  }

  /** Never lowered: what was promised within it stands. */
  raise(total: Bytes): void {
    this.#total = Math.max(this.#total, total)
  }

  /** One record; does not open the books, so that asking a large store costs nothing. */
  async counters(): Promise<Counters> {
    return this.#books === undefined
      ? decodeCounters(await this.#datastore.get(QUOTA_KEY))
      : (await this.#books).counters
  }

  /** Units to write to before an {@link update} names them as `taken`; the lowest free ones. */
  async allocate(count: number): Promise<number[]> {
    return count === 0 ? [] : (await this.#settled()).units.allocate(count)
  }

  /** Units allocated and not taken. */
  giveBack(units: Iterable<number>): void {
    this.#units?.giveBack(units)
  }

  /**
   * Runs `decide` alone, commits its plan, and answers its result. What `decide` reads stays true until the commit.
   * @throws CodexError `store/quota-exceeded`, `store/release-exceeds-reserved`, and what `decide` and the Datastore throw
   */
  update<T>(decide: () => Promise<readonly [plan: Plan, result: T]>): Promise<T> {
    return this.#lock.run(async () => {
      const [plan, result] = await decide()
      await this.#commit(plan)
      return result
    })
  }

  /** Runs `look` while nothing can change. */
  still<T>(look: (counters: Counters, units: UnitMap) => Promise<T>): Promise<T> {
    return this.#lock.run(async () => {
      const { counters, units } = await this.#open()
      return look(counters, units)
    })
  }

  /** Runs `work`, which commits the books by itself, while nothing else can change; they are read again afterwards. Not while units are being written. */
  rebuild<T>(work: () => Promise<T>): Promise<T> {
    return this.#lock.run(async () => {
      try {
        return await work()
      } finally {
        this.#books = undefined
      }
    })
  }

  /** Runs `cut` with the first unit behind all that are in use; none behind it is handed out meanwhile. */
  async cutBehind(cut: (end: number) => Promise<void>): Promise<void> {
    const { units } = await this.#settled()
    const cutting = cut(units.end())
    this.#cutting = cutting.catch(() => undefined)
    try {
      await cutting
    } finally {
      this.#cutting = undefined
    }
  }

  /** The books while nothing is being cut and no commit of unknown fate waits to be read again; to be used before anything else is awaited. */
  async #settled(): Promise<Books> {
    for (;;) {
      while (this.#cutting !== undefined) await this.#cutting
      const opening = this.#open()
      const books = await opening
      if (this.#books === opening && this.#cutting === undefined) return books
    }
  }

  async #commit({
    changes,
    delta,
    taken = [],
    freed = [],
    durability = 'strict',
    beyondBytes = 0,
    applied,
  }: Plan): Promise<void> {
    const books = await this.#open()
    const counters = delta === undefined ? books.counters : changed(books.counters, delta, this.#total + beyondBytes)
    const all = [...changes, ...books.units.changes(taken, freed)]
    if (counters !== books.counters) all.push(countersChange(counters))
    if (all.length === 0) {
      applied?.()
      return
    }
    try {
      await this.#datastore.commit(all, { durability: freed.length === 0 ? durability : 'strict' })
    } catch (error) {
      // Whether it landed is unknown: the next decision reads the books again.
      this.#books = undefined
      throw error
    }
    books.units.settle(taken, freed)
    books.counters = counters
    applied?.()
  }

  #open(): Promise<Books> {
    if (this.#books === undefined) {
      const opening = this.#reopen()
      opening.catch(() => {
        if (this.#books === opening) this.#books = undefined
      })
      this.#books = opening
    }
    return this.#books
  }

  async #reopen(): Promise<Books> {
    const counters = decodeCounters(await this.#datastore.get(QUOTA_KEY))
    if (this.#units === undefined) this.#units = await UnitMap.load(this.#datastore, this.#signal)
    else await this.#units.reload(this.#datastore, this.#signal)
    return { counters, units: this.#units }
  }
}

interface Books {
  counters: Counters
  readonly units: UnitMap
}
