// Where an upload's bytes come from: a file that must not change while it is read, or stdin.

import { type BigIntStats, fstatSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { open, stat } from 'node:fs/promises'
import process from 'node:process'
import { CodexError } from '../lib/errors.ts'
import { MiB } from '../lib/units.ts'

/** Large enough that the number of system calls does not matter. */
const READ_BYTES = MiB

const STDIN = 0

export interface FileSource {
  /** Undefined when nobody knows before the end. */
  readonly sizeBytes: number | undefined
  /** In order; a piece is overwritten once two more were asked for. May be read once. */
  readonly pieces: AsyncIterable<Uint8Array>
  close(): Promise<void>
}

/**
 * Opens the file at `path`; reading ends with `upload/file-changed` unless it ended at the size and with the time of change it began with.
 * @throws CodexError `upload/not-found`, `upload/not-a-file`, `upload/cannot-read`
 */
export async function openFileSource(path: string): Promise<FileSource> {
  try {
    // Before opening: to open a pipe would wait for a writer.
    if (!(await stat(path)).isFile()) throw notAFile(path)
    const file = await open(path, 'r')
    const before = await file.stat({ bigint: true })
    return { sizeBytes: Number(before.size), pieces: readFile(file, path, before), close: () => file.close() }
  } catch (error) {
    throw readError(path, error)
  }
}

/** The signal ends it, because a silent pipe would keep the process alive. Errors as {@link openFileSource}. */
export function openStdin(signal: AbortSignal): FileSource {
  // Node reads a folder as nothing.
  if (fstatSync(STDIN).isDirectory()) throw notAFile('stdin')
  const stop = () => process.stdin.destroy()
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })
  return {
    sizeBytes: undefined,
    pieces: readStdin(),
    async close() {
      signal.removeEventListener('abort', stop)
      stop()
    },
  }
}

async function* readStdin(): AsyncGenerator<Uint8Array, void> {
  try {
    for await (const piece of process.stdin) yield piece as Uint8Array
  } catch (error) {
    throw readError('stdin', error)
  }
}

async function* readFile(file: FileHandle, path: string, before: BigIntStats): AsyncGenerator<Uint8Array, void> {
  const buffers = [new Uint8Array(READ_BYTES), new Uint8Array(READ_BYTES)] as const
  let next = file.read(buffers[0], 0, READ_BYTES)
  let total = 0
  try {
    for (let turn = 1; ; turn++) {
      const { bytesRead, buffer } = await next
      total += bytesRead
      // At once, for a file that grows as fast as it is read has no end.
      if (total > before.size || bytesRead === 0) break
      next = file.read(buffers[turn % 2 === 0 ? 0 : 1], 0, READ_BYTES)
      // Met by the await above, unless the reader stops first.
      next.catch(() => undefined)
      yield buffer.subarray(0, bytesRead)
    }
    const after = await file.stat({ bigint: true })
    if (BigInt(total) !== before.size || after.size !== before.size || after.mtimeNs !== before.mtimeNs)
      throw new CodexError(
        'upload/file-changed',
        `${path} changed while it was read: expected ${before.size} bytes, found ${after.size}; upload it again when nobody writes to it`,
        { detail: { path, expectedBytes: before.size, foundBytes: after.size } },
      )
  } catch (error) {
    throw readError(path, error)
  }
}

function notAFile(path: string): CodexError<'upload/not-a-file'> {
  return new CodexError(
    'upload/not-a-file',
    `expected a plain file, found something else at ${path}; use - for stdin`,
    {
      detail: { path },
    },
  )
}

function readError(path: string, cause: unknown): unknown {
  if (CodexError.is(cause) || !(cause instanceof Error) || !('code' in cause)) return cause
  if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')
    return new CodexError('upload/not-found', `found no file at ${path}`, { detail: { path }, cause })
  if (cause.code === 'EISDIR') return notAFile(path)
  return new CodexError('upload/cannot-read', `expected to read ${path}, found: ${cause.message}`, {
    detail: { path },
    cause,
  })
}
