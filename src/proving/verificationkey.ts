// The verification key as snarkjs writes it in JSON. Where it comes from is zkey.ts' business, what it says of a proof verify.ts'.

import { describeValue } from '../lib/describevalue.ts'
import {
  badField,
  checkedG1,
  checkedG2,
  type G1Json,
  type G1Point,
  type G2Json,
  type G2Point,
  groth16Fields,
  jsonOfG1,
  jsonOfG2,
} from './checkedpoint.ts'

/** What a proof is checked with, as snarkjs writes it; numbers are decimal texts. */
export interface VerificationKey {
  readonly protocol: 'groth16'
  readonly curve: 'bn128'
  readonly nPublic: number
  readonly vk_alpha_1: G1Json
  readonly vk_beta_2: G2Json
  readonly vk_gamma_2: G2Json
  readonly vk_delta_2: G2Json
  /** One more than there are public signals. */
  readonly IC: readonly G1Json[]
  /** Only in keys of a development setup ({@link DEVELOPMENT_MARK}): anybody can forge proofs for them. */
  readonly developmentOnly?: string
}

export interface VerificationPoints {
  readonly alpha: G1Point
  readonly beta: G2Point
  readonly gamma: G2Point
  readonly delta: G2Point
  readonly ic: readonly G1Point[]
}

/** The deployed circuit has three; a key from outside shall not make us compute for ever. */
export const MAX_PUBLIC_SIGNALS = 64

const CODE = 'proving/bad-verification-key'

/**
 * The points of a key from outside, each on its curve and in its group.
 * @throws CodexError `proving/bad-verification-key`, with the field
 */
export function checkedVerificationKey(key: unknown): VerificationPoints {
  const fields = groth16Fields(key, field('verificationKey'))
  const { IC, nPublic } = fields
  if (!Array.isArray(IC) || IC.length < 1 || IC.length > MAX_PUBLIC_SIGNALS + 1)
    throw badField(field('IC'), `an array of 1 to ${MAX_PUBLIC_SIGNALS + 1} points`, describeValue(IC))
  if (nPublic !== IC.length - 1)
    throw badField(field('nPublic'), `${IC.length - 1}, one less than IC has`, describeValue(nPublic))
  return {
    alpha: checkedG1(fields['vk_alpha_1'], field('vk_alpha_1')),
    beta: checkedG2(fields['vk_beta_2'], field('vk_beta_2')),
    gamma: checkedG2(fields['vk_gamma_2'], field('vk_gamma_2')),
    delta: checkedG2(fields['vk_delta_2'], field('vk_delta_2')),
    ic: IC.map((point, i) => checkedG1(point, field(`IC[${i}]`))),
  }
}

/** @param developmentOnly the mark, where the key is for development only */
export function verificationKeyOfPoints(points: VerificationPoints, developmentOnly?: string): VerificationKey {
  return {
    protocol: 'groth16',
    curve: 'bn128',
    nPublic: points.ic.length - 1,
    vk_alpha_1: jsonOfG1(points.alpha),
    vk_beta_2: jsonOfG2(points.beta),
    vk_gamma_2: jsonOfG2(points.gamma),
    vk_delta_2: jsonOfG2(points.delta),
    IC: points.ic.map(jsonOfG1),
    ...(developmentOnly === undefined ? {} : { developmentOnly }),
  }
}

function field(name: string): { readonly code: string; readonly name: string } {
  return { code: CODE, name }
}
