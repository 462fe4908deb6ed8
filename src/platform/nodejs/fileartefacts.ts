// Circuit files on a disk: read where they lie, or kept in a folder under their names. What is in them is checked elsewhere.

import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes, writeFile, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

import type { AbortOptions } from '../../lib/abort.ts'
import type { Clock } from '../../lib/clock.ts'
import { CodexError } from '../../lib/errors.ts'
import { SystemClock } from '../../lib/systemclock.ts'
import type { Bytes, Seconds } from '../../lib/units.ts'
import type { ArtefactDraft, ArtefactStore, KeptArtefact, OpenSource } from '../../proving/artefactstore.ts'

/** @throws CodexError `proving/unreadable-source` */
export async function openFileSource(path: string | URL): Promise<OpenSource> {
  try {
    const handle = await open(path, 'r')
    return new FileSource(handle, (await handle.stat()).size)
  } catch (cause) {
    throw new CodexError(
      'proving/unreadable-source',
      `expected a file at ${String(path)}, found none that can be read`,
      {
        detail: { path: String(path) },
        cause,
      },
    )
  }
}

class FileSource implements OpenSource {
  readonly size: Bytes
  readonly #handle: FileHandle

  constructor(handle: FileHandle, size: Bytes) {
    this.#handle = handle
    this.size = size
  }

  async read(offset: Bytes, length: Bytes, { signal }: AbortOptions): Promise<Uint8Array> {
    signal.throwIfAborted()
    const bytes = new Uint8Array(length)
    let filled = 0
    try {
      while (filled < length) {
        const { bytesRead } = await this.#handle.read(bytes, filled, length - filled, offset + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
    } catch (cause) {
      throw unreadable(offset, length, filled, cause)
    }
    if (filled < length) throw unreadable(offset, length, filled)
    signal.throwIfAborted()
    return bytes
  }

  async close(): Promise<void> {
    await this.#handle.close().catch(() => undefined)
  }
}

const RECORD = '.json'
const DRAFT = 'draft-'
/** A draft as old as this was left behind by a process that ended. */
const DRAFT_SECONDS: Seconds = 86_400

/**
 * A file counts as kept once its record lies beside it; the record comes last, in one step. The time of the record is when the file was last used. What another
 * process has open goes on being readable there when it is removed.
 */
export class FileArtefacts implements ArtefactStore {
  readonly #folder: string
  readonly #clock: Pick<Clock, 'now'>
  /** How often each is open here. */
  readonly #open = new Map<string, number>()

  /** @param folder made when something is to be kept */
  constructor(folder: string, clock: Pick<Clock, 'now'> = new SystemClock()) {
    this.#folder = folder
    this.#clock = clock
  }

  async open(name: string): Promise<{ readonly source: OpenSource; readonly record: string } | undefined> {
    this.#count(name, 1)
    try {
      const record = await readFile(this.#recordOf(name), 'utf8')
      const source = await openFileSource(join(this.#folder, name))
      const [now, close] = [this.#clock.now(), source.close.bind(source)]
      // A folder that is only readable still serves; it loses nothing either.
      await utimes(this.#recordOf(name), now, now).catch(() => undefined)
      let isOpen = true
      const closeOnce = async (): Promise<void> => {
        if (isOpen) this.#count(name, -1)
        isOpen = false
        await close()
      }
      return { record, source: { size: source.size, read: source.read.bind(source), close: closeOnce } }
    } catch {
      this.#count(name, -1)
      return undefined
    }
  }

  async create(name: string): Promise<ArtefactDraft> {
    const draft = join(this.#folder, `${DRAFT}${randomUUID()}`)
    const handle = await failing(async () => {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 })
      await this.#sweep()
      return open(draft, 'wx')
    })
    const end = async (): Promise<void> => {
      await handle.close().catch(() => undefined)
      await rm(draft, { force: true }).catch(() => undefined)
    }
    return {
      write: (bytes) => failing(async () => void (await handle.writeFile(bytes))),
      keep: (record) =>
        failing(async () => {
          await handle.sync()
          await handle.close()
          await rename(draft, join(this.#folder, name))
          await writeFile(`${draft}${RECORD}`, record)
          const now = this.#clock.now()
          await utimes(`${draft}${RECORD}`, now, now)
          await rename(`${draft}${RECORD}`, this.#recordOf(name))
        }),
      discard: end,
    }
  }

  async remove(name: string): Promise<void> {
    await failing(async () => {
      await rm(this.#recordOf(name), { force: true })
      await rm(join(this.#folder, name), { force: true })
    })
  }

  async list(): Promise<readonly KeptArtefact[]> {
    const records = (await this.#names()).filter((name) => name.endsWith(RECORD) && !name.startsWith(DRAFT))
    const found = await Promise.all(records.map((record) => this.#describe(record.slice(0, -RECORD.length))))
    return found.filter((each) => each !== undefined)
  }

  async drop(name: string): Promise<boolean> {
    if (this.#open.has(name)) return false
    await this.remove(name)
    return true
  }

  async #describe(name: string): Promise<KeptArtefact | undefined> {
    try {
      const [{ size }, { mtimeMs }] = await Promise.all([stat(join(this.#folder, name)), stat(this.#recordOf(name))])
      return { name, bytes: size, used: Math.floor(mtimeMs / 1000) }
    } catch {
      // Another process removed it meanwhile.
      return undefined
    }
  }

  async #names(): Promise<readonly string[]> {
    return readdir(this.#folder).catch(() => [])
  }

  /** Nobody else would ever remove what a process that was killed was writing. */
  async #sweep(): Promise<void> {
    for (const name of await this.#names()) {
      if (!name.startsWith(DRAFT)) continue
      const path = join(this.#folder, name)
      const draft = await stat(path).catch(() => undefined)
      if (draft !== undefined && this.#clock.now() - draft.mtimeMs / 1000 > DRAFT_SECONDS)
        await rm(path, { force: true })
    }
  }

  #count(name: string, change: 1 | -1): void {
    const count = (this.#open.get(name) ?? 0) + change
    if (count === 0) this.#open.delete(name)
    else this.#open.set(name, count)
  }

  #recordOf(name: string): string {
    return `${join(this.#folder, name)}${RECORD}`
  }
}

async function failing<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CodexError(
      'proving/cache-failed',
      `circuit files cannot be kept: ${why}; make room or choose another folder`,
      {
        detail: { why },
        cause,
      },
    )
  }
}

function unreadable(offset: Bytes, length: Bytes, found: Bytes, cause?: unknown): CodexError {
  return new CodexError(
    'proving/unreadable-source',
    `expected ${length} bytes at ${offset}, read ${found}: the file may have changed meanwhile; open it anew`,
    { detail: { offset, length, found }, cause },
  )
}
