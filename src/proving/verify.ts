// Whether a Groth16 proof holds: one product of four pairings. It needs the verification key only, no circuit and no worker.

import { bn254 } from '@noble/curves/bn254.js'

import { SCALAR_ORDER } from './bn254.ts'
import { checkedDecimal, list } from './checkedpoint.ts'
import { checkedProof, type Groth16Proof } from './proof.ts'
import { checkedVerificationKey, type VerificationKey } from './verificationkey.ts'

const CODE = 'proving/bad-public-signals'

/**
 * Whether `proof` shows that the circuit of `verificationKey` accepts `publicSignals`. Takes tens of milliseconds on the calling thread.
 * @param publicSignals decimal texts, each below the scalar order, in the circuit's order
 * @returns false for a proof of right form that does not hold
 * @throws CodexError `proving/bad-verification-key`, `proving/bad-public-signals`, `proving/bad-proof`: one of them is no such thing,
 *   a point off its curve or outside its group included; `detail.field` says where
 */
export function verify(
  verificationKey: VerificationKey,
  publicSignals: readonly string[],
  proof: Groth16Proof,
): boolean {
  const { alpha, beta, gamma, delta, ic } = checkedVerificationKey(verificationKey)
  const signals = checkedSignals(publicSignals, ic.length - 1)
  const { a, b, c } = checkedProof(proof)
  const [base = bn254.G1.Point.ZERO, ...bases] = ic
  // Multiplication by zero is an error in the library, as is infinity in a pairing.
  const input = bases.reduce((sum, point, i) => {
    const signal = signals[i] ?? 0n
    return signal === 0n ? sum : sum.add(point.multiplyUnsafe(signal))
  }, base)
  // e(a, b) = e(alpha, beta) e(input, gamma) e(c, delta)
  const pairs = [
    { g1: a.negate(), g2: b },
    { g1: alpha, g2: beta },
    { g1: input, g2: gamma },
    { g1: c, g2: delta },
  ].filter(({ g1 }) => !g1.is0())
  const { Fp12 } = bn254.fields
  return Fp12.eql(bn254.pairingBatch(pairs), Fp12.ONE)
}

function checkedSignals(publicSignals: unknown, count: number): readonly bigint[] {
  return list(publicSignals, count, { code: CODE, name: 'publicSignals' }).map((signal, i) =>
    checkedDecimal(signal, SCALAR_ORDER, { code: CODE, name: `publicSignals[${i}]` }),
  )
}
