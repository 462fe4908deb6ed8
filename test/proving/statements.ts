// Inputs of the small storage proof for tests of provers: as many different ones as wanted, each with the publics it must lead to.

import { type CircuitParameters, SMALL_CIRCUIT } from '../../wasm/circuit/templates.ts'
import { loadPoseidon2 } from '../../wasm/poseidon2/loadposeidon2.ts'
import { type Inputs, madeUpDataset, storageProofInputs } from './storageproof.ts'

export interface Statement {
  readonly inputs: Inputs
  readonly publicSignals: readonly string[]
}

/** @param seed another gives another dataset, slot and entropy */
export async function statement(seed: number, parameters: CircuitParameters = SMALL_CIRCUIT): Promise<Statement> {
  const hashes = await loadPoseidon2({ variant: 'scalar' })
  const slots = 1 + (seed % 2 ** parameters.maxLog2NSlots)
  const dataset = madeUpDataset(hashes, parameters, { slots, blocks: 2 ** (seed % 3), slotIndex: seed % slots })
  const inputs = storageProofInputs(hashes, parameters, dataset, BigInt(seed + 1) ** 31n % 2n ** 248n)
  return { inputs, publicSignals: [inputs.entropy, inputs.dataSetRoot, inputs.slotIndex].map(String) }
}
