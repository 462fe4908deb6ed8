// Circuit files on a disk: read where they lie, or kept in a folder under their names. What is in them is checked elsewhere.

import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, writeFile, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

import type { AbortOptions } from '../../lib/abort.ts'
import { CodexError } from '../../lib/errors.ts'
import type { Bytes } from '../../lib/units.ts'
import type { ArtefactDraft, ArtefactStore, OpenSource } from '../../proving/artefactstore.ts'

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

/** A file counts as kept once its record lies beside it; the record comes last, in one step. */
export class FileArtefacts implements ArtefactStore {
  readonly #folder: string

  /** @param folder made when something is to be kept */
  constructor(folder: string) {
    this.#folder = folder
  }

  async open(name: string): Promise<{ readonly source: OpenSource; readonly record: string } | undefined> {
    try {
      const record = await readFile(this.#recordOf(name), 'utf8')
      return { record, source: await openFileSource(join(this.#folder, name)) }
    } catch {
      return undefined
    }
  }

  async create(name: string): Promise<ArtefactDraft> {
    const draft = join(this.#folder, `draft-${randomUUID()}`)
    const handle = await failing(async () => {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 })
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
          await writeFile(`${draft}.json`, record)
          await rename(`${draft}.json`, this.#recordOf(name))
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

  #recordOf(name: string): string {
    return join(this.#folder, `${name}.json`)
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
