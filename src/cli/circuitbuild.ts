// circuit build: compiles the storage proof's circuit and makes development keys for it, once.

import { openProving } from '../nodejs.ts'
import { buildCircuit } from './buildcircuit.ts'
import { CIRCUIT_OPTIONS } from './circuitfiles.ts'
import { defineVerb } from './verb.ts'

export const circuitBuild = defineVerb({
  about: `Compiles the circuit of storage proofs and makes proving and verification keys for it, straight from a seed that everybody knows:
FOR DEVELOPMENT ONLY, on local chains; whoever knows the seed can forge proofs. Networks that matter bring files of their own,
see --circuit of the verb prove. Takes up to half a minute the first time; what is built is kept in the cache folder of this user.
Needs the package circom2, which comes as an optional dependency.`,
  options: { size: CIRCUIT_OPTIONS.size },
  examples: ['codex-light circuit build --size small'],
  document: `{ r1cs, wasm, zkey, verificationKey (absolute paths), sha256: { r1cs, wasm, zkey, verificationKey } (hex) }`,
  async run({ size = 'full' }, { terminal, signal }) {
    const proving = await openProving()
    const { folder, ...built } = await terminal.progress({ label: 'circuit' }, (advance) =>
      buildCircuit(proving, size, {
        signal,
        tell: (what) => advance(0, { label: `circuit: ${what}`, totalBytes: undefined }),
      }),
    )
    terminal.remark('codex-light: these keys are for development only, anybody can forge proofs for them')
    await terminal.answer(built, folder)
    return undefined
  },
})
