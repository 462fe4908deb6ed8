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

export interface Groth16Proof {
  readonly a: G1Point
  readonly b: G2Point
  readonly c: G1Point
}
