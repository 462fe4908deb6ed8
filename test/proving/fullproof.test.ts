// The deployed circuit's size: a proof of the full circuit, from a case of the vectors. In a tab, where it takes a minute with its keys, of the long run only.

import { expect, it } from 'vitest'
import { verify } from '../../src/proving/verify.ts'
import { FULL_CIRCUIT } from '../../wasm/circuit/templates.ts'
import { loadPoseidon2 } from '../../wasm/poseidon2/loadposeidon2.ts'
import { inputsOfCase, SLOT_CASES } from '../wasm/slotcases.ts'
import { circuitWithKeys } from './keys.ts'
import { withProver } from './withprover.ts'

const isLong = Boolean(import.meta.env['LONG'])

it.runIf(isLong || typeof document === 'undefined')(
  'proves a case of the vectors with the full circuit',
  async () => {
    const circuit = await circuitWithKeys(FULL_CIRCUIT)
    const [known] = SLOT_CASES
    if (known === undefined) throw new Error('there is no case')
    const inputs = inputsOfCase(await loadPoseidon2(), known)
    await withProver(circuit, async (prover) => {
      const { proof, publicSignals } = await prover.prove(inputs, {
        signal: new AbortController().signal,
        rank: 'duty',
      })
      expect(publicSignals).toEqual(known.proof.publicInputs)
      expect(verify(circuit.verificationKey, publicSignals, proof)).toBe(true)
    })
  },
  300_000,
)
