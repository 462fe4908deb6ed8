// Opens what a provider proves with, or refuses it.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import { allowKeyOnChain } from '../proving/developmentmark.ts'
import type { CircuitFiles } from '../proving/opencircuit.ts'
import type { ProvingFunctions } from '../proving/provingfunctions.ts'
import { type CircuitShape, DEPLOYED_SHAPE } from '../slots/proofinputs.ts'
import type { ProvingPart, SlotProverParts } from './slotprover.ts'
import { SlotProver } from './slotprover.ts'

export interface ProverSettings {
  /** Undefined for a provider that keeps its accounts, and sells nothing: it cannot prove. */
  readonly circuit: CircuitFiles | undefined
  /** Of the circuit. Default: {@link DEPLOYED_SHAPE} */
  readonly shape?: CircuitShape | undefined
  /** Threads that prove, at most. */
  readonly threads?: number | undefined
}

export interface ProverNeeds extends Pick<SlotProverParts, 'slots' | 'stopwatch'> {
  readonly createProver: ProvingFunctions['createProver']
}

const NO_PROVER: ProvingPart = {
  verificationKey: {},
  isAbsent: true,
  async prove() {
    throw new CodexError('proving/no-circuit', 'this node has no circuit to prove with; start it with one')
  },
  close: async () => undefined,
}

/**
 * Refused before anything is loaded further: a key that anybody can forge proofs for.
 * @throws CodexError as `ProvingFunctions.createProver`, `proving/development-key` for such a key on a chain that is not local
 */
export async function openSlotProver(
  { createProver, slots, stopwatch }: ProverNeeds,
  { circuit, shape = DEPLOYED_SHAPE, threads }: ProverSettings,
  chainId: number,
  { signal }: AbortOptions,
): Promise<SlotProver> {
  if (circuit === undefined) return new SlotProver({ prover: NO_PROVER, slots, shape, stopwatch })
  const prover = await createProver({ circuit, signal, ...(threads !== undefined && { threads }) })
  try {
    allowKeyOnChain(prover.verificationKey.developmentOnly, chainId)
    return new SlotProver({ prover, slots, shape, stopwatch })
  } catch (error) {
    await prover.close()
    throw error
  }
}
