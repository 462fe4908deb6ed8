// Circuit files from the network: streamed, held against the hash they are pinned to, kept for the next time. Half of a file is never taken for one.

import type { AbortOptions } from '../lib/abort.ts'
import { concatBytes } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import { MiB } from '../lib/units.ts'
import type { Bytes } from '../lib/units.ts'
import type { ArtefactDraft, ArtefactStore, OpenSource } from './artefactstore.ts'
import { type ArtefactLimits, boundArtefacts } from './boundartefacts.ts'
import { sourceOfBlob } from './bytesource.ts'
import { hashOfPiece, PIECE_BYTES } from './piecehashes.ts'
import { checkHash, RunningHash } from './sourcehash.ts'

/** No circuit file is larger: 2^27 constraints would have some 100 GB, nobody's tab holds that. */
export const MAX_ARTEFACT_BYTES: Bytes = 2048 * MiB

export interface ArtefactRequest {
  readonly url: URL
  /** Hex; a file without it is not kept, because nothing would tell it from a wrong one. */
  readonly sha256?: string | undefined
  /** Which of the circuit's files, for errors: `zkey`, `wasm`. */
  readonly field: string
}

export interface ArtefactPlatform {
  /** The body, as it comes. @throws CodexError `proving/cannot-download` */
  readonly download: (url: URL, options: AbortOptions) => AsyncIterable<Uint8Array>
  /** Undefined where nothing can be kept. */
  readonly store: ArtefactStore | undefined
  /** Of what is kept in `store`; `DEFAULT_ARTEFACT_LIMITS` where they are silent. */
  readonly limits?: ArtefactLimits | undefined
}

interface Record {
  readonly sha256: string
  readonly pieces: readonly string[]
}

/** @throws CodexError `proving/wrong-hash`, `proving/cannot-download`, `proving/artefact-too-large`; or the signal's reason */
export async function fetchArtefact(
  { url, sha256, field }: ArtefactRequest,
  { download, store, limits }: ArtefactPlatform,
  options: AbortOptions,
): Promise<OpenSource> {
  if (sha256 === undefined || store === undefined)
    return inMemory(await collect(download(url, options), { field, sha256 }))
  const name = `${sha256.toLowerCase()}.${field}`
  const kept = await openKept(store, name, options)
  if (kept !== undefined) return kept
  await keepArtefact(store, { name, field, sha256, limits }, download(url, options), options)
  const fresh = await store.open(name, options)
  if (fresh !== undefined) return fresh.source
  throw new CodexError('proving/cache-failed', `expected ${name} where it was just kept, found none`, {
    detail: { field },
  })
}

/** Keeps `body`, where it is what was pinned, and lets go of what was not used for longest where it is too much then. @throws CodexError `proving/wrong-hash`, `proving/artefact-too-large`, `proving/cache-failed` */
export async function keepArtefact(
  store: ArtefactStore,
  about: {
    readonly name: string
    readonly field: string
    readonly sha256: string | undefined
    readonly limits?: ArtefactLimits | undefined
  },
  body: AsyncIterable<Uint8Array>,
  options: AbortOptions,
): Promise<void> {
  const draft = await store.create(about.name, options)
  try {
    await draft.keep(await copy(body, draft, about))
  } finally {
    await draft.discard()
  }
  await boundArtefacts(store, { newest: about.name, limits: about.limits }, options)
}

/** Undefined where there is none, or one that is damaged: that one is removed, and comes anew. */
export async function openKept(
  store: ArtefactStore,
  name: string,
  options: AbortOptions,
): Promise<OpenSource | undefined> {
  const kept = await store.open(name, options)
  if (kept === undefined) return undefined
  let isGood = false
  try {
    isGood = await isWhole(kept.source, piecesOf(kept.record), options)
  } catch (error) {
    options.signal.throwIfAborted()
    if (!CodexError.is(error)) throw error
  } finally {
    if (!isGood) await kept.source.close()
  }
  if (isGood) return kept.source
  await store.remove(name)
  return undefined
}

/** The pieces' hashes; undefined where the text is no record. */
function piecesOf(text: string): readonly unknown[] | undefined {
  try {
    const record: unknown = JSON.parse(text)
    const pieces = typeof record === 'object' && record !== null && 'pieces' in record ? record.pieces : undefined
    return Array.isArray(pieces) ? pieces : undefined
  } catch {
    return undefined
  }
}

async function isWhole(
  source: OpenSource,
  pieces: readonly unknown[] | undefined,
  options: AbortOptions,
): Promise<boolean> {
  if (pieces?.length !== Math.ceil(source.size / PIECE_BYTES)) return false
  for (const [i, expected] of pieces.entries()) {
    const at = i * PIECE_BYTES
    const piece = await source.read(at, Math.min(PIECE_BYTES, source.size - at), options)
    if ((await hashOfPiece(piece)) !== expected) return false
  }
  return true
}

async function copy(
  body: AsyncIterable<Uint8Array>,
  draft: ArtefactDraft,
  pinned: { readonly field: string; readonly sha256: string | undefined },
): Promise<string> {
  const whole = new RunningHash()
  const pieces: string[] = []
  let piece: Uint8Array[] = []
  let pieceBytes = 0
  const endPiece = async (): Promise<void> => {
    const bytes = concatBytes(...piece)
    pieces.push(await hashOfPiece(bytes))
    await draft.write(bytes)
    piece = []
    pieceBytes = 0
  }
  for await (const some of limited(body, pinned.field)) {
    await whole.add(some)
    for (let at = 0; at < some.length;) {
      const part = some.subarray(at, at + PIECE_BYTES - pieceBytes)
      piece.push(part)
      pieceBytes += part.length
      at += part.length
      if (pieceBytes === PIECE_BYTES) await endPiece()
    }
  }
  if (pieceBytes > 0) await endPiece()
  const sha256 = whole.digest()
  if (pinned.sha256 !== undefined) checkHash(pinned.field, sha256, pinned.sha256)
  return JSON.stringify({ sha256, pieces } satisfies Record)
}

async function collect(
  body: AsyncIterable<Uint8Array>,
  { field, sha256 }: { readonly field: string; readonly sha256: string | undefined },
): Promise<Blob> {
  const parts: Uint8Array<ArrayBuffer>[] = []
  const whole = new RunningHash()
  for await (const some of limited(body, field)) {
    if (sha256 !== undefined) await whole.add(some)
    parts.push(some as Uint8Array<ArrayBuffer>)
  }
  if (sha256 !== undefined) checkHash(field, whole.digest(), sha256)
  return new Blob(parts)
}

async function* limited(body: AsyncIterable<Uint8Array>, field: string): AsyncIterable<Uint8Array> {
  let total = 0
  for await (const some of body) {
    total += some.length
    if (total > MAX_ARTEFACT_BYTES)
      throw new CodexError(
        'proving/artefact-too-large',
        `circuit file ${field}: expected at most ${MAX_ARTEFACT_BYTES} bytes, found more; is the address right?`,
        { detail: { field, limitBytes: MAX_ARTEFACT_BYTES } },
      )
    yield some
  }
}

function inMemory(blob: Blob): OpenSource {
  return { ...sourceOfBlob(blob), close: async () => {} }
}
