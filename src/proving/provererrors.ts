// What provers refuse, whichever engine they have: the errors, and the check that files belong together.

import { CodexError } from '../lib/errors.ts'
import { checkedVerificationKey, type VerificationKey } from './verificationkey.ts'

/** @throws CodexError `proving/other-verification-key`, `proving/bad-verification-key` */
export function checkSameVerificationKey(found: VerificationKey, expected: VerificationKey): void {
  checkedVerificationKey(expected)
  const names = ['vk_alpha_1', 'vk_beta_2', 'vk_gamma_2', 'vk_delta_2', 'IC'] as const
  const other = names.find((name) => JSON.stringify(found[name]) !== JSON.stringify(expected[name]))
  if (other === undefined) return
  throw new CodexError(
    'proving/other-verification-key',
    `expected a proving key that belongs to the verification key, found one with another ${other}; give files of one setup`,
    { detail: { field: 'verificationKey', part: other } },
  )
}

export function otherCircuit(inCircuit: number, inKey: number): CodexError {
  return new CodexError(
    'proving/other-circuit',
    `expected circuit and proving key of one setup, found ${inCircuit} wires in the .wasm and ${inKey} in the .zkey`,
    { detail: { field: 'zkey', circuitWires: inCircuit, keyWires: inKey } },
  )
}

export function invalidProof(): CodexError {
  return new CodexError(
    'proving/invalid-proof',
    'the new proof does not hold, so it is not handed out: the proving key is another circuit’s or damaged; get the circuit files anew',
    { detail: { field: 'zkey' } },
  )
}

export function closedError(): CodexError {
  return new CodexError('proving/closed', 'expected an open prover, found it closed: open another')
}
