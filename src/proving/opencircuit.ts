// Opens the files of a circuit wherever they lie: in memory, on a disk, on the network. Each is held against what it is pinned to, or against what it was when
// it last proved. What is in them is read elsewhere.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import { loadOnce } from '../lib/loadonce.ts'
import { MiB } from '../lib/units.ts'
import type { ArtefactStore, OpenSource } from './artefactstore.ts'
import type { ArtefactLimits } from './boundartefacts.ts'
import { sourceOfBlob, sourceOfBytes } from './bytesource.ts'
import type { CircuitSources } from './circuitsources.ts'
import { type ArtefactPlatform, fetchArtefact } from './fetchartefact.ts'
import { forgetFile, recognise, type Remember } from './knownfile.ts'
import { namingField } from './namingfield.ts'
import { badOption } from './proveoptions.ts'
import { checkHash, sourceHash } from './sourcehash.ts'
import type { VerificationKey } from './verificationkey.ts'

export interface CircuitPlatform {
  /** Reads a `file:` address; undefined where there are none. @throws CodexError `proving/unreadable-source` */
  readonly openFile: ((url: URL) => Promise<OpenSource>) | undefined
  readonly download: ArtefactPlatform['download']
  /** For what is loaded from the network, made from a seed, or to be known again. */
  readonly openStore: () => Promise<ArtefactStore | undefined>
  /** How much is kept in the store; default: `DEFAULT_ARTEFACT_LIMITS`. */
  readonly limits?: ArtefactLimits
}

/**
 * Bytes are not copied: they must not change while the prover is open. `file:` addresses are for Node only. What a file at an address was when a proof made with
 * it held is remembered: one that has changed by the next time is refused, unless it is pinned to what it is now. Bytes and Blobs have no address: pin them.
 */
export type CircuitFile = Uint8Array | Blob | URL

/** What a prover proves with. */
export interface CircuitFiles {
  /** The witness module, as circom compiles it. */
  readonly wasm: CircuitFile
  /** The proving key, as snarkjs writes it. */
  readonly zkey: CircuitFile
  /** Where it is known from elsewhere: a proving key that has another is refused. */
  readonly verificationKey?: VerificationKey
  /** Hex. Files with other contents are refused; files from the network that are pinned so are kept for the next time. */
  readonly sha256?: { readonly wasm?: string; readonly zkey?: string }
}

export interface OpenedCircuit {
  readonly sources: CircuitSources
  /** What to call once a proof that was made with the files has held. */
  readonly remember: readonly Remember[]
  /** Never rejects. */
  close(): Promise<void>
}

/** A witness module of the full circuit has half of one. */
const MAX_WASM_BYTES = 64 * MiB
const NETWORK_PROTOCOLS = ['http:', 'https:']

/**
 * @throws CodexError `proving/bad-options`, `proving/wrong-hash`, `proving/file-changed`, `proving/cannot-download`, `proving/unreadable-source`,
 *   `proving/bad-circuit-module` (each with the field); or the signal's reason
 */
export async function openCircuit(
  platform: CircuitPlatform,
  { wasm, zkey, verificationKey, sha256 }: CircuitFiles,
  options: AbortOptions,
): Promise<OpenedCircuit> {
  const remember: Remember[] = []
  const opener: Opener = { ...platform, openStore: loadOnce(platform.openStore), remember }
  const key = await openFile(opener, zkey, { field: 'zkey', sha256: sha256?.zkey }, options)
  try {
    const module = await openFile(opener, wasm, { field: 'wasm', sha256: sha256?.wasm }, options)
    try {
      if (module.size > MAX_WASM_BYTES) throw tooLarge(module.size)
      const sources = { wasm: await module.read(0, module.size, options), zkey: key, verificationKey }
      return { sources, remember, close: () => key.close() }
    } finally {
      await module.close()
    }
  } catch (error) {
    await key.close()
    throw error
  }
}

/** The platform for the files of one circuit. */
interface Opener extends CircuitPlatform {
  readonly remember: Remember[]
}

interface About {
  readonly field: 'wasm' | 'zkey'
  readonly sha256: string | undefined
}

/** As {@link openUnnamed}; whatever fails to be read, now or later, is named. */
async function openFile(platform: Opener, file: CircuitFile, about: About, options: AbortOptions): Promise<OpenSource> {
  const source = await namingField(about.field, openUnnamed(platform, file, about, options))
  return {
    size: source.size,
    read: (...range) => namingField(about.field, source.read(...range)),
    close: () => source.close(),
  }
}

async function openUnnamed(
  platform: Opener,
  file: CircuitFile,
  about: About,
  options: AbortOptions,
): Promise<OpenSource> {
  const isRemote = file instanceof URL && file.protocol !== 'file:'
  const source = await (isRemote ? openRemote(platform, file, about, options) : openLocal(platform, file, about.field))
  try {
    // What comes from the network was held against its hash on the way.
    if (about.sha256 !== undefined && !isRemote) checkHash(about.field, await sourceHash(source, options), about.sha256)
    if (file instanceof URL) await holdAgainstKnown(platform, source, { ...about, url: file }, options)
    return source
  } catch (error) {
    await source.close()
    throw error
  }
}

async function holdAgainstKnown(
  { openStore, limits, remember }: Opener,
  source: OpenSource,
  { url, field, sha256 }: About & { readonly url: URL },
  options: AbortOptions,
): Promise<void> {
  const store = await openStore()
  if (store === undefined) return
  // Whoever says what a file is now has exchanged it on purpose.
  if (sha256 !== undefined) await forgetFile(store, url)
  else remember.push(await recognise(source, { url, field }, { store, limits }, options))
}

async function openRemote(
  { openStore, download, limits }: Opener,
  url: URL,
  about: About,
  options: AbortOptions,
): Promise<OpenSource> {
  if (!NETWORK_PROTOCOLS.includes(url.protocol))
    throw badOption(`circuit.${about.field}`, 'an address that begins with file:, http: or https:', url.protocol)
  const store = about.sha256 === undefined ? undefined : await openStore()
  return fetchArtefact({ url, ...about }, { download, store, limits }, options)
}

async function openLocal({ openFile: open }: Opener, file: CircuitFile, field: string): Promise<OpenSource> {
  if (!(file instanceof URL))
    return { ...(file instanceof Blob ? sourceOfBlob(file) : sourceOfBytes(file)), close: async () => {} }
  if (open !== undefined) return open(file)
  throw badOption(`circuit.${field}`, 'bytes, a Blob, or an address on the network', 'an address of a file')
}

function tooLarge(foundBytes: number): CodexError<'proving/bad-circuit-module'> {
  return new CodexError(
    'proving/bad-circuit-module',
    `circuit .wasm: expected at most ${MAX_WASM_BYTES} bytes, found ${foundBytes}; give the circuit's own witness module`,
    { detail: { field: 'wasm', limitBytes: MAX_WASM_BYTES, foundBytes } },
  )
}
