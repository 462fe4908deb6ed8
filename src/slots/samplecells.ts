// From a challenge to the cells of a slot that a proof must show (data reference §8.1, §8.2). It reads no cell.

import { fromHex } from '../lib/bytes.ts'
import { describeValue, numberOrDescription } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import { checkElement } from './fieldelements.ts'
import type { Poseidon2, Poseidon2Options } from './poseidon2.ts'
import { isPowerOfTwo, MAX_SLOT_CELLS } from './slotgeometry.ts'

/** Cells that the deployed circuit asks for. */
export const PROOF_SAMPLES = 5
/** Most cells asked for at once. */
export const MAX_SAMPLES = 1024

/** Bytes of a challenge that count; the last one is dropped, so that the rest is below the field's order. */
const ENTROPY_BYTES = 31

export interface Sampling {
  readonly entropy: bigint
  readonly slotRoot: bigint
  /** Cells in the padded slot: a power of two from 2 to {@link MAX_SLOT_CELLS}. */
  readonly cellCount: number
  /** How many cells, at most {@link MAX_SAMPLES}. Default: {@link PROOF_SAMPLES} */
  readonly samples?: number
}

/**
 * The number a challenge stands for: its first 31 bytes, little-endian.
 * @param challenge 32 bytes as 0x-hex
 * @throws CodexError `slots/bad-challenge`
 */
export function challengeEntropy(challenge: string): bigint {
  if (typeof challenge !== 'string' || !/^0x[0-9a-fA-F]{64}$/.test(challenge))
    throw new CodexError(
      'slots/bad-challenge',
      `expected a challenge of 32 bytes as 0x and 64 hex digits, found ${describeValue(challenge)}`,
    )
  const bytes = fromHex(challenge).subarray(0, ENTROPY_BYTES)
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n)
}

/**
 * Indices of cells in the padded slot, in order of sampling; the same one may come more than once.
 * @throws CodexError `slots/not-an-element`, `slots/bad-cell-count`, `slots/bad-sample-count`, and those of `poseidon2`
 */
export async function sampleCells(
  poseidon2: Pick<Poseidon2, 'sponges'>,
  { entropy, slotRoot, cellCount, samples = PROOF_SAMPLES }: Sampling,
  options: Poseidon2Options,
): Promise<number[]> {
  checkElement(entropy, 'the entropy')
  checkElement(slotRoot, 'the slot root')
  if (typeof cellCount !== 'number' || !isPowerOfTwo(cellCount) || cellCount < 2 || cellCount > MAX_SLOT_CELLS)
    throw new CodexError(
      'slots/bad-cell-count',
      `expected a cell count that is a power of two from 2 to ${MAX_SLOT_CELLS}, found ${describeValue(cellCount)}`,
      { detail: { found: numberOrDescription(cellCount), limit: MAX_SLOT_CELLS } },
    )
  if (!Number.isSafeInteger(samples) || samples < 1 || samples > MAX_SAMPLES)
    throw new CodexError(
      'slots/bad-sample-count',
      `expected from 1 to ${MAX_SAMPLES} samples, found ${describeValue(samples)}`,
      { detail: { found: numberOrDescription(samples), limit: MAX_SAMPLES } },
    )
  const messages = Array.from({ length: samples }, (_, i) => [entropy, slotRoot, BigInt(i + 1)])
  const hashes = await poseidon2.sponges(messages, options)
  return hashes.map((hash) => lowBits(hash, Math.log2(cellCount)))
}

function lowBits(value: bigint, bits: number): number {
  return Number(BigInt.asUintN(bits, value))
}
