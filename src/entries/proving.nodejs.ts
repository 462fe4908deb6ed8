// `codex-light/proving` for Node: provers on threads, circuit files from folders or the network, keys for development.

import { join } from 'node:path'

import { SystemClock } from '../lib/systemclock.ts'
import { SystemRandom } from '../lib/systemrandom.ts'
import { cacheFolder } from '../platform/nodejs/cachefolder.ts'
import { computeWorkers } from '../platform/nodejs/computeworkers.ts'
import { download } from '../platform/nodejs/download.ts'
import { FileArtefacts, openFileSource } from '../platform/nodejs/fileartefacts.ts'
import { provingFunctions, type ProvingFunctions } from '../proving/provingfunctions.ts'
import { WorkerPool } from '../workers/workerpool.ts'

export { CodexError } from '../lib/errors.ts'
export type { DevSetup } from '../proving/devsetup.ts'
export { allowKeyOnChain, DEVELOPMENT_MARK } from '../proving/developmentmark.ts'
export { type Groth16Proof, type SolidityFp2, type SolidityProof, toSolidityProof } from '../proving/proof.ts'
export type { ProofInputs } from '../proving/proofinputs.ts'
export type { ProofProgress, ProofStage, ProveOptions, Prover, ProvenStatement } from '../proving/prover.ts'
export type {
  CircuitFile,
  CircuitFiles,
  CreateProverOptions,
  DevSetupRequest,
  Engine,
  ProvingFunctions,
} from '../proving/provingfunctions.ts'
export type { VerificationKey } from '../proving/verificationkey.ts'
export { verify } from '../proving/verify.ts'

const functions = provingFunctions({
  openPool: (threads) =>
    new WorkerPool({
      source: computeWorkers(),
      clock: new SystemClock(),
      ...(threads !== undefined && { size: threads }),
    }),
  openFile: openFileSource,
  download,
  openStore: async () => new FileArtefacts(join(cacheFolder(), 'circuits')),
  random: new SystemRandom(),
})

/** See {@link ProvingFunctions}. */
export const createProver: ProvingFunctions['createProver'] = functions.createProver
/** See {@link ProvingFunctions}. */
export const devSetup: ProvingFunctions['devSetup'] = functions.devSetup
