// What a circuit file was when a proof made with it last held, remembered under its address: so that one that was damaged or exchanged between two runs is
// refused by name, before anything is proven with it. Bytes without an address cannot be known again; files that are pinned need not be.

import { sha256 } from '@noble/hashes/sha2.js'

import type { AbortOptions } from '../lib/abort.ts'
import { toHex, utf8 } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'
import type { ArtefactStore } from './artefactstore.ts'
import { type ArtefactLimits, boundArtefacts, RECORD_ENDING } from './boundartefacts.ts'
import type { ByteSource } from './bytesource.ts'
import { PIECE_BYTES, pieceHashes } from './piecehashes.ts'

export interface AddressedFile {
  readonly url: URL
  /** Which of the circuit's files, for errors: `zkey`, `wasm`. */
  readonly field: string
}

/** Where it is remembered. */
export interface Memory {
  readonly store: ArtefactStore
  readonly limits: ArtefactLimits | undefined
}

/** To be called once a proof that was made with the file has held. Without room to remember it in, the file is as new the next time. */
export type Remember = () => Promise<void>

interface Known {
  readonly bytes: Bytes
  /** Hex, of each piece. */
  readonly pieces: readonly string[]
}

/** Reads all of it. @throws CodexError `proving/file-changed` where it is not what it was, `proving/unreadable-source`, or the signal's reason */
export async function recognise(
  source: ByteSource,
  file: AddressedFile,
  memory: Memory,
  options: AbortOptions,
): Promise<Remember> {
  const known = await recall(memory.store, file.url, options)
  const found: Known = { bytes: source.size, pieces: await pieceHashes(source, options) }
  if (known === undefined) return () => remember(memory, file.url, found)
  const other = found.pieces.findIndex((hash, i) => hash !== known.pieces[i])
  if (other < 0 && found.bytes === known.bytes) return async () => {}
  throw changed(file, known.bytes, found.bytes, Math.max(0, other) * PIECE_BYTES)
}

/** For a file that was exchanged on purpose: the next proof that holds makes it known anew. */
export async function forgetFile(store: ArtefactStore, url: URL): Promise<void> {
  await store.remove(nameOf(url))
}

/** Undefined where nothing is remembered, or nothing that can be read. */
async function recall(store: ArtefactStore, url: URL, options: AbortOptions): Promise<Known | undefined> {
  const kept = await store.open(nameOf(url), options)
  if (kept === undefined) return undefined
  await kept.source.close()
  try {
    const { bytes, pieces } = (JSON.parse(kept.record) ?? {}) as Partial<Known>
    const isKnown =
      typeof bytes === 'number' && Array.isArray(pieces) && pieces.length === Math.ceil(bytes / PIECE_BYTES)
    return isKnown ? { bytes, pieces } : undefined
  } catch {
    return undefined
  }
}

async function remember({ store, limits }: Memory, url: URL, found: Known): Promise<void> {
  const { signal } = new AbortController()
  const name = nameOf(url)
  try {
    const draft = await store.create(name, { signal })
    try {
      await draft.keep(JSON.stringify(found))
    } finally {
      await draft.discard()
    }
    await boundArtefacts(store, { newest: name, limits }, { signal })
  } catch (error) {
    if (!CodexError.is(error, 'proving/cache-failed')) throw error
  }
}

function nameOf(url: URL): string {
  return `${toHex(sha256(utf8(url.href)))}${RECORD_ENDING}`
}

function changed({ url, field }: AddressedFile, expected: Bytes, found: Bytes, at: Bytes): CodexError {
  const [was, is] =
    expected === found
      ? ['the bytes that proved before', `others from ${at} on`]
      : [`the ${expected} bytes that proved before`, `${found}`]
  return new CodexError(
    'proving/file-changed',
    `circuit file ${field} at ${url.href}: expected ${was}, found ${is}; get the file anew, or, if it was exchanged on purpose, give its SHA-256 as circuit.sha256.${field}, or have it forgotten (forgetCircuit)`,
    { detail: { field, url: url.href, expectedBytes: expected, foundBytes: found, at } },
  )
}
