// Proof inputs of a dataset made up on the spot: for measuring how fast a machine proves, where nothing real is at hand.

import type { AbortOptions } from '../lib/abort.ts'
import { BLOCK_SIZE } from '../protocol/block.ts'
import { proofInputs } from './proofinputs.ts'
import type { ProofInputs, ShapeOption } from './proofinputs.ts'
import { challengeEntropy } from './samplecells.ts'
import type { Compute } from './slotsparts.ts'
import { provenSlot, smallDataset } from './smalldataset.ts'

const BLOCKS = 3
const CHALLENGE = `0x${'5a'.repeat(32)}`

/** For a slot of two blocks of the deployed circuit's cells; always the same. */
export async function sampleInputs(
  compute: Pick<Compute, 'poseidon2' | 'erasure'>,
  { signal, shape }: AbortOptions & ShapeOption,
): Promise<ProofInputs> {
  const options = { signal, rank: 'background' } as const
  const bytes = Uint8Array.from({ length: BLOCKS * BLOCK_SIZE }, (_, i) => i * 131 + (i >> 8) * 17)
  const dataset = await smallDataset(compute, bytes, { ecK: 2, ecM: 1 }, options)
  return proofInputs(compute.poseidon2, provenSlot(dataset, 1), challengeEntropy(CHALLENGE), { ...options, shape })
}
