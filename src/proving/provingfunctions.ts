// The functions of `codex-light/proving`: provers with threads of their own and the development setup, everything from outside looked at first. Where threads
// and files come from is for the entries to say.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { RandomSource } from '../lib/random.ts'
import { MiB } from '../lib/units.ts'
import type { WorkerPool } from '../workers/workerpool.ts'
import type { ArtefactStore, OpenSource } from './artefactstore.ts'
import { sourceOfBlob, sourceOfBytes } from './bytesource.ts'
import type { CircuitSources } from './circuitsources.ts'
import { devSetup, type DevSetup } from './devsetup.ts'
import { type ArtefactPlatform, fetchArtefact } from './fetchartefact.ts'
import { namingField } from './namingfield.ts'
import { keptSetup } from './keptsetup.ts'
import { PooledProver } from './pooledprover.ts'
import { pooledSetupArithmetic } from './pooledsetuparithmetic.ts'
import type { ProveJobs } from './provejobs.ts'
import { badOption, checkSignal } from './proveoptions.ts'
import type { Prover } from './prover.ts'
import type { SetupJobs } from './setupjobs.ts'
import type * as SnarkjsModule from './snarkjsprover.ts'
import { checkHash, sourceHash } from './sourcehash.ts'
import type { VerificationKey } from './verificationkey.ts'

export type ProvingPool = Pick<WorkerPool<ProveJobs & SetupJobs>, 'run' | 'size' | 'canShare' | 'close'>

export interface ProvingPlatform {
  /** A pool of its own each time. @param threads default: as many as the machine runs at once */
  readonly openPool: (threads: number | undefined) => ProvingPool
  /** Reads a `file:` address; undefined where there are none. @throws CodexError `proving/unreadable-source` */
  readonly openFile: ((url: URL) => Promise<OpenSource>) | undefined
  readonly download: ArtefactPlatform['download']
  /** Opened when something is first loaded from the network, or made from a seed. */
  readonly openStore: () => Promise<ArtefactStore | undefined>
  readonly random: Pick<RandomSource, 'bytes'>
  /** The reference engine, loaded when it is asked for; undefined where it is not to be had. */
  readonly loadSnarkjs?: () => Promise<typeof SnarkjsModule>
}

/** Bytes are not copied: they must not change while the prover is open. `file:` addresses are for Node only. */
export type CircuitFile = Uint8Array | Blob | URL

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

export const ENGINES = ['wasm', 'snarkjs'] as const
export type Engine = (typeof ENGINES)[number]

export interface CreateProverOptions {
  readonly circuit: CircuitFiles
  /** `wasm`, the default, is ours; `snarkjs` is the reference, to compare with. */
  readonly engine?: Engine
  /** At most; default: what the machine runs at once, at most 8. */
  readonly threads?: number
  /** Gives the opening up. */
  readonly signal?: AbortSignal
}

export interface DevSetupRequest {
  /** The circuit, as circom writes it. */
  readonly r1cs: Uint8Array
  /** Any text or bytes: the same seed and circuit give the same keys, byte for byte. It is no secret. */
  readonly seed: string | Uint8Array
  readonly threads?: number
  /** Whether to keep the keys for the next time, by the contents of what they were made of. Default: true */
  readonly keep?: boolean
  readonly signal?: AbortSignal
}

export interface ProvingFunctions {
  /**
   * A prover for one circuit, with threads of its own until it is closed.
   * @throws CodexError as `PooledProver.open`; `proving/bad-options`, `proving/wrong-hash`, `proving/cannot-download`,
   *   `proving/unreadable-source` (each with the field)
   */
  createProver(options: CreateProverOptions): Promise<Prover>
  /**
   * Keys for a circuit straight from a seed, for development only: whoever knows the seed can forge proofs, and both keys say so.
   * @throws CodexError `proving/bad-r1cs`, `proving/circuit-too-large`, `proving/bad-options`
   */
  devSetup(request: DevSetupRequest): Promise<DevSetup>
}

export const MAX_THREADS = 8
/** A witness module of the full circuit has half of one. */
const MAX_WASM_BYTES = 64 * MiB
const NETWORK_PROTOCOLS = ['http:', 'https:']

export function provingFunctions(platform: ProvingPlatform): ProvingFunctions {
  return {
    createProver: async (options) => createProver(platform, checkedOptions(options)),
    devSetup: async (request) => {
      const { r1cs, seed, threads, keep = true, signal = new AbortController().signal } = checkedRequest(request)
      const make = async (): Promise<DevSetup> => {
        const pool = platform.openPool(threads)
        try {
          return await devSetup({ r1cs, seed, arithmetic: pooledSetupArithmetic(pool), signal })
        } finally {
          await pool.close()
        }
      }
      return keptSetup({ r1cs, seed, make, store: keep ? await platform.openStore() : undefined }, { signal })
    },
  }
}

async function createProver(
  platform: ProvingPlatform,
  { circuit, engine = 'wasm', threads, signal = new AbortController().signal }: CreateProverOptions,
): Promise<Prover> {
  const open: OpenSource[] = []
  const closeAll = async (): Promise<void> => {
    for (const source of open) await source.close()
  }
  try {
    const sources = await openCircuit(platform, circuit, open, { signal })
    if (engine === 'snarkjs') {
      if (platform.loadSnarkjs === undefined) throw badOption('engine', 'wasm, the only one here', engine)
      const { SnarkjsProver } = await platform.loadSnarkjs()
      return await SnarkjsProver.open({ circuit: sources, threads, release: closeAll }, { signal })
    }
    const pool = platform.openPool(threads)
    const release = async (): Promise<void> => {
      await pool.close()
      await closeAll()
    }
    const randomBytes = (length: number): Uint8Array => platform.random.bytes(length)
    try {
      return await PooledProver.open({ pool, circuit: sources, randomBytes, release }, { signal })
    } catch (error) {
      await pool.close()
      throw error
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}

async function openCircuit(
  platform: ProvingPlatform,
  { wasm, zkey, verificationKey, sha256 }: CircuitFiles,
  open: OpenSource[],
  options: AbortOptions,
): Promise<CircuitSources> {
  const key = await openFile(platform, zkey, { field: 'zkey', sha256: sha256?.zkey }, options)
  open.push(key)
  const module = await openFile(platform, wasm, { field: 'wasm', sha256: sha256?.wasm }, options)
  try {
    if (module.size > MAX_WASM_BYTES)
      throw new CodexError(
        'proving/bad-circuit-module',
        `circuit .wasm: expected at most ${MAX_WASM_BYTES} bytes, found ${module.size}; give the circuit's own witness module`,
        { detail: { field: 'wasm', limitBytes: MAX_WASM_BYTES, foundBytes: module.size } },
      )
    return { wasm: await module.read(0, module.size, options), zkey: key, verificationKey }
  } finally {
    await module.close()
  }
}

/** As {@link openUnnamed}; whatever fails to be read, now or later, is named. */
async function openFile(
  platform: ProvingPlatform,
  file: CircuitFile,
  about: { readonly field: string; readonly sha256: string | undefined },
  options: AbortOptions,
): Promise<OpenSource> {
  const source = await namingField(about.field, openUnnamed(platform, file, about, options))
  return {
    size: source.size,
    read: (...range) => namingField(about.field, source.read(...range)),
    close: () => source.close(),
  }
}

async function openUnnamed(
  platform: ProvingPlatform,
  file: CircuitFile,
  about: { readonly field: string; readonly sha256: string | undefined },
  options: AbortOptions,
): Promise<OpenSource> {
  if (file instanceof URL && file.protocol !== 'file:') {
    if (!NETWORK_PROTOCOLS.includes(file.protocol))
      throw badOption(`circuit.${about.field}`, 'an address that begins with file:, http: or https:', file.protocol)
    const store = about.sha256 === undefined ? undefined : await platform.openStore()
    return fetchArtefact({ url: file, ...about }, { download: platform.download, store }, options)
  }
  const source = await openLocal(platform, file, about.field)
  try {
    if (about.sha256 !== undefined) checkHash(about.field, await sourceHash(source, options), about.sha256)
    return source
  } catch (error) {
    await source.close()
    throw error
  }
}

async function openLocal({ openFile: open }: ProvingPlatform, file: CircuitFile, field: string): Promise<OpenSource> {
  if (!(file instanceof URL))
    return { ...(file instanceof Blob ? sourceOfBlob(file) : sourceOfBytes(file)), close: async () => {} }
  if (open !== undefined) return open(file)
  throw badOption(`circuit.${field}`, 'bytes, a Blob, or an address on the network', 'an address of a file')
}

function checkedOptions(options: CreateProverOptions): CreateProverOptions {
  if (
    typeof options !== 'object' ||
    options === null ||
    typeof options.circuit !== 'object' ||
    options.circuit === null
  )
    throw badOption('circuit', '{ wasm, zkey }', options)
  const { circuit, engine } = options
  for (const field of ['wasm', 'zkey'] as const) {
    const file: unknown = circuit[field]
    if (!(file instanceof Uint8Array || file instanceof Blob || file instanceof URL))
      throw badOption(`circuit.${field}`, 'bytes, a Blob or a URL', file)
    const pin: unknown = circuit.sha256?.[field]
    if (pin !== undefined && !(typeof pin === 'string' && /^[0-9a-f]{64}$/i.test(pin)))
      throw badOption(`circuit.sha256.${field}`, '64 hex digits', pin)
  }
  if (engine !== undefined && !ENGINES.includes(engine)) throw badOption('engine', ENGINES.join(' or '), engine)
  checkedThreads(options.threads)
  if (options.signal !== undefined) checkSignal(options.signal)
  return options
}

function checkedRequest(request: DevSetupRequest): DevSetupRequest {
  if (typeof request !== 'object' || request === null) throw badOption('request', '{ r1cs, seed }', request)
  const { r1cs, seed, threads, keep, signal }: Partial<Record<keyof DevSetupRequest, unknown>> = request
  if (!(r1cs instanceof Uint8Array)) throw badOption('r1cs', 'bytes', r1cs)
  if (typeof seed !== 'string' && !(seed instanceof Uint8Array)) throw badOption('seed', 'a text or bytes', seed)
  checkedThreads(threads)
  if (keep !== undefined && typeof keep !== 'boolean') throw badOption('keep', 'true or false', keep)
  if (signal !== undefined) checkSignal(signal)
  return request
}

function checkedThreads(threads: unknown): number | undefined {
  if (threads === undefined) return undefined
  if (typeof threads === 'number' && Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS) return threads
  throw badOption('threads', `a whole number from 1 to ${MAX_THREADS}`, threads)
}
