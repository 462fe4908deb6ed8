// Archives of circuits on a disk: fetched or read, held against the hash they must have before anything of them is unpacked, then kept unpacked for the next
// time. How an archive is read is handed in.

import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readFile, rename, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { AbortOptions } from '../../lib/abort.ts'
import { CodexError } from '../../lib/errors.ts'
import type { Bytes } from '../../lib/units.ts'
import { MiB } from '../../lib/units.ts'
import type { ArchivedField, unpackCircuit } from '../../proving/circuitarchive.ts'
import { download } from './download.ts'

export interface ArchiveRequest {
  /** A path, or an address of http: or https:. */
  readonly from: string | URL
  /** Hex, of the whole archive. */
  readonly sha256: string
  /** Unpacked circuits are kept in it, one folder each. */
  readonly folder: string
}

export interface UnpackedCircuit {
  readonly folder: string
  readonly wasm: URL
  readonly zkey: URL
  /** Path, where the archive had one. */
  readonly verificationKey: string | undefined
  /** Hex, of the files as they were unpacked. */
  readonly sha256: { readonly wasm: string; readonly zkey: string }
}

/** No archive of a circuit is larger. */
const MAX_ARCHIVE_BYTES: Bytes = 2048 * MiB
/** Written last: a folder without it was never finished. */
const RECORD = 'unpacked.json'
const NAMES: Readonly<Record<ArchivedField, string>> = {
  wasm: 'proof_main.wasm',
  zkey: 'proof_main.zkey',
  verificationKey: 'proof_main_verification_key.json',
}

type Hashes = { readonly wasm: string; readonly zkey: string; readonly verificationKey?: string }

/**
 * @throws CodexError `proving/wrong-archive` where its hash is another, `proving/cannot-download`, `proving/unreadable-source`, `proving/bad-archive`,
 * `proving/cache-failed`; or the signal's reason
 */
export async function openArchive(
  { from, sha256, folder }: ArchiveRequest,
  unpack: typeof unpackCircuit,
  options: AbortOptions,
): Promise<UnpackedCircuit> {
  const place = join(folder, sha256)
  const kept = await readRecord(place, options)
  if (kept !== undefined) return unpacked(place, kept)
  const draft = join(folder, `${sha256}.${randomUUID()}`)
  try {
    await mkdir(draft, { recursive: true })
    const archive = from instanceof URL ? join(draft, 'archive') : from
    const found = await (from instanceof URL ? fetched(from, archive, options) : hashOf(archive, options))
    if (found !== sha256) throw wrongArchive(String(from), sha256, found)
    const hashes = await unpackInto(draft, archive, unpack, options)
    if (from instanceof URL) await rm(archive)
    await writeDown(join(draft, RECORD), JSON.stringify(hashes))
    await rename(draft, place).catch(async () => {
      // Another node may have been quicker; its files are the same. What is damaged gives way.
      if ((await readRecord(place, options)) !== undefined) return
      await rm(place, { recursive: true, force: true })
      await rename(draft, place)
    })
    return unpacked(place, hashes)
  } catch (cause) {
    options.signal.throwIfAborted()
    if (CodexError.is(cause)) throw cause
    throw new CodexError('proving/cache-failed', `expected to keep a circuit in ${folder}, found: ${textOf(cause)}`, {
      detail: { folder },
      cause,
    })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** Undefined where there is none, or where a file of it is no longer what was unpacked. */
async function readRecord(place: string, options: AbortOptions): Promise<Hashes | undefined> {
  try {
    const record = JSON.parse(await readFile(join(place, RECORD), 'utf8')) as Hashes
    for (const field of ['wasm', 'zkey', 'verificationKey'] as const) {
      if (field === 'verificationKey' && record[field] === undefined) continue
      if ((await hashOf(join(place, NAMES[field]), options)) !== record[field]) return undefined
    }
    return record
  } catch {
    options.signal.throwIfAborted()
    return undefined
  }
}

async function writeDown(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

function unpacked(folder: string, { wasm, zkey, verificationKey }: Hashes): UnpackedCircuit {
  return {
    folder,
    wasm: pathToFileURL(join(folder, NAMES.wasm)),
    zkey: pathToFileURL(join(folder, NAMES.zkey)),
    verificationKey: verificationKey === undefined ? undefined : join(folder, NAMES.verificationKey),
    sha256: { wasm, zkey },
  }
}

async function unpackInto(
  folder: string,
  archive: string,
  unpack: typeof unpackCircuit,
  options: AbortOptions,
): Promise<Hashes> {
  const files = new Map<ArchivedField, { readonly file: FileHandle; readonly hash: ReturnType<typeof createHash> }>()
  try {
    const take = async (field: ArchivedField, bytes: Uint8Array, anew: boolean): Promise<void> => {
      if (anew) await files.get(field)?.file.close()
      const { file, hash } = (anew ? undefined : files.get(field)) ?? {
        file: await open(join(folder, NAMES[field]), anew ? 'w' : 'wx'),
        hash: createHash('sha256'),
      }
      files.set(field, { file, hash })
      hash.update(bytes)
      await file.writeFile(bytes)
    }
    await unpack(createReadStream(archive, { signal: options.signal }) as AsyncIterable<Uint8Array>, take, options)
    for (const { file } of files.values()) await file.sync()
  } finally {
    for (const { file } of files.values()) await file.close()
  }
  return Object.fromEntries([...files].map(([field, { hash }]) => [field, hash.digest('hex')])) as unknown as Hashes
}

async function fetched(url: URL, path: string, options: AbortOptions): Promise<string> {
  const hash = createHash('sha256')
  const file = await open(path, 'wx')
  let bytes = 0
  try {
    for await (const piece of download(url, options)) {
      bytes += piece.length
      if (bytes > MAX_ARCHIVE_BYTES)
        throw new CodexError(
          'proving/artefact-too-large',
          `${url.href}: expected at most ${MAX_ARCHIVE_BYTES} bytes; is the address right?`,
        )
      hash.update(piece)
      await file.writeFile(piece)
    }
  } finally {
    await file.close()
  }
  return hash.digest('hex')
}

async function hashOf(path: string, { signal }: AbortOptions): Promise<string> {
  const hash = createHash('sha256')
  try {
    for await (const piece of createReadStream(path, { signal })) hash.update(piece as Uint8Array)
  } catch (cause) {
    signal.throwIfAborted()
    throw new CodexError('proving/unreadable-source', `expected an archive at ${path}, found none that can be read`, {
      detail: { field: 'archive', path },
      cause,
    })
  }
  return hash.digest('hex')
}

function wrongArchive(from: string, expected: string, found: string): CodexError<'proving/wrong-archive'> {
  return new CodexError(
    'proving/wrong-archive',
    `${from}: expected the archive that the chain names, sha256 ${expected}, found ${found}; get the one of this chain`,
    { detail: { from, expected, found } },
  )
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
