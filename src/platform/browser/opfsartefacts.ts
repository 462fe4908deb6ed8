// Circuit files in the tab's own file system, which no other site sees. What is in them is checked elsewhere.

import type { AbortOptions } from '../../lib/abort.ts'
import type { Clock } from '../../lib/clock.ts'
import { CodexError } from '../../lib/errors.ts'
import { SystemClock } from '../../lib/systemclock.ts'
import type { Bytes, Seconds } from '../../lib/units.ts'
import { holdShared, whileNobodyHolds } from './sharedlock.ts'
import type { ArtefactDraft, ArtefactStore, KeptArtefact, OpenSource } from '../../proving/artefactstore.ts'

const FOLDER = 'codex-light-circuits'
const RECORD = '.json'
/** A file that was opened this long ago is as good as just used. */
const USE_SECONDS: Seconds = 60

/** What is neither kept nor this young was left behind by a tab that ended. */
const DRAFT_SECONDS: Seconds = 86_400

/** As a record's file has it. */
interface Note {
  /** Each download has a file of its own, so that tabs do not get into each other's way. */
  readonly file: string
  readonly record: string
  /** When it was last opened, or kept. */
  readonly used: Seconds
}

/** A file counts as kept once a record says which it is; that appears in one step. */
export class OpfsArtefacts implements ArtefactStore {
  readonly #folder: FileSystemDirectoryHandle
  readonly #clock: Pick<Clock, 'now'>

  private constructor(folder: FileSystemDirectoryHandle, clock: Pick<Clock, 'now'>) {
    this.#folder = folder
    this.#clock = clock
  }

  /** Undefined where this browser has no such file system, or does not let pages write to it. @param clock tells what was not used for long */
  static async open(
    clock: Pick<Clock, 'now'> = new SystemClock(),
    folder: string = FOLDER,
  ): Promise<OpfsArtefacts | undefined> {
    if (!('createWritable' in (globalThis.FileSystemFileHandle?.prototype ?? {}))) return undefined
    try {
      const root = await navigator.storage.getDirectory()
      const store = new OpfsArtefacts(await root.getDirectoryHandle(folder, { create: true }), clock)
      await store.#sweep()
      return store
    } catch {
      return undefined
    }
  }

  async open(name: string): Promise<{ readonly source: OpenSource; readonly record: string } | undefined> {
    const note = await this.#noteOf(name)
    if (note === undefined) return undefined
    let release = (): void => {}
    try {
      release = await holdShared(this.#lockOf(note))
      const file = await this.#fileOf(note)
      await this.#markUsed(name, note)
      return { record: note.record, source: new OpfsSource(file, release) }
    } catch {
      release()
      return undefined
    }
  }

  async create(name: string): Promise<ArtefactDraft> {
    const draft = `${name}.${crypto.randomUUID()}`
    const file = await failing(async () => (await this.#folder.getFileHandle(draft, { create: true })).createWritable())
    let isKept = false
    return {
      write: (bytes) => failing(() => file.write(bytes as Uint8Array<ArrayBuffer>)),
      keep: (record) =>
        failing(async () => {
          await file.close()
          // Another tab was quicker: its file is the same, and may be in use.
          if (await this.#isThere(name)) return
          await this.#writeNote(name, { file: draft, record, used: this.#clock.now() })
          isKept = true
        }),
      discard: async () => {
        if (isKept) return
        await file.abort().catch(() => undefined)
        await this.#removeEntry(draft).catch(() => undefined)
      },
    }
  }

  async remove(name: string): Promise<void> {
    const note = await this.#noteOf(name)
    await this.#removeEntry(recordOf(name))
    if (note !== undefined) await this.#removeEntry(note.file)
  }

  async list(): Promise<readonly KeptArtefact[]> {
    const records = (await failing(() => this.#names())).filter((name) => name.endsWith(RECORD))
    const found = await Promise.all(records.map((record) => this.#describe(record.slice(0, -RECORD.length))))
    return found.filter((each) => each !== undefined)
  }

  async drop(name: string): Promise<boolean> {
    const note = await this.#noteOf(name)
    if (note === undefined) return true
    return whileNobodyHolds(this.#lockOf(note), () => failing(() => this.remove(name)))
  }

  async #noteOf(name: string): Promise<Note | undefined> {
    try {
      const handle = await this.#folder.getFileHandle(recordOf(name))
      const { file, record, used } = (JSON.parse(await (await handle.getFile()).text()) ?? {}) as Partial<Note>
      if (typeof file !== 'string' || typeof record !== 'string') return undefined
      return { file, record, used: typeof used === 'number' ? used : 0 }
    } catch {
      return undefined
    }
  }

  /** Of the lock that whoever has it open holds. */
  #lockOf({ file }: Note): string {
    return `${this.#folder.name}/${file}`
  }

  async #fileOf({ file }: Note): Promise<File> {
    return (await this.#folder.getFileHandle(file)).getFile()
  }

  async #isThere(name: string): Promise<boolean> {
    const note = await this.#noteOf(name)
    return (
      note !== undefined &&
      (await this.#fileOf(note).then(
        () => true,
        () => false,
      ))
    )
  }

  async #describe(name: string): Promise<KeptArtefact | undefined> {
    const note = await this.#noteOf(name)
    if (note === undefined) return undefined
    // One whose file is gone goes first.
    const bytes = await this.#fileOf(note).then(
      ({ size }) => size,
      () => 0,
    )
    return { name, bytes, used: note.used }
  }

  async #markUsed(name: string, note: Note): Promise<void> {
    const used = this.#clock.now()
    if (used - note.used < USE_SECONDS) return
    // Whether it is known when it was used decides only how long it is kept.
    await this.#writeNote(name, { ...note, used }).catch(() => undefined)
  }

  async #writeNote(name: string, note: Note): Promise<void> {
    const file = await (await this.#folder.getFileHandle(recordOf(name), { create: true })).createWritable()
    await file.write(JSON.stringify(note))
    await file.close()
  }

  async #names(): Promise<string[]> {
    const names: string[] = []
    for await (const name of this.#folder.keys()) names.push(name)
    return names
  }

  async #removeEntry(name: string): Promise<void> {
    await this.#folder.removeEntry(name).catch((error: unknown) => {
      if (!(error instanceof DOMException && error.name === 'NotFoundError')) throw error
    })
  }

  async #sweep(): Promise<void> {
    const [now, names] = [this.#clock.now(), await this.#names()]
    const records = names.filter((name) => name.endsWith(RECORD))
    const notes = await Promise.all(records.map((name) => this.#noteOf(name.slice(0, -RECORD.length))))
    const kept = new Set(notes.map((note) => note?.file))
    for (const name of names) {
      if (name.endsWith(RECORD) || kept.has(name)) continue
      try {
        const { lastModified } = await (await this.#folder.getFileHandle(name)).getFile()
        if (now - lastModified / 1000 > DRAFT_SECONDS) await this.#removeEntry(name)
      } catch {
        // In use, so not left behind; or gone meanwhile.
      }
    }
  }
}

/** A file whose bytes lie on the disk until they are read. */
class OpfsSource implements OpenSource {
  readonly size: Bytes
  readonly #file: File
  readonly #release: () => void

  /** @param release lets go of the lock that keeps it from being removed */
  constructor(file: File, release: () => void) {
    this.#file = file
    this.#release = release
    this.size = file.size
  }

  async read(offset: Bytes, length: Bytes, { signal }: AbortOptions): Promise<Uint8Array> {
    signal.throwIfAborted()
    try {
      const bytes = new Uint8Array(await this.#file.slice(offset, offset + length).arrayBuffer())
      if (bytes.length === length) return bytes
    } catch (cause) {
      throw unreadable(offset, length, cause)
    }
    throw unreadable(offset, length)
  }

  async close(): Promise<void> {
    this.#release()
  }
}

function recordOf(name: string): string {
  return name + RECORD
}

async function failing<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CodexError('proving/cache-failed', `circuit files cannot be kept in this browser: ${why}`, {
      detail: { why },
      cause,
    })
  }
}

function unreadable(offset: Bytes, length: Bytes, cause?: unknown): CodexError {
  return new CodexError(
    'proving/unreadable-source',
    `expected ${length} bytes at ${offset} of a circuit file, found fewer: it was removed meanwhile; load the circuit anew`,
    { detail: { offset, length }, cause },
  )
}
