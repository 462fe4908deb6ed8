// `codex-light/proving` for Node: provers on threads, circuit files from folders or the network, keys for development.

import { provingPlatform } from '../platform/nodejs/provingplatform.ts'
import { provingFunctions, type ProvingFunctions } from '../proving/provingfunctions.ts'

export { CodexError } from '../lib/errors.ts'
export type { DevSetup } from '../proving/devsetup.ts'
export { allowKeyOnChain, DEVELOPMENT_MARK } from '../proving/developmentmark.ts'
export type { CircuitFile, CircuitFiles } from '../proving/opencircuit.ts'
export { type Groth16Proof, type SolidityFp2, type SolidityProof, toSolidityProof } from '../proving/proof.ts'
export type { ProofInputs } from '../proving/proofinputs.ts'
export type { ProofProgress, ProofStage, ProveOptions, Prover, ProvenStatement } from '../proving/prover.ts'
export type { CreateProverOptions, DevSetupRequest, Engine, ProvingFunctions } from '../proving/provingfunctions.ts'
export type { VerificationKey } from '../proving/verificationkey.ts'
export { verify } from '../proving/verify.ts'

const functions = provingFunctions({
  ...provingPlatform(),
  loadSnarkjs: () => import('../proving/snarkjsprover.ts'),
})

/** See {@link ProvingFunctions}. */
export const createProver: ProvingFunctions['createProver'] = functions.createProver
/** See {@link ProvingFunctions}. */
export const forgetCircuit: ProvingFunctions['forgetCircuit'] = functions.forgetCircuit
/** See {@link ProvingFunctions}. */
export const devSetup: ProvingFunctions['devSetup'] = functions.devSetup
