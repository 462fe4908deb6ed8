// The five numbers of a development setup, made from its seed. In a ceremony nobody knows them; here everybody may, which is why such keys
// are marked.

import { concatBytes, utf8 } from '../lib/bytes.ts'
import { assert } from '../lib/errors.ts'
import { SCALAR_ORDER } from './bn254.ts'

export interface SetupSecrets {
  readonly tau: bigint
  readonly alpha: bigint
  readonly beta: bigint
  readonly gamma: bigint
  readonly delta: bigint
}

const DOMAIN = 'codex-light development setup v1'

/**
 * Each below the scalar order and not zero, so nearly uniform that no test could tell: from 512 bits of SHA-512 over purpose, seed and
 * circuit.
 * @param circuitHash of the circuit's .r1cs; another circuit gets others from the same seed
 */
export async function setupSecrets(seed: Uint8Array, circuitHash: Uint8Array): Promise<SetupSecrets> {
  const seedHash = await sha512(seed)
  const secret = async (name: string): Promise<bigint> => {
    const bytes = await sha512(concatBytes(utf8(`${DOMAIN}: ${name}\0`), seedHash, circuitHash))
    const number = bytes.reduce((value, byte) => value * 256n + BigInt(byte), 0n) % SCALAR_ORDER
    assert(number !== 0n, 'no hash is a multiple of the scalar order')
    return number
  }
  const [tau, alpha, beta, gamma, delta] = await Promise.all([
    secret('tau'),
    secret('alpha'),
    secret('beta'),
    secret('gamma'),
    secret('delta'),
  ])
  return { tau, alpha, beta, gamma, delta }
}

export async function sha512(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-512', bytes as Uint8Array<ArrayBuffer>))
}
