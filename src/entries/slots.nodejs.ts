// `codex-light/slots` for Node: hashing, coding, small datasets and proof inputs, with relaxed SIMD switched on before a kernel is compiled.

import { loadLeopard } from '../../wasm/leopard/loadleopard.ts'
import { loadPoseidon2 } from '../../wasm/poseidon2/loadposeidon2.ts'
import { enableRelaxedSimd } from '../platform/nodejs/relaxedsimd.ts'
import { slotFunctions } from '../slots/slotfunctions.ts'
import type { SlotFunctions } from '../slots/slotfunctions.ts'

export { CodexError } from '../lib/errors.ts'
export type { PlainManifest, ProtectedManifest, VerifiableManifest } from '../protocol/manifest.ts'
export type { ErasureFunctions } from '../slots/erasurefunctions.ts'
export type { Poseidon2Functions } from '../slots/poseidon2functions.ts'
export type { ProofInputs, ProofInputsJson } from '../slots/proofinputs.ts'
export { proofInputsJson } from '../slots/proofinputs.ts'
export { challengeEntropy } from '../slots/samplecells.ts'
export type { SlotFunctions } from '../slots/slotfunctions.ts'
export type { SmallDataset, SmallDatasetOptions } from '../slots/smalldataset.ts'

const functions = slotFunctions({
  loadPoseidon2: async () => {
    enableRelaxedSimd()
    return loadPoseidon2()
  },
  loadLeopard,
})

/** See {@link SlotFunctions}. */
export const createPoseidon2: SlotFunctions['createPoseidon2'] = functions.createPoseidon2
/** See {@link SlotFunctions}. */
export const createErasure: SlotFunctions['createErasure'] = functions.createErasure
/** See {@link SlotFunctions}. */
export const buildDataset: SlotFunctions['buildDataset'] = functions.buildDataset
/** See {@link SlotFunctions}. */
export const sampleCells: SlotFunctions['sampleCells'] = functions.sampleCells
/** See {@link SlotFunctions}. */
export const proofInputs: SlotFunctions['proofInputs'] = functions.proofInputs
