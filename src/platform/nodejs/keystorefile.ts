// A keystore as a file that only its owner may read. What is in it is keystore.ts's business.

import { type FileHandle, link, mkdir, open, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CodexError } from '../../lib/errors.ts'
import type { KeystorePlace } from '../../market/keystore.ts'

const OWNER_ONLY = 0o600
/** Rights of group and others. */
const OTHERS = 0o077
const MAX_KEYSTORE_BYTES = 100_000

/** Errors of both verbs: `wallet/unsafe-file`, `wallet/file-failed`. */
export function keystoreFile(path: string): KeystorePlace {
  return { read: () => readSecretFile(path), write: (json) => writeKeystore(path, json) }
}

/**
 * A file with a secret in it, or undefined when there is none.
 * @throws CodexError `wallet/unsafe-file` when others may read it, `wallet/file-failed`
 */
export async function readSecretFile(path: string): Promise<string | undefined> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'r')
    const { mode, size } = await file.stat()
    // Windows knows no such rights.
    if (process.platform !== 'win32' && (mode & OTHERS) !== 0) throw unsafe(path, mode)
    if (size > MAX_KEYSTORE_BYTES) throw failed(path, new Error(`${size} bytes are too many for a secret`))
    return await file.readFile('utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw CodexError.is(error) ? error : failed(path, error)
  } finally {
    await file?.close()
  }
}

/** Whole under its name or not at all, and never in the place of another. */
async function writeKeystore(path: string, json: string): Promise<void> {
  const draft = join(dirname(path), `.keystore-${process.pid}.draft`)
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await rm(draft, { force: true })
    const file = await open(draft, 'wx', OWNER_ONLY)
    try {
      await file.writeFile(json)
      await file.sync()
    } finally {
      await file.close()
    }
    // Unlike a rename, a link fails when the name is taken.
    await link(draft, path)
  } catch (error) {
    if (isTaken(error) && (await stat(path).catch(() => undefined)) !== undefined) throw exists(path)
    throw failed(path, error)
  } finally {
    await rm(draft, { force: true }).catch(() => undefined)
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST'
}

function exists(path: string): CodexError<'wallet/exists'> {
  const message = `${path} holds a key already, and a key is never written over; choose another file with --keystore`
  return new CodexError('wallet/exists', message, { detail: { path } })
}

function unsafe(path: string, mode: number): CodexError<'wallet/unsafe-file'> {
  const found = (mode & 0o777).toString(8)
  const message = `expected ${path} to be readable by its owner alone, found mode ${found}; run chmod 600 on it`
  return new CodexError('wallet/unsafe-file', message, { detail: { path, found } })
}

function failed(path: string, cause: unknown): CodexError<'wallet/file-failed'> {
  const why = cause instanceof Error ? cause.message : 'an unknown reason'
  return new CodexError('wallet/file-failed', `${path} cannot be used for a key: ${why}`, { detail: { path }, cause })
}
