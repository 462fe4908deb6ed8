// The functions of `codex-light/proving`: provers with threads of their own and the development setup, everything from outside looked at first. Where threads
// and files come from is for the entries to say; opencircuit.ts opens the files.

import type { RandomSource } from '../lib/random.ts'
import type { WorkerPool } from '../workers/workerpool.ts'
import { devSetup, type DevSetup } from './devsetup.ts'
import { keptSetup } from './keptsetup.ts'
import { forgetFile } from './knownfile.ts'
import { type CircuitFiles, type CircuitPlatform, openCircuit, type OpenedCircuit } from './opencircuit.ts'
import { PooledProver } from './pooledprover.ts'
import { pooledSetupArithmetic } from './pooledsetuparithmetic.ts'
import type { ProveJobs } from './provejobs.ts'
import { badOption, checkSignal } from './proveoptions.ts'
import type { Prover } from './prover.ts'
import { rememberingProver } from './rememberingprover.ts'
import type { SetupJobs } from './setupjobs.ts'
import type * as SnarkjsModule from './snarkjsprover.ts'

export type ProvingPool = Pick<WorkerPool<ProveJobs & SetupJobs>, 'run' | 'size' | 'canShare' | 'close'>

export interface ProvingPlatform extends CircuitPlatform {
  /** A pool of its own each time. @param threads default: as many as the machine runs at once */
  readonly openPool: (threads: number | undefined) => ProvingPool
  readonly random: Pick<RandomSource, 'bytes'>
  /** The reference engine, loaded when it is asked for; undefined where it is not to be had. */
  readonly loadSnarkjs?: () => Promise<typeof SnarkjsModule>
}

export const ENGINES = ['wasm', 'snarkjs'] as const
/** What computes a proof: ours, or the reference. */
export type Engine = (typeof ENGINES)[number]

/** Of `createProver`. */
export interface CreateProverOptions {
  readonly circuit: CircuitFiles
  /** `wasm`, the default, is ours; `snarkjs` is the reference, to compare with. */
  readonly engine?: Engine
  /** At most; default: what the machine runs at once, at most 8. */
  readonly threads?: number
  /** Gives the opening up. */
  readonly signal?: AbortSignal
}

/** Of `devSetup`. */
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

/** Proving on this platform, with its threads and its cache of circuit files. */
export interface ProvingFunctions {
  /**
   * A prover for one circuit, with threads of its own until it is closed.
   * @throws CodexError as `PooledProver.open`; `proving/bad-options`, `proving/wrong-hash`, `proving/file-changed`, `proving/cannot-download`,
   *   `proving/unreadable-source` (each with the field)
   */
  createProver(options: CreateProverOptions): Promise<Prover>
  /**
   * Keys for a circuit straight from a seed, for development only: whoever knows the seed can forge proofs, and both keys say so.
   * @throws CodexError `proving/bad-r1cs`, `proving/circuit-too-large`, `proving/bad-options`
   */
  devSetup(request: DevSetupRequest): Promise<DevSetup>
  /**
   * Forgets what the files were that lay at these addresses, since they were exchanged on purpose: the next proof that holds makes them known anew.
   * @throws CodexError `proving/cache-failed`
   */
  forgetCircuit(circuit: Pick<CircuitFiles, 'wasm' | 'zkey'>): Promise<void>
}

export const MAX_THREADS = 8

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
      const store = keep ? await platform.openStore() : undefined
      return keptSetup({ r1cs, seed, make, store, limits: platform.limits }, { signal })
    },
    forgetCircuit: async ({ wasm, zkey }) => {
      const store = await platform.openStore()
      if (store === undefined) return
      for (const file of [wasm, zkey]) if (file instanceof URL) await forgetFile(store, file)
    },
  }
}

async function createProver(
  platform: ProvingPlatform,
  { circuit, engine = 'wasm', threads, signal = new AbortController().signal }: CreateProverOptions,
): Promise<Prover> {
  const opened = await openCircuit(platform, circuit, { signal })
  try {
    const prover = await openEngine(opened)
    return rememberingProver(prover, opened.remember)
  } catch (error) {
    await opened.close()
    throw error
  }

  async function openEngine({ sources, close }: OpenedCircuit): Promise<Prover> {
    if (engine === 'snarkjs') {
      if (platform.loadSnarkjs === undefined) throw badOption('engine', 'wasm, the only one here', engine)
      const { SnarkjsProver } = await platform.loadSnarkjs()
      return SnarkjsProver.open({ circuit: sources, threads, release: close }, { signal })
    }
    const pool = platform.openPool(threads)
    const release = async (): Promise<void> => {
      await pool.close()
      await close()
    }
    const randomBytes = (length: number): Uint8Array => platform.random.bytes(length)
    try {
      return await PooledProver.open({ pool, circuit: sources, randomBytes, release }, { signal })
    } catch (error) {
      await pool.close()
      throw error
    }
  }
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
