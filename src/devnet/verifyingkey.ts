// A circuit's verification key in the JSON form that circuit tools write, turned into what the verifier contract's constructor takes.

import { CodexError } from '../lib/errors.ts'

/** Coordinates as decimal strings, projective; of the second group as [real, imaginary] pairs. */
export interface VerificationKeyJson {
  readonly protocol: string
  readonly curve: string
  readonly nPublic: number
  readonly vk_alpha_1: readonly string[]
  readonly vk_beta_2: readonly (readonly string[])[]
  readonly vk_gamma_2: readonly (readonly string[])[]
  readonly vk_delta_2: readonly (readonly string[])[]
  readonly IC: readonly (readonly string[])[]
}

export interface G1Point {
  readonly x: bigint
  readonly y: bigint
}

export interface G2Point {
  readonly x: { readonly real: bigint; readonly imag: bigint }
  readonly y: { readonly real: bigint; readonly imag: bigint }
}

/** The tuple of the constructor. */
export interface VerifyingKey {
  readonly alpha1: G1Point
  readonly beta2: G2Point
  readonly gamma2: G2Point
  readonly delta2: G2Point
  readonly ic: readonly G1Point[]
}

/** Entropy, dataset root, slot index. */
const PUBLIC_INPUTS = 3

/** @throws CodexError `devnet/bad-key` when it is of another protocol, curve or circuit, or not a key at all */
export function toVerifyingKey(json: VerificationKeyJson): VerifyingKey {
  const { protocol, curve, nPublic } = json
  if (protocol !== 'groth16' || (curve !== 'bn128' && curve !== 'bn254') || nPublic !== PUBLIC_INPUTS) {
    const found = `${String(protocol)} over ${String(curve)} with ${String(nPublic)}`
    throw badKey(`groth16 over bn128 with ${PUBLIC_INPUTS} public inputs`, found)
  }
  try {
    const ic = json.IC.map(g1)
    if (ic.length !== PUBLIC_INPUTS + 1) throw badKey(`${PUBLIC_INPUTS + 1} points in IC`, String(ic.length))
    return {
      alpha1: g1(json.vk_alpha_1),
      beta2: g2(json.vk_beta_2),
      gamma2: g2(json.vk_gamma_2),
      delta2: g2(json.vk_delta_2),
      ic,
    }
  } catch (cause) {
    if (CodexError.is(cause)) throw cause
    throw badKey('points as arrays of decimal strings', String(cause), cause)
  }
}

function g1([x, y]: readonly string[]): G1Point {
  return { x: coordinate(x), y: coordinate(y) }
}

function g2([x = [], y = []]: readonly (readonly string[])[]): G2Point {
  const element = ([real, imag]: readonly string[]) => ({ real: coordinate(real), imag: coordinate(imag) })
  return { x: element(x), y: element(y) }
}

function coordinate(text: string | undefined): bigint {
  if (text === undefined || !/^\d{1,78}$/.test(text)) throw badKey('decimal coordinates', String(text).slice(0, 80))
  return BigInt(text)
}

function badKey(expected: string, found: string, cause?: unknown): CodexError<'devnet/bad-key'> {
  const message = `expected a verification key: ${expected}, found ${found}`
  return new CodexError('devnet/bad-key', message, { detail: { found }, cause })
}
