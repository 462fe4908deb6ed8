// A circuit's files out of the archive they are published in: .zip, or .tar.gz, read as it comes, so that a key of many megabytes is never whole in memory.
// Whether it is the right archive is for others to say, before it is unpacked.

import { Gunzip, Unzip, UnzipInflate } from 'fflate'
import type { AbortOptions } from '../lib/abort.ts'
import { concatBytes } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import { MAX_ARTEFACT_BYTES } from './fetchartefact.ts'
import { TarReader } from './tarreader.ts'

export const ARCHIVED_FIELDS = ['wasm', 'zkey', 'verificationKey'] as const
export type ArchivedField = (typeof ARCHIVED_FIELDS)[number]

/** Takes the bytes of one file, in order; the buffer is its own to keep. */
export type TakeBytes = (field: ArchivedField, bytes: Uint8Array) => Promise<void>

/** Of the archive that is handed to a decompressor at once: what comes out of it is then some megabytes at most. */
const STEP_BYTES = 16_384

/**
 * Hands out the circuit's files, `wasm` and `zkey` at least.
 * @throws CodexError `proving/bad-archive`, what `take` throws, or the signal's reason
 */
export async function unpackCircuit(
  archive: AsyncIterable<Uint8Array>,
  take: TakeBytes,
  { signal }: AbortOptions,
): Promise<readonly ArchivedField[]> {
  const waiting: { readonly field: ArchivedField; readonly bytes: Uint8Array }[] = []
  const sizes = new Map<ArchivedField, number>()
  const put = (field: ArchivedField, bytes: Uint8Array): void => {
    const size = (sizes.get(field) ?? 0) + bytes.length
    if (size > MAX_ARTEFACT_BYTES) throw bad(`a file of more than ${MAX_ARTEFACT_BYTES} bytes`)
    sizes.set(field, size)
    waiting.push({ field, bytes })
  }
  let reader: ArchiveReader | undefined
  let head: Uint8Array = new Uint8Array()
  for await (const part of archive) {
    // Two bytes tell the forms apart.
    const piece = reader === undefined ? concatBytes(head, part) : part
    if (reader === undefined && piece.length < 2) {
      head = piece
      continue
    }
    for (let at = 0; at < piece.length; at += STEP_BYTES) {
      signal.throwIfAborted()
      const step = piece.subarray(at, at + STEP_BYTES)
      reader ??= readerOf(step, put)
      inForm(() => reader?.push(step))
      for (const { field, bytes } of waiting.splice(0)) await take(field, bytes)
    }
  }
  inForm(() => reader?.end())
  for (const { field, bytes } of waiting.splice(0)) await take(field, bytes)
  for (const field of ['wasm', 'zkey'] as const) if (!sizes.has(field)) throw bad(`no .${field} file`)
  return [...sizes.keys()]
}

/** Which of the circuit's files one of this name is; of the circuits in an archive, `proof_main` is the one that proves storage. */
export function fieldOf(path: string): ArchivedField | undefined {
  const name = path.split('/').at(-1) ?? ''
  if (name.startsWith('.')) return undefined
  if (name.endsWith('.wasm')) return 'wasm'
  if (name.endsWith('.zkey')) return 'zkey'
  return name.endsWith('verification_key.json') ? 'verificationKey' : undefined
}

interface ArchiveReader {
  push(bytes: Uint8Array): void
  end(): void
}

type Put = (field: ArchivedField, bytes: Uint8Array) => void

function readerOf(head: Uint8Array, put: Put): ArchiveReader {
  if (head[0] === 0x50 && head[1] === 0x4b) return zipReader(put)
  if (head[0] === 0x1f && head[1] === 0x8b) return tarGzReader(put)
  throw bad('bytes that begin neither as .zip nor as .tar.gz do')
}

function zipReader(put: Put): ArchiveReader {
  const seen = new Set<ArchivedField>()
  const unzip = new Unzip((file) => {
    const field = claimed(file.name, seen)
    if (field === undefined) return
    file.ondata = (error, bytes) => {
      if (error !== null) throw error
      put(field, bytes)
    }
    file.start()
  })
  unzip.register(UnzipInflate)
  return { push: (bytes) => unzip.push(bytes), end: () => unzip.push(new Uint8Array(), true) }
}

function tarGzReader(put: Put): ArchiveReader {
  const seen = new Set<ArchivedField>()
  const tar = new TarReader((name) => {
    const field = claimed(name, seen)
    return field && ((bytes) => put(field, bytes))
  })
  const gunzip = new Gunzip((bytes) => tar.push(bytes))
  return {
    push: (bytes) => gunzip.push(bytes),
    end() {
      gunzip.push(new Uint8Array(), true)
      tar.end()
    },
  }
}

function claimed(path: string, seen: Set<ArchivedField>): ArchivedField | undefined {
  const field = fieldOf(path)
  if (field === undefined) return undefined
  if (seen.has(field)) throw bad(`two files that may be the ${field}, ${path} the second`)
  seen.add(field)
  return field
}

function inForm(read: () => void): void {
  try {
    read()
  } catch (cause) {
    if (CodexError.is(cause)) throw cause
    throw bad(cause instanceof Error ? cause.message : 'a damaged archive', cause)
  }
}

function bad(found: string, cause?: unknown): CodexError<'proving/bad-archive'> {
  return new CodexError(
    'proving/bad-archive',
    `expected a .zip or .tar.gz with one .wasm and one .zkey file, found ${found}`,
    { cause },
  )
}
