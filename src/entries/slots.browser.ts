// `codex-light/slots` for a tab, or whatever else has WebAssembly: hashing, coding, small datasets and proof inputs. It names nothing of a platform.

import { loadLeopard } from '../../wasm/leopard/loadleopard.ts'
import { loadPoseidon2 } from '../../wasm/poseidon2/loadposeidon2.ts'
import { slotFunctions } from '../slots/slotfunctions.ts'

export { CodexError } from '../lib/errors.ts'
export type { PlainManifest, ProtectedManifest, VerifiableManifest } from '../protocol/manifest.ts'
export type { ErasureFunctions } from '../slots/erasurefunctions.ts'
export type { Poseidon2Functions } from '../slots/poseidon2functions.ts'
export type { ProofInputs, ProofInputsJson } from '../slots/proofinputs.ts'
export { proofInputsJson } from '../slots/proofinputs.ts'
export { challengeEntropy } from '../slots/samplecells.ts'
export type { SmallDataset, SmallDatasetOptions } from '../slots/smalldataset.ts'

export const { createPoseidon2, createErasure, buildDataset, sampleCells, proofInputs } = slotFunctions({
  loadPoseidon2: () => loadPoseidon2(),
  loadLeopard,
})
