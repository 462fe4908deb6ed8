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

/** Takes the bytes of one file, in order; the buffer is its own to keep. @param anew what came of that field before was of a file that is not the one */
export type TakeBytes = (field: ArchivedField, bytes: Uint8Array, anew: boolean) => Promise<void>

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
  const waiting: { readonly field: ArchivedField; readonly bytes: Uint8Array; readonly anew: boolean }[] = []
  const sizes = new Map<ArchivedField, number>()
  const claims = new Claims()
  const put = (field: ArchivedField, bytes: Uint8Array, anew: boolean): void => {
    const size = (anew ? 0 : (sizes.get(field) ?? 0)) + bytes.length
    if (size > MAX_ARTEFACT_BYTES) throw bad(`a file of more than ${MAX_ARTEFACT_BYTES} bytes`)
    sizes.set(field, size)
    waiting.push({ field, bytes, anew })
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
      reader ??= readerOf(step, claims, put)
      inForm(() => reader?.push(step))
      for (const { field, bytes, anew } of waiting.splice(0)) await take(field, bytes, anew)
    }
  }
  inForm(() => reader?.end())
  for (const { field, bytes, anew } of waiting.splice(0)) await take(field, bytes, anew)
  claims.check()
  for (const field of ['wasm', 'zkey'] as const) if (!sizes.has(field)) throw bad(`no .${field} file`)
  return [...sizes.keys()]
}

/** Which of a circuit's files one of this name is. */
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

type Put = (field: ArchivedField, bytes: Uint8Array, anew: boolean) => void

function readerOf(head: Uint8Array, claims: Claims, put: Put): ArchiveReader {
  if (head[0] === 0x50 && head[1] === 0x4b) return zipReader(claims, put)
  if (head[0] === 0x1f && head[1] === 0x8b) return tarGzReader(claims, put)
  throw bad('bytes that begin neither as .zip nor as .tar.gz do')
}

function zipReader(claims: Claims, put: Put): ArchiveReader {
  const unzip = new Unzip((file) => {
    const taker = claims.claim(file.name, put)
    if (taker === undefined) return
    file.ondata = (error, bytes) => {
      if (error !== null) throw error
      taker(bytes)
    }
    file.start()
  })
  unzip.register(UnzipInflate)
  return { push: (bytes) => unzip.push(bytes), end: () => unzip.push(new Uint8Array(), true) }
}

function tarGzReader(claims: Claims, put: Put): ArchiveReader {
  const tar = new TarReader((name) => claims.claim(name, put))
  const gunzip = new Gunzip((bytes) => tar.push(bytes))
  return {
    push: (bytes) => gunzip.push(bytes),
    end() {
      gunzip.push(new Uint8Array(), true)
      tar.end()
    },
  }
}

/** Which files of an archive are the circuit's: of several circuits `proof_main` is the one that proves storage, wherever in the archive it stands. */
class Claims {
  readonly #held = new Map<ArchivedField, { readonly isMain: boolean; readonly rival: string | undefined }>()

  /** @returns takes the bytes of the file; undefined for one to pass over */
  claim(path: string, put: Put): ((bytes: Uint8Array) => void) | undefined {
    const field = fieldOf(path)
    if (field === undefined) return undefined
    const isMain = /(^|\/)proof_main(_verification_key)?\.[a-z]+$/.test(path)
    const held = this.#held.get(field)
    if (held !== undefined && (held.isMain || !isMain)) {
      if (held.isMain === isMain) this.#held.set(field, { isMain, rival: path })
      return undefined
    }
    this.#held.set(field, { isMain, rival: undefined })
    let anew = held !== undefined
    return (bytes) => {
      put(field, bytes, anew)
      anew = false
    }
  }

  /** At the end of the archive. @throws CodexError `proving/bad-archive` */
  check(): void {
    for (const [field, { rival }] of this.#held)
      if (rival !== undefined) throw bad(`two files that may be the ${field}, ${rival} the second`)
  }
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
