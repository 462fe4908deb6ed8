// A slab file as one plain file on disk. It takes no lock: the data folder's lock keeps a second node out.

import { constants, open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CodexError } from '../../lib/errors.ts'
import { mapBounded } from '../../lib/mapbounded.ts'
import { MiB } from '../../lib/units.ts'
import type { Bytes } from '../../lib/units.ts'
import { adjacentRuns } from '../../storage/adjacentruns.ts'
import type { SlabFile, SlabPiece, SlabRange, TakeMemory } from '../../storage/slabfile.ts'
import { assertPieces, assertPlace, assertRanges, SlabGate } from '../../storage/slabgate.ts'
import { ALIGNMENT_BYTES, isAligned } from './alignedmemory.ts'

/** Neighbouring pieces go out in one system call up to this many bytes. */
const WRITE_RUN_BYTES = 8 * MiB
/** Smaller than for writes, so that a large read still keeps several threads busy. */
const READ_RUN_BYTES = 1 * MiB
/** Beyond this Linux takes no more buffers in one call (IOV_MAX). */
const RUN_ITEMS = 1024
/** System calls open at once for one read or write. Node's pool has four threads by default; a few more keep them fed. */
const RUNS_AT_ONCE = 8

const FULL_CODES: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EFBIG']
/** Where a folder cannot be opened or flushed as such (Windows), its entries are durable by the file system's own means. */
const FOLDER_CODES: readonly unknown[] = ['EISDIR', 'EPERM', 'EACCES', 'EINVAL']

export class FileSlabFile implements SlabFile {
  readonly #gate = new SlabGate((error) => FULL_CODES.includes(codeOf(error)))
  readonly #file: FileHandle
  /** The same file, past the page cache; where the file system has no such thing, undefined. */
  #direct: FileHandle | undefined
  #failedFlush: unknown

  private constructor(file: FileHandle, direct: FileHandle | undefined) {
    this.#file = file
    this.#direct = direct
  }

  /**
   * Opens the file at `path`, which only its owner may read, and makes an empty one where there is none; its folder must exist.
   * @throws CodexError `slab/not-a-file` where a folder, a device or the like is in the way, `slab/full`, `slab/failed`
   */
  static async open(path: string): Promise<FileSlabFile> {
    try {
      const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600)
      try {
        if (!(await file.stat()).isFile()) throw notAFile(path)
        await flushFolder(dirname(path))
      } catch (error) {
        await file.close()
        throw error
      }
      return new FileSlabFile(file, await openDirect(path))
    } catch (error) {
      throw openError(path, error)
    }
  }

  read(ranges: readonly SlabRange[], memory: TakeMemory = freshMemory): Promise<Uint8Array[]> {
    return this.#gate.run('read', async () => {
      assertRanges(ranges)
      const limits = { lengthOf: (range: SlabRange) => range.length, maxBytes: READ_RUN_BYTES, maxItems: RUN_ITEMS }
      const runs = await mapBounded(adjacentRuns(ranges, limits), RUNS_AT_ONCE, (run) => this.#readRun(run, memory))
      return runs.flat()
    })
  }

  write(pieces: readonly SlabPiece[]): Promise<void> {
    return this.#gate.run('write', async () => {
      this.#refuseAfterFailedFlush()
      assertPieces(pieces)
      const limits = {
        lengthOf: (piece: SlabPiece) => piece.bytes.length,
        maxBytes: WRITE_RUN_BYTES,
        maxItems: RUN_ITEMS,
      }
      await mapBounded(adjacentRuns(pieces, limits), RUNS_AT_ONCE, (run) => this.#writeRun(run))
    })
  }

  /**
   * Data and size; times of the file may stay behind. The system may forget what it could not write and let the next flush succeed, so
   * after a failed one there is no more writing until the file is opened anew.
   */
  flush(): Promise<void> {
    return this.#gate.run('flush', async () => {
      this.#refuseAfterFailedFlush()
      try {
        await this.#file.datasync()
      } catch (error) {
        this.#failedFlush = error
        throw error
      }
    })
  }

  size(): Promise<Bytes> {
    return this.#gate.run('size', async () => (await this.#file.stat()).size)
  }

  truncate(size: Bytes): Promise<void> {
    return this.#gate.run('truncate', async () => {
      assertPlace(size, 0)
      if (size < (await this.#file.stat()).size) await this.#file.truncate(size)
    })
  }

  close(): Promise<void> {
    return this.#gate.close(async () => {
      await this.#direct?.close()
      await this.#file.close()
    })
  }

  #refuseAfterFailedFlush(): void {
    if (this.#failedFlush === undefined) return
    throw new CodexError(
      'slab/failed',
      'an earlier flush of the slab file failed: check the disk, then restart the node',
      {
        cause: this.#failedFlush,
      },
    )
  }

  async #readRun(run: readonly SlabRange[], memory: TakeMemory): Promise<Uint8Array[]> {
    const arrays = run.map(({ length }) => memory(length))
    let rest: Uint8Array[] = arrays
    let done = 0
    while ((rest = skipBytes(arrays, done)).length > 0) {
      const { bytesRead } = await this.#file.readv(rest, (run[0] as SlabRange).offset + done)
      if (bytesRead === 0) break
      done += bytesRead
    }
    return rest.length === 0 ? arrays : cutTo(arrays, done)
  }

  /**
   * Bulk in aligned memory goes past the page cache: copying it there, and having the system find pages for it, costs several times what the
   * disk takes, and the pages would push out what others read.
   */
  async #writeRun(run: readonly SlabPiece[]): Promise<void> {
    const arrays = run.map(({ bytes }) => bytes)
    const { offset } = run[0] as SlabPiece
    let done = 0
    for (let rest = skipBytes(arrays, 0); rest.length > 0; rest = skipBytes(arrays, done)) {
      const direct = (offset + done) % ALIGNMENT_BYTES === 0 && rest.every(isAligned) ? this.#direct : undefined
      const bytesWritten = await writeAt(direct ?? this.#file, rest, offset + done).catch((error: unknown) => {
        // Another run may have given up on it meanwhile.
        if (direct === undefined || (codeOf(error) !== 'EINVAL' && direct === this.#direct)) throw error
        return undefined
      })
      // A file system that opens such files and then refuses to write them: the buffered way from here on.
      if (bytesWritten === undefined) await this.#giveUpDirect()
      else if (bytesWritten === 0) throw new Error('the system wrote nothing and gave no reason')
      else done += bytesWritten
    }
  }

  async #giveUpDirect(): Promise<void> {
    const direct = this.#direct
    this.#direct = undefined
    await direct?.close()
  }
}

/** Not zeroed first: only what was really read is handed out. */
function freshMemory(bytes: Bytes): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer)
}

async function writeAt(file: FileHandle, arrays: readonly Uint8Array[], offset: Bytes): Promise<Bytes> {
  return (await file.writev(arrays, offset)).bytesWritten
}

/** Undefined where the system or the file system knows no unbuffered files. */
async function openDirect(path: string): Promise<FileHandle | undefined> {
  // Not on every system, whatever its type says.
  const flag = constants.O_DIRECT as number | undefined
  if (flag === undefined) return undefined
  return open(path, constants.O_RDWR | flag).catch(() => undefined)
}

/** What is left of `arrays` behind their first `count` bytes, without empty ones: a system call may do part of its work. */
function skipBytes(arrays: readonly Uint8Array[], count: Bytes): Uint8Array[] {
  const rest: Uint8Array[] = []
  let skip = count
  for (const array of arrays) {
    if (skip < array.length) rest.push(skip === 0 ? array : array.subarray(skip))
    skip = Math.max(0, skip - array.length)
  }
  return rest
}

/** The first `count` bytes of `arrays`, keeping the number of arrays. Those cut short are copied, so that they pin nothing larger. */
function cutTo(arrays: readonly Uint8Array[], count: Bytes): Uint8Array[] {
  let left = count
  return arrays.map((array) => {
    const length = Math.min(left, array.length)
    left -= length
    return length === array.length ? array : array.slice(0, length)
  })
}

/** Makes a new file's entry in its folder durable. */
async function flushFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, constants.O_RDONLY)
    await folder.sync().finally(() => folder.close())
  } catch (error) {
    if (!FOLDER_CODES.includes(codeOf(error))) throw error
  }
}

function openError(path: string, cause: unknown): CodexError {
  if (CodexError.is(cause)) return cause
  const code = codeOf(cause)
  if (code === 'EISDIR' || code === 'ENOTDIR' || code === 'ENXIO') return notAFile(path, cause)
  const found = cause instanceof Error ? cause.message : String(cause)
  const name = FULL_CODES.includes(code) ? 'slab/full' : 'slab/failed'
  return new CodexError(name, `expected to open the slab file ${path}, found: ${found}`, {
    detail: { path, found },
    cause,
  })
}

function notAFile(path: string, cause?: unknown): CodexError {
  return new CodexError(
    'slab/not-a-file',
    `expected a plain file or nothing at ${path}, found something else; move it away`,
    {
      detail: { path },
      cause,
    },
  )
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
