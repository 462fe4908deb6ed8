// Circuit files in the tab's own file system, which no other site sees. What is in them is checked elsewhere.

import type { AbortOptions } from '../../lib/abort.ts'
import { CodexError } from '../../lib/errors.ts'
import type { Bytes } from '../../lib/units.ts'
import type { ArtefactDraft, ArtefactStore, OpenSource } from '../../proving/artefactstore.ts'

const FOLDER = 'codex-light-circuits'

/** A file counts as kept once its record lies beside it. Both appear when they are closed, in one step each. */
export class OpfsArtefacts implements ArtefactStore {
  readonly #folder: FileSystemDirectoryHandle

  private constructor(folder: FileSystemDirectoryHandle) {
    this.#folder = folder
  }

  /** Undefined where this browser has no such file system, or does not let pages write to it. */
  static async open(): Promise<OpfsArtefacts | undefined> {
    if (!('createWritable' in (globalThis.FileSystemFileHandle?.prototype ?? {}))) return undefined
    try {
      const root = await navigator.storage.getDirectory()
      return new OpfsArtefacts(await root.getDirectoryHandle(FOLDER, { create: true }))
    } catch {
      return undefined
    }
  }

  async open(name: string): Promise<{ readonly source: OpenSource; readonly record: string } | undefined> {
    try {
      const record = await (await this.#folder.getFileHandle(recordOf(name))).getFile()
      const file = await (await this.#folder.getFileHandle(name)).getFile()
      return { record: await record.text(), source: new OpfsSource(file) }
    } catch {
      return undefined
    }
  }

  async create(name: string): Promise<ArtefactDraft> {
    const file = await failing(async () => {
      // What was kept is no more from here on.
      await this.remove(name)
      return (await this.#folder.getFileHandle(name, { create: true })).createWritable()
    })
    let isKept = false
    return {
      write: (bytes) => failing(() => file.write(bytes as Uint8Array<ArrayBuffer>)),
      keep: (record) =>
        failing(async () => {
          await file.close()
          const note = await (await this.#folder.getFileHandle(recordOf(name), { create: true })).createWritable()
          await note.write(record)
          await note.close()
          isKept = true
        }),
      discard: async () => {
        if (isKept) return
        await file.abort().catch(() => undefined)
        await this.remove(name).catch(() => undefined)
      },
    }
  }

  async remove(name: string): Promise<void> {
    for (const one of [recordOf(name), name])
      await this.#folder.removeEntry(one).catch((error: unknown) => {
        if (!(error instanceof DOMException && error.name === 'NotFoundError')) throw error
      })
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
  return `${name}.json`
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
