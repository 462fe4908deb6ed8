// A Datastore in the browser, by IndexedDB, in a window or a worker. It knows records only; block bytes prefer OPFS.

import { wrap } from 'idb'

import type { AbortOptions } from '../../lib/abort.ts'
import { CodexError } from '../../lib/errors.ts'
import type { Change, CommitOptions, Datastore, EntriesOptions, Key } from '../../storage/datastore.ts'
import { GroupCommit } from '../../storage/groupcommit.ts'
import type { Durability } from '../../storage/groupcommit.ts'
import { assertKey } from '../../storage/storagekey.ts'
import { VerbGate } from '../../storage/verbgate.ts'
import { walkEntries } from '../../storage/walkentries.ts'
import type { Entry, KeyRange, Page } from '../../storage/walkentries.ts'
import { lostError, openIdb, RECORDS, SCHEMA_VERSION } from './idbconnection.ts'

/** How often a verb is tried when its connection drops. */
const VERB_ATTEMPTS = 2
/** How often in a row a dropped connection is opened again before the verb fails; the next verb starts over. */
const REOPEN_ATTEMPTS = 3
/** How far down `cause` a full disk is looked for. */
const CAUSE_DEPTH = 4

export interface IdbDatastoreOptions extends AbortOptions {
  /** The platform's own when left out. */
  readonly factory?: IDBFactory
  /** Called once, when the database is lost to this tab: every later call rejects with the same error. */
  readonly onLost?: (error: CodexError<'datastore/outdated' | 'datastore/lost'>) => void
}

/**
 * A commit is one transaction whose requests are all issued in one tick; it counts only at the event `complete`, because an abort can
 * follow the success of every request. Concurrent commits share a transaction.
 *
 * A connection that drops (event `close`, a handle that refuses, Safari's lost server) is opened again and the verb repeated once. Commits
 * too, although the fate of the first try may be unknown: puts and drops of whole values can be repeated, and since only one write is under
 * way at a time no later one can be overtaken.
 *
 * Beside the errors of the seam every verb may reject with `datastore/outdated` (another tab upgraded the database, or is about to) or
 * `datastore/lost` (the site's data was cleared while open; nothing is re-created silently). idb gives the promises of requests;
 * transactions are listened to directly, because its `done` settles at the first error event, before the abort names the cause.
 */
export class IdbDatastore implements Datastore {
  /** Whether opening found nothing and made the database: a node that remembers selling should be alarmed. */
  readonly created: boolean
  readonly #name: string
  readonly #factory: IDBFactory
  readonly #onLost: IdbDatastoreOptions['onLost']
  readonly #gate = new VerbGate()
  readonly #group = new GroupCommit((changes, durability) => this.#run((db) => write(db, changes, durability)))
  readonly #dropped = new WeakSet<IDBDatabase>()
  #db: IDBDatabase | undefined
  #reopening: Promise<IDBDatabase> | undefined
  #lost: CodexError | undefined

  private constructor(
    name: string,
    db: IDBDatabase,
    created: boolean,
    factory: IDBFactory,
    onLost: IdbDatastoreOptions['onLost'],
  ) {
    this.#name = name
    this.created = created
    this.#factory = factory
    this.#onLost = onLost
    this.#watch(db)
  }

  /**
   * Opens the database `name`, making it when missing. The signal bounds the wait for other tabs only.
   *
   * @throws CodexError `datastore/blocked` (another tab kept an older version open until the signal), `datastore/outdated` (the database is
   * of a newer version), `datastore/full`, `datastore/failed`; or the signal's reason
   */
  static async open(name: string, options: IdbDatastoreOptions): Promise<IdbDatastore> {
    const { signal, factory = globalThis.indexedDB, onLost } = options
    try {
      const { db, created } = await openIdb({ factory, name, signal, mayCreate: true })
      return new IdbDatastore(name, db, created, factory, onLost)
    } catch (error) {
      throw signal.aborted && error === signal.reason ? error : typed(error, name)
    }
  }

  get(key: Key): Promise<Uint8Array | undefined> {
    return this.#gate.run(async () => {
      assertKey(key)
      return await this.#run(async (db) => (await read(db, [key]))[0])
    })
  }

  getMany(keys: readonly Key[]): Promise<(Uint8Array | undefined)[]> {
    return this.#gate.run(async () => {
      for (const key of keys) assertKey(key)
      return keys.length === 0 ? [] : await this.#run((db) => read(db, keys))
    })
  }

  commit(changes: readonly Change[], { durability = 'strict' }: CommitOptions = {}): Promise<void> {
    return this.#gate.run(async () => {
      for (const change of changes) assertKey('put' in change ? change.put : change.drop)
      if (changes.length > 0) await this.#group.commit(changes, durability)
    })
  }

  entries(prefix: Key, options: EntriesOptions): AsyncIterable<Entry> {
    const page = (range: KeyRange, limit: number) => this.#gate.run(() => this.#run((db) => readPage(db, range, limit)))
    return walkEntries(page, prefix, options)
  }

  close(): Promise<void> {
    return this.#gate.close(async () => {
      this.#db?.close()
    })
  }

  async #run<T>(verb: (db: IDBDatabase) => Promise<T>): Promise<T> {
    try {
      for (let attempt = 1; ; attempt++) {
        const db = await this.#connected()
        try {
          return await verb(db)
        } catch (error) {
          // `full` promises that nothing was written, and nobody knows that of the first try.
          if (attempt > 1 && isFull(error)) throw failedError(this.#name, error)
          if (attempt === VERB_ATTEMPTS || !(this.#dropped.has(db) || soundsDropped(error))) throw error
          this.#letGo(db)
        }
      }
    } catch (error) {
      throw typed(error, this.#name)
    }
  }

  /** One reopening is shared by all verbs that wait for it; when it failed, the next verb tries anew. */
  async #connected(): Promise<IDBDatabase> {
    if (this.#lost !== undefined) throw this.#lost
    if (this.#db !== undefined) return this.#db
    this.#reopening ??= this.#reopen().finally(() => {
      this.#reopening = undefined
    })
    return await this.#reopening
  }

  async #reopen(): Promise<IDBDatabase> {
    for (let attempt = 1; ; attempt++) {
      try {
        const { signal } = new AbortController()
        const { db } = await openIdb({ factory: this.#factory, name: this.#name, signal, mayCreate: false })
        this.#watch(db)
        return db
      } catch (error) {
        const failure = typed(error, this.#name)
        if (CodexError.is(failure, 'datastore/lost') || CodexError.is(failure, 'datastore/outdated'))
          this.#lose(failure)
        if (attempt === REOPEN_ATTEMPTS || !soundsDropped(error)) throw failure
      }
    }
  }

  #letGo(db: IDBDatabase): void {
    db.close()
    if (this.#db === db) this.#db = undefined
  }

  #watch(db: IDBDatabase): void {
    this.#db = db
    db.addEventListener('close', () => {
      this.#dropped.add(db)
      this.#letGo(db)
    })
    db.addEventListener('versionchange', ({ newVersion }) => {
      // Transactions under way still end well; nothing new begins, and the other tab can go on.
      this.#letGo(db)
      this.#lose(newVersion === null ? lostError(this.#name) : outdatedError(this.#name))
    })
  }

  #lose(error: CodexError<'datastore/outdated' | 'datastore/lost'>): void {
    if (this.#lost !== undefined) return
    this.#lost = error
    this.#onLost?.(error)
  }
}

async function write(db: IDBDatabase, changes: readonly Change[], durability: Durability): Promise<void> {
  const transaction = db.transaction(RECORDS, 'readwrite', { durability })
  const done = ended(transaction)
  try {
    const records = transaction.objectStore(RECORDS)
    for (const change of changes) {
      if ('put' in change) records.put(whole(change.value), whole(change.put))
      else records.delete(whole(change.drop))
    }
    transaction.commit()
  } catch (error) {
    if (!transaction.error) tryAbort(transaction)
    await done.catch(() => {})
    throw error
  }
  await done
}

async function read(db: IDBDatabase, keys: readonly Key[]): Promise<(Uint8Array | undefined)[]> {
  const records: IDBObjectStore = db.transaction(RECORDS, 'readonly').objectStore(RECORDS)
  return await Promise.all(keys.map((key) => wrap<Uint8Array | undefined>(records.get(whole(key)))))
}

async function readPage(db: IDBDatabase, keyRange: KeyRange, limit: number): Promise<Page> {
  const range = idbRange(keyRange)
  const records = db.transaction(RECORDS, 'readonly').objectStore(RECORDS)
  const [keys, values] = await Promise.all([
    wrap<IDBValidKey[]>(records.getAllKeys(range, limit)),
    wrap<Uint8Array[]>(records.getAll(range, limit)),
  ])
  const entries = values.map((value, index): Entry => [new Uint8Array(keys[index] as ArrayBuffer), value])
  return { entries, more: entries.length === limit }
}

/** Null for all keys: not everyone takes an empty one as a bound. */
function idbRange({ start, inclusive, end }: KeyRange): IDBKeyRange | null {
  if (end !== undefined) return IDBKeyRange.bound(whole(start), whole(end), !inclusive, true)
  return start.length === 0 ? null : IDBKeyRange.lowerBound(whole(start), !inclusive)
}

/** Settles as the transaction does: at `complete` or at `abort`, which is the only one that knows the cause. */
function ended(transaction: IDBTransaction): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    transaction.addEventListener('complete', () => resolve())
    transaction.addEventListener('abort', () =>
      reject(transaction.error ?? new DOMException('the transaction was aborted', 'AbortError')),
    )
  })
}

function tryAbort(transaction: IDBTransaction): void {
  try {
    transaction.abort()
  } catch {
    // It has ended by itself: its own events tell how.
  }
}

/** The bytes alone: cloning a view would store all of the buffer beneath it, and a shared buffer cannot be stored. */
function whole(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (bytes.buffer instanceof ArrayBuffer && bytes.buffer.byteLength === bytes.byteLength)
    return new Uint8Array(bytes.buffer)
  return new Uint8Array(bytes)
}

/** Whether the connection is the likely cause. What it names too broadly costs one more try. */
function soundsDropped(error: unknown): boolean {
  if (!(error instanceof Error) || isFull(error)) return false
  const named = error.name === 'InvalidStateError' || error.name === 'AbortError' || error.name === 'UnknownError'
  return named || /connection .*(lost|clos)/i.test(error.message)
}

function isFull(error: unknown): boolean {
  let one = error
  for (let depth = 0; depth < CAUSE_DEPTH && one instanceof Error; depth++) {
    if (one.name === 'QuotaExceededError' || /quota|full disk|disk is full|no space/i.test(one.message)) return true
    one = one.cause
  }
  return false
}

function typed(error: unknown, name: string): unknown {
  if (!(error instanceof Error) || error.name === 'AssertionError' || CodexError.is(error)) return error
  if (error.name === 'VersionError') return outdatedError(name, error)
  if (!isFull(error)) return failedError(name, error)
  const found = `${error.name}: ${error.message}`
  const message = `expected room for the database ${name}, found ${found}; free some space or pledge less`
  return new CodexError('datastore/full', message, { detail: { name, found }, cause: error })
}

function failedError(name: string, cause: unknown): CodexError<'datastore/failed'> {
  const found = String(cause)
  const message = `expected to use the database ${name}, found ${found}`
  return new CodexError('datastore/failed', message, { detail: { name, found }, cause })
}

function outdatedError(name: string, cause?: unknown): CodexError<'datastore/outdated'> {
  const message = `expected the database ${name} at version ${SCHEMA_VERSION}, found a newer one, made by a newer release; reload this page`
  return new CodexError('datastore/outdated', message, { detail: { name }, cause })
}
