// A Groth16 proof as snarkjs writes it in JSON, and as the contract takes it. Whether it holds is verify.ts' question.

import {
  badPoint,
  formOfG1,
  formOfG2,
  type G1Json,
  type G1Point,
  type G2Json,
  type G2Point,
  groth16Fields,
  jsonOfG1,
  jsonOfG2,
  pointOfG1,
  pointOfG2,
} from './checkedpoint.ts'

/** As snarkjs writes it: decimal texts, affine coordinates, in G2 the real part first. */
export interface Groth16Proof {
  readonly pi_a: G1Json
  readonly pi_b: G2Json
  readonly pi_c: G1Json
  readonly protocol: 'groth16'
  readonly curve: 'bn128'
}

/** The contract's struct `Groth16Proof` (data reference §8.5). Real part first: the contract swaps it itself. */
export interface SolidityProof {
  readonly a: { readonly x: bigint; readonly y: bigint }
  readonly b: { readonly x: SolidityFp2; readonly y: SolidityFp2 }
  readonly c: { readonly x: bigint; readonly y: bigint }
}
/** An element of the extension field, as the contract's verifier takes it. */
export interface SolidityFp2 {
  readonly real: bigint
  readonly imag: bigint
}

/** The three points of a proof. */
export interface ProofPoints {
  readonly a: G1Point
  readonly b: G2Point
  readonly c: G1Point
}

const CODE = 'proving/bad-proof'

/** Points that may be undefined, where they are of no curve or of no group. */
type PointsFound = { readonly [Name in keyof ProofPoints]: ProofPoints[Name] | undefined }

/**
 * The points of what has the form of a proof; undefined is each that is none.
 * @throws CodexError `proving/bad-proof`, with the field, for what has not the form
 */
export function pointsOfProof(proof: unknown): PointsFound {
  const { pi_a, pi_b, pi_c } = groth16Fields(proof, { code: CODE, name: 'proof' })
  const a = formOfG1(pi_a, { code: CODE, name: 'pi_a' })
  const b = formOfG2(pi_b, { code: CODE, name: 'pi_b' })
  const c = formOfG1(pi_c, { code: CODE, name: 'pi_c' })
  return { a: pointOfG1(a), b: pointOfG2(b), c: pointOfG1(c) }
}

/**
 * The points of a proof from outside, each on its curve and in its group.
 * @throws CodexError `proving/bad-proof`, with the field
 */
export function checkedProof(proof: unknown): ProofPoints {
  const { a, b, c } = pointsOfProof(proof)
  if (a === undefined) throw badPoint({ code: CODE, name: 'pi_a' })
  if (b === undefined) throw badPoint({ code: CODE, name: 'pi_b' })
  if (c === undefined) throw badPoint({ code: CODE, name: 'pi_c' })
  return { a, b, c }
}

export function proofOfPoints({ a, b, c }: ProofPoints): Groth16Proof {
  return { pi_a: jsonOfG1(a), pi_b: jsonOfG2(b), pi_c: jsonOfG1(c), protocol: 'groth16', curve: 'bn128' }
}

/**
 * The struct that `submitProof` and `fillSlot` take. Never feed the contract snarkjs' own calldata export: that one is swapped already.
 * @throws CodexError `proving/bad-proof`, with the field
 */
export function toSolidityProof(proof: Groth16Proof): SolidityProof {
  const { a, b, c } = checkedProof(proof)
  const [{ x: bx, y: by }, pointA, pointC] = [b.toAffine(), a.toAffine(), c.toAffine()]
  return {
    a: { x: pointA.x, y: pointA.y },
    b: { x: { real: bx.c0, imag: bx.c1 }, y: { real: by.c0, imag: by.c1 } },
    c: { x: pointC.x, y: pointC.y },
  }
}
