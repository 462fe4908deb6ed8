// The seam to whoever proves: inputs in, a proof that holds out. Which engine computes it, and where, is not said here.

import type { AbortOptions } from '../lib/abort.ts'
import type { Rank } from '../workers/rankqueue.ts'
import type { Groth16Proof } from './proof.ts'
import type { ProofInputs } from './proofinputs.ts'
import type { VerificationKey } from './verificationkey.ts'

/**
 * Steps of a proof. `loading` brings the proving key to a thread that has it not yet; `a`, `b1`, `b2`, `c`, `h` are the sums over the
 * key's sections of that name; `finish` blinds, puts together and verifies.
 */
export const PROOF_STAGES = ['loading', 'witness', 'quotient', 'a', 'b1', 'b2', 'c', 'h', 'finish'] as const
/** A step of a proof. */
export type ProofStage = (typeof PROOF_STAGES)[number]

/** A step begins or is done; several may be under way on different threads. */
export interface ProofProgress {
  readonly stage: ProofStage
  readonly state: 'begun' | 'done'
  /** Which share of the key it works on; 0 where there are no shares. */
  readonly part: number
  /** Of all work of this proof, from 0 to 1. */
  readonly doneShare: number
}

/** Of one proof. */
export interface ProveOptions extends AbortOptions {
  /** A missed duty costs collateral, a missed sale only a chance: `duty` goes first, also before what is left of a proof under way. */
  readonly rank: Rank
  /** Called on the caller's thread; must not throw. */
  readonly progress?: ((progress: ProofProgress) => void) | undefined
}

/** As snarkjs writes them. */
export interface ProvenStatement {
  readonly proof: Groth16Proof
  /** Decimal texts, in the circuit's order. */
  readonly publicSignals: readonly string[]
}

/** Proves for one circuit. */
export interface Prover {
  /** Of the proving key it has. A `developmentOnly` in it marks a key that no real chain may see, see `allowKeyOnChain`. */
  readonly verificationKey: VerificationKey
  /**
   * A new proof, randomised, verified before it is handed out. Proofs of one rank are made in the order of asking.
   * @throws CodexError `proving/bad-options`, `proving/bad-input`, `proving/missing-input`, `proving/surplus-input` (each with the field), `proving/unsatisfied`
   *   where the circuit refuses the inputs, `proving/invalid-proof` where the proof does not hold, so the key is another circuit's or
   *   damaged, `proving/key-changed` where its file changed meanwhile, `proving/out-of-memory`, `proving/closed`; those of the
   *   workers (`worker/*`), or the signal's reason
   */
  prove(inputs: ProofInputs, options: ProveOptions): Promise<ProvenStatement>
  /** Gives up what is under way (`proving/closed`) and lets go of threads and memory. Never rejects; a second call waits for the first. */
  close(): Promise<void>
}
