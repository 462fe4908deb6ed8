// A Datastore in a folder, by LevelDB. It knows records only; the bytes of blocks do not belong here.

import { ClassicLevel } from 'classic-level'

import { CodexError } from '../../lib/errors.ts'
import type { Change, CommitOptions, Datastore, EntriesOptions, Key } from '../../storage/datastore.ts'
import { GroupCommit } from '../../storage/groupcommit.ts'
import type { Durability } from '../../storage/groupcommit.ts'
import { assertKey } from '../../storage/storagekey.ts'
import { VerbGate } from '../../storage/verbgate.ts'
import { PAGE_BYTES, walkEntries } from '../../storage/walkentries.ts'
import type { Entry, KeyRange, Page } from '../../storage/walkentries.ts'
import { probeRoom } from './proberoom.ts'

export type Level = ClassicLevel<Uint8Array, Uint8Array>

const FULL = /(no space left on device|disk quota exceeded|file too large|not enough space)/i
const FULL_CODES: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

interface Engine {
  readonly level: Level
  /** Of this engine alone, so that it can be exchanged when no call is inside. */
  readonly gate: VerbGate
}

export interface LevelDatastoreOptions {
  /**
   * Called when a commit that removes something finds no room: makes some, or answers false. The commit is tried once more then. Commits that only
   * put do not ask, so that they cannot use up what removing needs.
   */
  readonly freeRoom?: () => Promise<boolean>
  /** For tests that let the engine fail. */
  readonly openLevel?: (folder: string) => Promise<Level>
}

/**
 * Strict commits are fsynced, relaxed ones handed to the system. Concurrent commits share one write.
 *
 * A failed write leaves LevelDB unfit for writing, and its log possibly torn: what were appended behind the tear, recovery would drop
 * without a word. So reads go on, and the next commit first checks that there is room, opens the engine anew and puts back what the failed
 * write was to change, in case its bytes did reach the log; so does closing. Only a crash before that, or closing without room, can bring a
 * write back that was reported as failed. Where that state cannot be learnt, nothing is written any more: the log must not be replayed beneath
 * someone who believes the write failed.
 */
export class LevelDatastore implements Datastore {
  readonly #folder: string
  readonly #openLevel: (folder: string) => Promise<Level>
  readonly #freeRoom: () => Promise<boolean>
  readonly #gate = new VerbGate()
  readonly #group = new GroupCommit((changes, durability) => this.#write(changes, durability))
  #engine: Promise<Engine>
  /** Set by a failed write: the state before it. */
  #undo: readonly Change[] | undefined
  /** Set by a failed write when the state before it could not be read: the end of all commits. */
  #unfit: CodexError | undefined

  private constructor(
    folder: string,
    level: Level,
    {
      openLevel,
      freeRoom = async () => false,
    }: LevelDatastoreOptions & Pick<Required<LevelDatastoreOptions>, 'openLevel'>,
  ) {
    this.#folder = folder
    this.#openLevel = openLevel
    this.#freeRoom = freeRoom
    this.#engine = Promise.resolve({ level, gate: new VerbGate() })
  }

  /**
   * Opens the store in `folder`, making it when missing.
   *
   * @throws CodexError `datastore/locked` (another store has the folder open), `datastore/corrupted`, `datastore/full`,
   * `datastore/failed`
   */
  static async open(folder: string, options: LevelDatastoreOptions = {}): Promise<LevelDatastore> {
    const { openLevel = openClassicLevel } = options
    try {
      return new LevelDatastore(folder, await openLevel(folder), { ...options, openLevel })
    } catch (error) {
      throw typed(error, folder)
    }
  }

  get(key: Key): Promise<Uint8Array | undefined> {
    return this.#read(async (level) => {
      assertKey(key)
      const value = await level.get(key)
      return value && plain(value)
    })
  }

  getMany(keys: readonly Key[]): Promise<(Uint8Array | undefined)[]> {
    return this.#read((level) => readMany(level, keys))
  }

  commit(changes: readonly Change[], { durability = 'strict' }: CommitOptions = {}): Promise<void> {
    return this.#gate.run(async () => {
      for (const change of changes) assertKey('put' in change ? change.put : change.drop)
      if (changes.length > 0) await this.#group.commit(changes, durability)
    })
  }

  entries(prefix: Key, options: EntriesOptions): AsyncIterable<Entry> {
    return walkEntries((range, limit) => this.#read((level) => readPage(level, range, limit)), prefix, options)
  }

  close(): Promise<void> {
    return this.#gate.close(async () => {
      // The next opening replays the log. Where this fails for want of room, nobody could do better.
      if (this.#undo !== undefined) await this.#mend().catch(() => undefined)
      // An engine that failed to open again holds nothing.
      const engine = await this.#engine.catch(() => undefined)
      try {
        await engine?.gate.close(() => engine.level.close())
      } catch (error) {
        throw typed(error, this.#folder)
      }
    })
  }

  #read<T>(read: (level: Level) => Promise<T>): Promise<T> {
    return this.#gate.run(async () => {
      try {
        let engine = await this.#opened()
        while (engine.gate.closed) engine = await this.#opened()
        return await engine.gate.run(() => read(engine.level))
      } catch (error) {
        throw typed(error, this.#folder)
      }
    })
  }

  /** Called for one group at a time. */
  async #write(changes: readonly Change[], durability: Durability): Promise<void> {
    try {
      await this.#attempt(changes, durability)
    } catch (error) {
      const removes = changes.some((change) => 'drop' in change)
      if (!removes || !CodexError.is(error, 'datastore/full') || !(await this.#freeRoom())) throw error
      await this.#attempt(changes, durability)
    }
  }

  async #attempt(changes: readonly Change[], durability: Durability): Promise<void> {
    if (this.#unfit !== undefined) throw this.#unfit
    try {
      if (this.#undo !== undefined) await this.#mend()
      const { level } = await this.#opened()
      try {
        await writeBatch(level, changes, durability)
      } catch (error) {
        // The write is in the log at most, not yet in what is read: this is the state before it.
        this.#undo = await before(level, changes).catch((cause: unknown) => {
          throw (this.#unfit = unfitError(this.#folder, error, cause))
        })
        throw error
      }
    } catch (error) {
      throw typed(error, this.#folder)
    }
  }

  /** The engine, opened again where an earlier attempt to do so failed. */
  async #opened(): Promise<Engine> {
    const attempt = this.#engine
    try {
      return await attempt
    } catch {
      if (this.#engine === attempt) this.#engine = this.#reopened()
      return await this.#engine
    }
  }

  /** Nobody sees the engine before it is as the failed write found it. */
  async #reopened(): Promise<Engine> {
    const level = await this.#openLevel(this.#folder)
    try {
      if (this.#undo !== undefined) await writeBatch(level, this.#undo, 'strict')
    } catch (error) {
      await level.close()
      throw error
    }
    this.#undo = undefined
    return { level, gate: new VerbGate() }
  }

  async #mend(): Promise<void> {
    // First, because an engine that cannot be opened again for want of room could not be read any more either.
    await probeRoom(this.#folder)
    const old = await this.#opened()
    // A read may have opened it again by now, where an earlier attempt failed.
    if (this.#undo === undefined) return
    this.#engine = old.gate.close(() => old.level.close()).then(() => this.#reopened())
    await this.#engine
  }
}

async function openClassicLevel(folder: string): Promise<Level> {
  const level: Level = new ClassicLevel(folder, { keyEncoding: 'view', valueEncoding: 'view' })
  await level.open()
  return level
}

/** One atomic batch. Filled call by call: for thousands of changes that takes a fifth of the time that a list of them does. */
async function writeBatch(level: Level, changes: readonly Change[], durability: Durability): Promise<void> {
  const batch = level.batch()
  try {
    for (const change of changes) {
      if ('put' in change) batch.put(change.put, change.value)
      else batch.del(change.drop)
    }
  } catch (error) {
    await batch.close()
    throw error
  }
  await batch.write({ sync: durability === 'strict' })
}

async function readMany(level: Level, keys: readonly Key[]): Promise<(Uint8Array | undefined)[]> {
  for (const key of keys) assertKey(key)
  return (await level.getMany([...keys])).map((value) => value && plain(value))
}

async function readPage(level: Level, { start, inclusive, end }: KeyRange, limit: number): Promise<Page> {
  const lower = start.length === 0 ? {} : inclusive ? { gte: start } : { gt: start }
  const iterator = level.iterator({
    ...lower,
    ...(end && { lt: end }),
    highWaterMarkBytes: PAGE_BYTES,
    fillCache: false,
  })
  try {
    const found = await iterator.nextv(limit)
    const entries = found.map(([key, value]): Entry => [plain(key), plain(value)])
    const bytes = entries.reduce((total, [key, value]) => total + key.length + value.length, 0)
    // A page ends at its limit or at the engine's mark of bytes; only one that does neither has seen the end.
    return { entries, more: entries.length === limit || bytes >= PAGE_BYTES }
  } finally {
    await iterator.close()
  }
}

async function before(level: Level, changes: readonly Change[]): Promise<Change[]> {
  const keys = changes.map((change) => ('put' in change ? change.put.slice() : change.drop.slice()))
  const values = await readMany(level, keys)
  return keys.map((key, index) => {
    const value = values[index]
    return value === undefined ? { drop: key } : { put: key, value }
  })
}

/** The engine answers with Buffers, whose `slice` shares memory; ours are plain arrays. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function unfitError(folder: string, failure: unknown, cause: unknown): CodexError<'datastore/failed'> {
  const found = failure instanceof Error ? failure.message : String(failure)
  return new CodexError(
    'datastore/failed',
    `a write to the datastore in ${folder} failed (${found}), and what it was to change cannot be read: restart the node`,
    { detail: { folder, found }, cause },
  )
}

function typed(error: unknown, folder: string): unknown {
  if (!(error instanceof Error) || error.name === 'AssertionError' || CodexError.is(error)) return error
  const beneath = error.cause instanceof Error ? error.cause : error
  const { code } = beneath as { code?: unknown }
  const options = { detail: { folder, found: beneath.message }, cause: error }
  if (code === 'LEVEL_LOCKED')
    return new CodexError(
      'datastore/locked',
      `expected the datastore in ${folder} to be free, found it open elsewhere; stop the node that uses it`,
      options,
    )
  if (code === 'LEVEL_CORRUPTION')
    return new CodexError(
      'datastore/corrupted',
      `expected a sound datastore in ${folder}, found: ${beneath.message}; restore it or start with an empty folder`,
      options,
    )
  if (FULL_CODES.has(code) || FULL.test(beneath.message))
    return new CodexError(
      'datastore/full',
      `expected room on the disk of ${folder}, found: ${beneath.message}; free some space`,
      options,
    )
  return new CodexError(
    'datastore/failed',
    `expected to use the datastore in ${folder}, found: ${beneath.message}`,
    options,
  )
}
