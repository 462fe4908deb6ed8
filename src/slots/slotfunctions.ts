// The functions of `codex-light/slots`: hashing, coding and small datasets on the caller's thread, everything from outside looked at first. Which
// kernels there are is for the entries to say.

import { checkedBytes } from '../lib/bytes.ts'
import { describeValue, MAX_DESCRIBED_CHARS, numberOrDescription } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'
import { BLOCK_SIZE } from '../protocol/block.ts'
import { codeJobs } from '../erasure/codejobs.ts'
import type { CodeKernel } from '../erasure/codejobs.ts'
import { PooledErasure } from '../erasure/poolederasure.ts'
import { localPool } from '../workers/localpool.ts'
import { erasureFunctions } from './erasurefunctions.ts'
import type { ErasureFunctions, ErasureKernel } from './erasurefunctions.ts'
import { hashJobs } from './hashjobs.ts'
import type { HashKernel } from './hashjobs.ts'
import { poseidon2Functions } from './poseidon2functions.ts'
import type { Poseidon2Functions, Poseidon2FunctionsKernel } from './poseidon2functions.ts'
import type { Poseidon2Options } from './poseidon2.ts'
import { PooledPoseidon2 } from './pooledposeidon2.ts'
import { proofInputs } from './proofinputs.ts'
import type { ProofInputs } from './proofinputs.ts'
import { challengeEntropy, sampleCells } from './samplecells.ts'
import { provenSlot, smallDataset } from './smalldataset.ts'
import type { SmallDataset, SmallDatasetOptions } from './smalldataset.ts'

/** Those of {@link SmallDatasetOptions}. */
const KNOWN_OPTIONS: readonly string[] = ['ecK', 'ecM', 'filename', 'mimetype'] satisfies (keyof SmallDatasetOptions)[]

export interface BuildDatasetOptions extends SmallDatasetOptions {
  /** Of this network, and no other, for callers who say it. */
  readonly blockSize?: Bytes | undefined
}

export interface SlotKernels {
  readonly loadPoseidon2: () => Promise<Poseidon2FunctionsKernel & HashKernel>
  readonly loadLeopard: () => Promise<ErasureKernel & CodeKernel>
}

/** Bytes that are passed in are neither changed nor detached. Whatever is wrong with an argument is told by a CodexError. */
export interface SlotFunctions {
  /** Poseidon2 as this network has it; a kernel of its own each time, of 128 KiB. */
  createPoseidon2(): Promise<Poseidon2Functions>
  /** Leopard's erasure code; a kernel of its own each time. */
  createErasure(): Promise<ErasureFunctions>
  /**
   * Makes a dataset verifiable (data reference §4, §5, §7): `ecK` slots of data, `ecM` of parity. For small data: it stays in memory as long as
   * the result does.
   * @throws CodexError as `smallDataset`, `slots/not-bytes`, `slots/bad-options` for an option that is not known, `erasure/wrong-block-size`
   */
  buildDataset(bytes: Uint8Array, options: BuildDatasetOptions): Promise<SmallDataset>
  /**
   * The cells of a slot that a proof shows (§8.2), by index, in order of sampling.
   * @param entropy see `challengeEntropy`
   * @param cellCount cells in the padded slot: a power of two from 2 to 2^32
   * @param samples default: 5, as the deployed circuit has it
   */
  sampleCells(entropy: bigint, slotRoot: bigint, cellCount: number, samples?: number): Promise<number[]>
  /**
   * The circuit's input (§8.4) for one slot of a dataset that `buildDataset` gave.
   * @param challenge 32 bytes as 0x-hex
   */
  proofInputs(dataset: SmallDataset, slotIndex: number, challenge: string): Promise<ProofInputs>
}

export function slotFunctions({ loadPoseidon2, loadLeopard }: SlotKernels): SlotFunctions {
  const poseidon2 = new PooledPoseidon2(localPool(hashJobs(loadPoseidon2)))
  const erasure = new PooledErasure({ pool: localPool(codeJobs(loadLeopard)) })
  return {
    createPoseidon2: async () => poseidon2Functions(await loadPoseidon2()),
    createErasure: async () => erasureFunctions(await loadLeopard()),
    buildDataset: async (bytes, options) => {
      const content = checkedBytes(bytes, 'slots/not-bytes', 'the dataset')
      if (typeof options !== 'object' || options === null)
        throw new CodexError('slots/bad-options', `expected { ecK, ecM }, found ${describeValue(options)}`)
      return smallDataset({ poseidon2, erasure }, content, checkedOptions({ ...options }), unhurried())
    },
    sampleCells: async (entropy, slotRoot, cellCount, samples) =>
      sampleCells(poseidon2, { entropy, slotRoot, cellCount, ...(samples !== undefined && { samples }) }, unhurried()),
    proofInputs: async (dataset, slotIndex, challenge) =>
      proofInputs(poseidon2, provenSlot(dataset, slotIndex), challengeEntropy(challenge), unhurried()),
  }
}

/** An option that is not known would be passed over in silence, and the dataset not be what was asked for. */
function checkedOptions({ blockSize, ...options }: BuildDatasetOptions): SmallDatasetOptions {
  const unknown = Object.keys(options).find((name) => !KNOWN_OPTIONS.includes(name))
  if (unknown !== undefined)
    throw new CodexError(
      'slots/bad-options',
      `expected the options ${KNOWN_OPTIONS.join(', ')} and blockSize, found ${describeValue(unknown)}`,
      { detail: { what: unknown.slice(0, MAX_DESCRIBED_CHARS) } },
    )
  if (blockSize === undefined || blockSize === BLOCK_SIZE) return options
  throw new CodexError(
    'erasure/wrong-block-size',
    `expected a blockSize of ${BLOCK_SIZE} bytes, found ${describeValue(blockSize)}`,
    { detail: { what: 'blockSize', expectedBytes: BLOCK_SIZE, foundBytes: numberOrDescription(blockSize) } },
  )
}

/** Nobody waits in front of these calls, and nothing aborts them. */
function unhurried(): Poseidon2Options {
  return { signal: new AbortController().signal, rank: 'background' }
}
