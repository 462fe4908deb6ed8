// Where a download's bytes go: a file that appears under its name only when it is whole, or a device that takes them as they come.

import type { FileHandle } from 'node:fs/promises'
import { open, rename, rm, stat } from 'node:fs/promises'
import { CodexError } from '../lib/errors.ts'
import { MiB } from '../lib/units.ts'

/** Pieces go out together up to this many bytes. */
const WRITE_BYTES = MiB

/** What bytes are written to; ends with `commit` or with `abandon`. */
export interface FileTarget {
  write(bytes: Uint8Array): Promise<void>
  /** All of it is durable under its name once settled. */
  commit(): Promise<void>
  /** Nothing is left of it once settled. Harmless after `commit`. */
  abandon(): Promise<void>
}

/**
 * Writes to `<path>.part` until {@link FileTarget.commit}.
 * @throws CodexError `download/target-exists` (unless `force`), `download/target-is-folder`, `download/part-exists` (unless `force`),
 * `download/cannot-write`, `download/disk-full`, also while writing
 */
export async function openFileTarget(path: string, { force }: { readonly force: boolean }): Promise<FileTarget> {
  try {
    const found = await kindOf(path)
    if (found === 'folder')
      throw new CodexError('download/target-is-folder', `expected the name of a file, found a folder at ${path}`, {
        detail: { path },
      })
    // A device or a pipe is written to, never replaced.
    if (found === 'device') return new OpenTarget(await open(path, 'w'), path, undefined)
    if (found === 'file' && !force) throw targetExists(path)
    const part = `${path}.part`
    return new OpenTarget(await openPart(part, force), path, { part, force })
  } catch (error) {
    throw writeError(path, error)
  }
}

class OpenTarget implements FileTarget {
  readonly #file: FileHandle
  readonly #path: string
  readonly #part: { readonly part: string; readonly force: boolean } | undefined
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #ended = false

  constructor(file: FileHandle, path: string, part: { readonly part: string; readonly force: boolean } | undefined) {
    this.#file = file
    this.#path = path
    this.#part = part
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    if (this.#waitingBytes >= WRITE_BYTES) await this.#typed(() => this.#flush())
  }

  async commit(): Promise<void> {
    await this.#typed(async () => {
      await this.#flush()
      if (this.#part === undefined) {
        this.#ended = true
        return await this.#file.close()
      }
      await this.#file.sync()
      // It may have appeared while we were reading.
      if (!this.#part.force && (await kindOf(this.#path)) !== undefined) throw targetExists(this.#path)
      await this.#file.close()
      await rename(this.#part.part, this.#path)
      this.#ended = true
    })
  }

  async abandon(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    // It may be closed already; what counts is that the part goes.
    await this.#file.close().catch(() => undefined)
    if (this.#part !== undefined) await rm(this.#part.part, { force: true })
  }

  async #flush(): Promise<void> {
    const pieces = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    // One buffer rather than writev, which may write a part of it only.
    if (pieces.length > 0) await this.#file.writeFile(pieces.length === 1 ? (pieces[0] ?? '') : Buffer.concat(pieces))
  }

  async #typed(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      throw writeError(this.#path, error)
    }
  }
}

async function kindOf(path: string): Promise<'file' | 'folder' | 'device' | undefined> {
  try {
    const found = await stat(path)
    return found.isDirectory() ? 'folder' : found.isFile() ? 'file' : 'device'
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

async function openPart(part: string, force: boolean): Promise<FileHandle> {
  try {
    return await open(part, force ? 'w' : 'wx')
  } catch (cause) {
    if (codeOf(cause) !== 'EEXIST') throw cause
    throw new CodexError(
      'download/part-exists',
      `${part} is in the way: another download is under way, or one was killed; remove it or use --force`,
      { detail: { path: part }, cause },
    )
  }
}

function targetExists(path: string): CodexError<'download/target-exists'> {
  return new CodexError('download/target-exists', `${path} exists: choose another name with -o, or use --force`, {
    detail: { path },
  })
}

function writeError(path: string, cause: unknown): unknown {
  const code = codeOf(cause)
  if (code === undefined) return cause
  const full = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG'
  const found = cause instanceof Error ? cause.message : code
  return new CodexError(
    full ? 'download/disk-full' : 'download/cannot-write',
    `expected to write ${path}, found: ${found}`,
    { detail: { path }, cause },
  )
}

/** The system's code of an error of the system. */
function codeOf(error: unknown): string | undefined {
  if (CodexError.is(error) || !(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
