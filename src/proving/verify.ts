// Whether a Groth16 proof holds: one product of four pairings. It needs the verification key only, no circuit and no worker.

import { bn254 } from '@noble/curves/bn254.js'

import { describeValue } from '../lib/describevalue.ts'
import { SCALAR_ORDER } from './bn254.ts'
import { badField, decimal } from './checkedpoint.ts'
import { type Groth16Proof, pointsOfProof } from './proof.ts'
import { checkedVerificationKey, MAX_PUBLIC_SIGNALS, type VerificationKey } from './verificationkey.ts'

const CODE = 'proving/bad-public-signals'

/**
 * Whether `proof` shows that the circuit of `verificationKey` accepts `publicSignals`. Takes tens of milliseconds on the calling thread.
 * @param publicSignals decimal texts in the circuit's order
 * @returns as the contract answers: false also for a point off its curve or outside its group, a signal that is not below the scalar order, and
 *   more signals or fewer than the circuit has
 * @throws CodexError `proving/bad-public-signals`, `proving/bad-proof` for what has not the form of such (fields, lengths, decimal texts), and
 *   `proving/bad-verification-key` for what is no key, a point off its curve included; `detail.field` says where
 */
export function verify(
  verificationKey: VerificationKey,
  publicSignals: readonly string[],
  proof: Groth16Proof,
): boolean {
  const { alpha, beta, gamma, delta, ic } = checkedVerificationKey(verificationKey)
  const signals = signalsOf(publicSignals)
  const { a, b, c } = pointsOfProof(proof)
  if (a === undefined || b === undefined || c === undefined) return false
  if (signals.length !== ic.length - 1 || signals.some((signal) => signal >= SCALAR_ORDER)) return false
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

/** Not more of them than tell that they are too many. */
function signalsOf(publicSignals: unknown): readonly bigint[] {
  if (!Array.isArray(publicSignals))
    throw badField({ code: CODE, name: 'publicSignals' }, 'an array', describeValue(publicSignals))
  return publicSignals
    .slice(0, MAX_PUBLIC_SIGNALS + 1)
    .map((signal: unknown, i) => decimal(signal, { code: CODE, name: `publicSignals[${i}]` }))
}
