// The worker that holds the slab file in the origin's private file system: only workers get its synchronous, much faster handle.

import { assert, CodexError } from '../../lib/errors.ts'
import { slabFull } from '../../storage/slabgate.ts'
import type { SlabVerb } from '../../storage/slabgate.ts'
import { exposeApi } from '../../workers/exposeapi.ts'
import { transfer } from '../../workers/transfer.ts'
import type { OpfsSlabApi } from './opfsslabapi.ts'

/** The part of `FileSystemSyncAccessHandle` used here; the library of the main thread's types does not know it. */
interface SyncHandle {
  read(into: Uint8Array, options: { at: number }): number
  write(from: Uint8Array, options: { at: number }): number
  flush(): void
  getSize(): number
  truncate(size: number): void
  close(): void
}
type SyncFile = FileSystemFileHandle & { createSyncAccessHandle?(): Promise<SyncHandle> }

/** A worker or page that has just ended may hold its handle for a moment longer. */
const OPEN_ATTEMPTS = 10
/** In the place of one that has ended: nobody else can hold it. */
const REOPEN_ATTEMPTS = 100
const OPEN_PAUSE_MS = 100

let held: SyncHandle | undefined

const api: OpfsSlabApi = {
  open: async (path, options) => {
    assert(held === undefined, 'one worker holds one file')
    held = await openHandle(await findFile(path, options), options.create ? OPEN_ATTEMPTS : REOPEN_ATTEMPTS)
  },
  read: async (ranges) => {
    const handle = opened()
    const size = handle.getSize()
    const arrays = ranges.map(({ offset, length }) => {
      const array = new Uint8Array(Math.max(0, Math.min(length, size - offset)))
      const count = array.length === 0 ? 0 : handle.read(array, { at: offset })
      return count === array.length ? array : array.slice(0, count)
    })
    return transfer(
      arrays,
      arrays.map(({ buffer }) => buffer),
    )
  },
  write: async (runs, bytes) =>
    named('write', () => {
      let at = 0
      for (const { offset, length } of runs) {
        // Some browsers write less instead of throwing when the quota is used up.
        if (opened().write(bytes.subarray(at, at + length), { at: offset }) !== length) throw slabFull('write')
        at += length
      }
    }),
  flush: async () => named('flush', () => opened().flush()),
  size: async () => opened().getSize(),
  truncate: async (size) =>
    named('truncate', () => {
      if (size < opened().getSize()) opened().truncate(size)
    }),
  close: async () => {
    opened().close()
    held = undefined
  },
}

exposeApi(api)

function opened(): SyncHandle {
  assert(held !== undefined, 'the file is open')
  return held
}

async function findFile(path: string, options: { readonly create: boolean }): Promise<SyncFile> {
  const names = path.split('/')
  const name = names.pop() ?? ''
  let folder = await root()
  for (const part of names) folder = await folder.getDirectoryHandle(part, options)
  return folder.getFileHandle(name, options)
}

/** Private windows of some browsers have the function but refuse to answer. */
async function root(): Promise<FileSystemDirectoryHandle> {
  try {
    return await navigator.storage.getDirectory()
  } catch (cause) {
    throw unsupported(cause)
  }
}

async function openHandle(file: SyncFile, attempts: number): Promise<SyncHandle> {
  if (file.createSyncAccessHandle === undefined) throw unsupported()
  for (let attempt = 1; ; attempt++) {
    try {
      return await file.createSyncAccessHandle()
    } catch (cause) {
      if (!isNamed(cause, 'NoModificationAllowedError')) throw cause
      if (attempt === attempts) throw locked(file.name, cause)
    }
    await new Promise((resolve) => setTimeout(resolve, OPEN_PAUSE_MS))
  }
}

function named(verb: SlabVerb, act: () => void): void {
  try {
    act()
  } catch (cause) {
    throw isNamed(cause, 'QuotaExceededError') ? slabFull(verb, cause) : cause
  }
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name
}

function unsupported(cause?: unknown): CodexError {
  return new CodexError('slab/unsupported', 'this browser has no private file system with synchronous handles', {
    cause,
  })
}

function locked(file: string, cause: unknown): CodexError {
  return new CodexError('slab/locked', `the slab file ${file} is held by another tab or worker; close that one first`, {
    detail: { file },
    cause,
  })
}
