// A Groth16 key whose secrets are known, so that a valid proof for any public inputs takes a few multiplications and no circuit. It proves
// nothing to anybody, but a verifier cannot tell. Not a test.

import { bn254 } from '@noble/curves/bn254.js'
import type { G1Point, G2Point, VerificationKeyJson, VerifyingKey } from '../../src/devnet/verifyingkey.ts'

const field = bn254.fields.Fr
/** Order of the groups: public inputs are numbers below it. */
export const R = field.ORDER

export interface TrapdoorProof {
  readonly a: G1Point
  readonly b: G2Point
  readonly c: G1Point
}

export class Trapdoor {
  readonly key: VerifyingKey
  readonly #next: () => bigint
  readonly #alphaBeta: bigint
  readonly #gamma: bigint
  readonly #delta: bigint
  readonly #ic: readonly bigint[]

  constructor(publicInputs: number, seed = 1n) {
    this.#next = scalars(seed)
    const [alpha, beta, gamma, delta] = [this.#next(), this.#next(), this.#next(), this.#next()]
    this.#alphaBeta = field.mul(alpha, beta)
    this.#gamma = gamma
    this.#delta = delta
    this.#ic = Array.from({ length: publicInputs + 1 }, () => this.#next())
    this.key = { alpha1: g1(alpha), beta2: g2(beta), gamma2: g2(gamma), delta2: g2(delta), ic: this.#ic.map(g1) }
  }

  /** As circuit tools write it. */
  get json(): VerificationKeyJson {
    const { alpha1, beta2, gamma2, delta2, ic } = this.key
    const flat = ({ x, y }: G1Point): string[] => [String(x), String(y), '1']
    const pairs = ({ x, y }: G2Point): string[][] => [
      [String(x.real), String(x.imag)],
      [String(y.real), String(y.imag)],
      ['1', '0'],
    ]
    return {
      protocol: 'groth16',
      curve: 'bn128',
      nPublic: this.#ic.length - 1,
      vk_alpha_1: flat(alpha1),
      vk_beta_2: pairs(beta2),
      vk_gamma_2: pairs(gamma2),
      vk_delta_2: pairs(delta2),
      IC: ic.map(flat),
    }
  }

  /** Another one each time. */
  prove(inputs: readonly bigint[]): TrapdoorProof {
    const [a, b] = [this.#next(), this.#next()]
    const combination = inputs.reduce((sum, input, i) => sum + input * (this.#ic[i + 1] ?? 0n), this.#ic[0] ?? 0n)
    const rest = field.create(a * b - this.#alphaBeta - combination * this.#gamma)
    return { a: g1(a), b: g2(b), c: g1(field.div(rest, this.#delta)) }
  }
}

export function g1(scalar: bigint): G1Point {
  const { x, y } = bn254.G1.Point.BASE.multiply(scalar).toAffine()
  return { x, y }
}

export function g2(scalar: bigint): G2Point {
  const { x, y } = bn254.G2.Point.BASE.multiply(scalar).toAffine()
  return { x: { real: x.c0, imag: x.c1 }, y: { real: y.c0, imag: y.c1 } }
}

/** Numbers that no pattern links; the same for the same seed. */
function scalars(seed: bigint): () => bigint {
  let state = seed
  return () => {
    state = (state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n) % 2n ** 64n
    return (state ** 5n % (R - 1n)) + 1n
  }
}
