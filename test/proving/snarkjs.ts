// The reference implementation as tests use it, with types for what they call. Its curve keeps threads until it is let go.

import type { Groth16Proof } from '../../src/proving/proof.ts'
import type { VerificationKey } from '../../src/proving/verificationkey.ts'

interface Snarkjs {
  readonly groth16: {
    prove(zkey: Uint8Array, witness: Uint8Array): Promise<{ proof: Groth16Proof; publicSignals: string[] }>
    verify(key: VerificationKey, publicSignals: readonly string[], proof: Groth16Proof): Promise<boolean>
  }
  readonly zKey: {
    exportVerificationKey(zkey: Uint8Array): Promise<Record<string, unknown>>
  }
  readonly wtns: {
    check(r1cs: Uint8Array, witness: Uint8Array): Promise<boolean>
  }
}

export async function loadSnarkjs(): Promise<Snarkjs> {
  return (await import('snarkjs')) as unknown as Snarkjs
}

/** Ends its threads; the next call starts others. */
export async function releaseSnarkjs(): Promise<void> {
  const { curve_bn128: curve } = globalThis as { curve_bn128?: { terminate(): Promise<void> } | null }
  await curve?.terminate()
}
