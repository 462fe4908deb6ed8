// Circuit files in the tab's own file system, which no other site sees. What is in them is checked elsewhere.

import type { AbortOptions } from '../../lib/abort.ts'
import type { Clock } from '../../lib/clock.ts'
import { CodexError } from '../../lib/errors.ts'
import { SystemClock } from '../../lib/systemclock.ts'
import type { Bytes, Seconds } from '../../lib/units.ts'
import type { ArtefactDraft, ArtefactStore, OpenSource } from '../../proving/artefactstore.ts'

const FOLDER = 'codex-light-circuits'
const RECORD = '.json'

/** What is neither kept nor this young was left behind by a tab that ended. */
const DRAFT_SECONDS: Seconds = 86_400

/** As a record's file has it. */
interface Note {
  /** Each download has a file of its own, so that tabs do not get into each other's way. */
  readonly file: string
  readonly record: string
}

/** A file counts as kept once a record says which it is; that appears in one step. */
export class OpfsArtefacts implements ArtefactStore {
  readonly #folder: FileSystemDirectoryHandle

  private constructor(folder: FileSystemDirectoryHandle) {
    this.#folder = folder
  }

  /** Undefined where this browser has no such file system, or does not let pages write to it. @param clock tells what was left behind long ago */
  static async open(clock: Pick<Clock, 'now'> = new SystemClock()): Promise<OpfsArtefacts | undefined> {
    if (!('createWritable' in (globalThis.FileSystemFileHandle?.prototype ?? {}))) return undefined
    try {
      const root = await navigator.storage.getDirectory()
      const store = new OpfsArtefacts(await root.getDirectoryHandle(FOLDER, { create: true }))
      await store.#sweep(clock.now())
      return store
    } catch {
      return undefined
    }
  }

  async open(name: string): Promise<{ readonly source: OpenSource; readonly record: string } | undefined> {
    const note = await this.#noteOf(name)
    if (note === undefined) return undefined
    try {
      const file = await (await this.#folder.getFileHandle(note.file)).getFile()
      return { record: note.record, source: new OpfsSource(file) }
    } catch {
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
          if ((await this.open(name)) !== undefined) return
          const note = await (await this.#folder.getFileHandle(recordOf(name), { create: true })).createWritable()
          await note.write(JSON.stringify({ file: draft, record } satisfies Note))
          await note.close()
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

  async #noteOf(name: string): Promise<Note | undefined> {
    try {
      const handle = await this.#folder.getFileHandle(recordOf(name))
      const note = JSON.parse(await (await handle.getFile()).text()) as Partial<Note> | null
      const isNote = typeof note?.file === 'string' && typeof note.record === 'string'
      return isNote ? (note as Note) : undefined
    } catch {
      return undefined
    }
  }

  async #removeEntry(name: string): Promise<void> {
    await this.#folder.removeEntry(name).catch((error: unknown) => {
      if (!(error instanceof DOMException && error.name === 'NotFoundError')) throw error
    })
  }

  async #sweep(now: Seconds): Promise<void> {
    const names: string[] = []
    for await (const name of this.#folder.keys()) names.push(name)
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

  constructor(file: File) {
    this.#file = file
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

  async close(): Promise<void> {}
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
