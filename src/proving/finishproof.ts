// The end of a proof: the parts' sums together, blinded, in snarkjs' form, verified. A few dozen operations on points; the sums themselves are the
// kernel's.

import { bn254 } from '@noble/curves/bn254.js'

import { SCALAR_ORDER } from './bn254.ts'
import type { G1Point, G2Point } from './checkedpoint.ts'
import { readG1, readG2 } from './pointbytes.ts'
import { type Groth16Proof, proofOfPoints } from './proof.ts'
import type { Sliced } from './provekernel.ts'
import type { PointSetName } from './residentkey.ts'
import type { VerificationKey } from './verificationkey.ts'
import { verify } from './verify.ts'
import type { ZkeyHeader } from './zkey.ts'

export interface ProofPieces {
  readonly header: Pick<ZkeyHeader, 'alpha1' | 'beta1' | 'beta2' | 'delta1' | 'delta2'>
  readonly verificationKey: VerificationKey
  readonly publicSignals: readonly string[]
  /** Of each point set, what the parts came to; points as files have them. */
  readonly sums: Readonly<Record<PointSetName, readonly Uint8Array[]>>
  /** Fresh for every proof, uniform, not zero: without them a proof tells of the witness. */
  readonly blinding: { readonly r: bigint; readonly s: bigint }
}

export interface FinishedProof {
  readonly proof: Groth16Proof
  /** Whether it shows that the circuit accepts the public signals. */
  readonly holds: boolean
}

/** In slices of some ten milliseconds, the verification being the longest. */
export function* finishProof({ header, sums, blinding, ...statement }: ProofPieces): Sliced<FinishedProof> {
  const { r, s } = blinding
  const [delta1, delta2] = [g1(header.delta1), g2(header.delta2)]
  const a = total1([header.alpha1, ...sums.a]).add(delta1.multiply(r))
  const b1 = total1([header.beta1, ...sums.b1]).add(delta1.multiply(s))
  yield
  const b = total2([header.beta2, ...sums.b2]).add(delta2.multiply(s))
  yield
  const c = total1([...sums.c, ...sums.h])
    .add(times(a, s))
    .add(times(b1, r))
    .subtract(delta1.multiply((r * s) % SCALAR_ORDER))
  yield
  // A damaged key may well lead to infinity, which no proof can say.
  if (a.is0() || b.is0() || c.is0()) return { proof: NO_PROOF, holds: false }
  const proof = proofOfPoints({ a, b, c })
  return { proof, holds: verify(statement.verificationKey, statement.publicSignals, proof) }
}

/** What a proof looks like that there is none of: it holds for nothing. */
const NO_PROOF = proofOfPoints({ a: bn254.G1.Point.BASE, b: bn254.G2.Point.BASE, c: bn254.G1.Point.BASE })

function total1(points: readonly Uint8Array[]): G1Point {
  return points.reduce((sum, point) => sum.add(g1(point)), bn254.G1.Point.ZERO)
}

function total2(points: readonly Uint8Array[]): G2Point {
  return points.reduce((sum, point) => sum.add(g2(point)), bn254.G2.Point.ZERO)
}

/** The library takes infinity for no factor. */
function times(point: G1Point, scalar: bigint): G1Point {
  return point.is0() ? point : point.multiply(scalar)
}

function g1(bytes: Uint8Array): G1Point {
  return readG1(bytes) ?? bn254.G1.Point.ZERO
}

function g2(bytes: Uint8Array): G2Point {
  return readG2(bytes) ?? bn254.G2.Point.ZERO
}
