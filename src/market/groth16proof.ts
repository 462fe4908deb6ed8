// A Groth16 proof as the marketplace contract takes it (marketplace reference §1.1). Making and checking proofs is not done here.

export interface G1Point {
  readonly x: bigint
  readonly y: bigint
}

/** `real` is the first number of the pair in a proof written as JSON, `imag` the second. */
export interface Fp2Element {
  readonly real: bigint
  readonly imag: bigint
}

export interface G2Point {
  readonly x: Fp2Element
  readonly y: Fp2Element
}

/** A proof as the contract takes it. Coordinates are field elements of BN254. */
export interface Groth16Proof {
  readonly a: G1Point
  readonly b: G2Point
  readonly c: G1Point
}

/** Proves nothing: for questions, and for tests of what is refused. */
export const NO_PROOF: Groth16Proof = {
  a: { x: 0n, y: 0n },
  b: { x: { real: 0n, imag: 0n }, y: { real: 0n, imag: 0n } },
  c: { x: 0n, y: 0n },
}
