import { bn254 } from '@noble/curves/bn254.js'
import { describe, expect, it } from 'vitest'

import { BASE_ORDER, SCALAR_ORDER } from '../../src/proving/bn254.ts'
import { checkedProof, type Groth16Proof, proofOfPoints, toSolidityProof } from '../../src/proving/proof.ts'
import { type VerificationKey, verificationKeyOfPoints } from '../../src/proving/verificationkey.ts'
import { verify } from '../../src/proving/verify.ts'
import vectors from '../vectors/groth16.json' with { type: 'json' }

const PUBLISHED = vectors.snarkjsProof as unknown as Groth16Proof
const [G1, G2] = [bn254.G1.Point.BASE, bn254.G2.Point.BASE]

/**
 * A key and a proof made from known exponents, for no circuit: with a = 5, b = 7, alpha = 2, beta = 3, gamma = 11, delta = 13 and an input
 * of ic0 + 4 ic1 + 0 ic2, c is what is left of 35 = 6 + 11 input + 13 c.
 */
function made(): { key: VerificationKey; proof: Groth16Proof; signals: string[] } {
  const ic = [17n, 19n, 23n]
  const input = 17n + 4n * 19n
  const inverse = bn254.fields.Fr.inv(13n)
  const c = bn254.fields.Fr.mul(bn254.fields.Fr.create(35n - 6n - 11n * input), inverse)
  const key = verificationKeyOfPoints({
    alpha: G1.multiply(2n),
    beta: G2.multiply(3n),
    gamma: G2.multiply(11n),
    delta: G2.multiply(13n),
    ic: ic.map((exponent) => G1.multiply(exponent)),
  })
  const proof = proofOfPoints({ a: G1.multiply(5n), b: G2.multiply(7n), c: G1.multiply(c) })
  return { key, proof, signals: ['4', '0'] }
}

/** A point of the twist outside the group: its cofactor is large, so the first abscissa that fits will do. */
function outsideSubgroup(): readonly [readonly [string, string], readonly [string, string], readonly [string, string]] {
  const { Fp2 } = bn254.fields
  const b = bn254.G2.Point.CURVE().b
  for (let c0 = 1n; ; c0++) {
    const x = { c0, c1: 0n }
    const square = Fp2.add(Fp2.mul(Fp2.sqr(x), x), b)
    try {
      const y = Fp2.sqrt(square)
      return [
        [String(x.c0), String(x.c1)],
        [String(y.c0), String(y.c1)],
        ['1', '0'],
      ]
    } catch {
      // No such point; the next one.
    }
  }
}

const pair = (real: string, imaginary: string) => [real, imaginary] as const

describe('verify', () => {
  it('finds that a proof holds, and that another does not', () => {
    const { key, proof, signals } = made()
    expect(verify(key, signals, proof)).toBe(true)
    expect(verify(key, ['5', '0'], proof)).toBe(false)
    expect(verify(key, ['4', '1'], proof)).toBe(false)
    expect(verify(key, signals, { ...proof, pi_c: proof.pi_a })).toBe(false)
    for (const name of ['vk_beta_2', 'vk_gamma_2', 'vk_delta_2'] as const)
      expect(verify({ ...key, [name]: proof.pi_b }, signals, proof)).toBe(false)
    expect(verify({ ...key, vk_alpha_1: proof.pi_a }, signals, proof)).toBe(false)
  })

  it('takes the largest signal there is', () => {
    const { key, proof } = made()
    expect(verify(key, [String(SCALAR_ORDER - 1n), '0'], proof)).toBe(false)
  })

  it.each([
    ['too few', ['4']],
    ['none', []],
    ['too many', ['4', '0', '0']],
    ['very many', new Array(10_000).fill('0')],
    ['the field’s order', ['4', String(SCALAR_ORDER)]],
    ['the first signal plus the order', [String(SCALAR_ORDER + 4n), '0']],
    ['256 bits', ['4', String(2n ** 256n - 1n)]],
  ])('holds for no public signals that are %s', (_, signals) => {
    const { key, proof } = made()
    expect(verify(key, signals as string[], proof)).toBe(false)
  })

  it.each([
    ['no array', '40', 'publicSignals'],
    ['very many digits', ['4', '1'.repeat(79)], 'publicSignals[1]'],
    ['a negative one', ['-1', '0'], 'publicSignals[0]'],
    ['hex', ['0x4', '0'], 'publicSignals[0]'],
    ['leading zeros', ['04', '0'], 'publicSignals[0]'],
    ['a number', [4, '0'], 'publicSignals[0]'],
    ['an empty text', ['', '0'], 'publicSignals[0]'],
  ])('refuses public signals: %s', (_, signals, field) => {
    const { key, proof } = made()
    expect(() => verify(key, signals as string[], proof)).toThrow(
      expect.objectContaining({ code: 'proving/bad-public-signals', detail: expect.objectContaining({ field }) }),
    )
  })

  it.each(['pi_a', 'pi_b', 'pi_c', 'protocol', 'curve'] as const)('refuses a proof without %s', (name) => {
    const { key, proof, signals } = made()
    const { [name]: _, ...rest } = proof
    expect(() => verify(key, signals, rest as Groth16Proof)).toThrow(
      expect.objectContaining({ code: 'proving/bad-proof', detail: expect.objectContaining({ field: name }) }),
    )
  })

  const outside = outsideSubgroup()
  it.each([
    ['pi_a', 'off the curve', ['1', '3', '1']],
    ['pi_a', 'at infinity', ['0', '1', '0']],
    ['pi_a', 'of zeros', ['0', '0', '1']],
    ['pi_c', 'with a coordinate beyond the field', [String(BASE_ORDER + 1n), '2', '1']],
    ['pi_c', 'with a third coordinate', ['1', '2', '2']],
    ['pi_b', 'outside the group', outside],
    ['pi_b', 'off the curve', [outside[0], outside[0], outside[2]]],
    ['pi_b', 'at infinity', [pair('0', '0'), pair('1', '0'), pair('0', '0')]],
    ['pi_b', 'of zeros', [pair('0', '0'), pair('0', '0'), pair('1', '0')]],
  ] as const)('holds for no proof whose %s is %s', (name, _, point) => {
    const { key, proof, signals } = made()
    expect(verify(key, signals, { ...proof, [name]: point })).toBe(false)
  })

  it('holds for no proof of which a digit was changed', () => {
    const { key, proof, signals } = made()
    const [x, y, one] = proof.pi_a
    expect(verify(key, signals, { ...proof, pi_a: [String(BigInt(x) + 1n), y, one] })).toBe(false)
  })

  it.each([
    ['pi_c', 'of two coordinates', ['1', '2']],
    ['pi_c', 'with numbers', [1, 2, 1]],
    ['pi_c', 'in hex, beside a point off the curve', ['0x1', '2', '1']],
    ['pi_b', 'without imaginary parts', [['1'], ['1'], ['1', '0']]],
    ['pi_b', 'of one coordinate', [['1', '0']]],
  ] as const)('refuses a proof whose %s is %s', (name, _, point) => {
    const { key, proof, signals } = made()
    const wrong = { ...proof, pi_a: ['1', '3', '1'], [name]: point } as unknown as Groth16Proof
    expect(() => verify(key, signals, wrong)).toThrow(
      expect.objectContaining({ code: 'proving/bad-proof', detail: expect.objectContaining({ field: name }) }),
    )
  })

  it.each([
    ['protocol', 'plonk'],
    ['curve', 'bls12381'],
    ['nPublic', 3],
    ['nPublic', undefined],
    ['IC', []],
    ['IC', 'many'],
    ['vk_alpha_1', ['1', '3', '1']],
    ['vk_beta_2', outside],
    ['vk_gamma_2', outside],
    ['vk_delta_2', outside],
  ])('refuses a key whose %s is %s', (name, value) => {
    const { key, proof, signals } = made()
    expect(() => verify({ ...key, [name]: value } as VerificationKey, signals, proof)).toThrow(
      expect.objectContaining({
        code: 'proving/bad-verification-key',
        detail: expect.objectContaining({ field: name }),
      }),
    )
  })

  it('refuses a key with a base off the curve, or with very many', () => {
    const { key, proof, signals } = made()
    const bad = (IC: unknown): unknown => ({ ...key, IC, nPublic: (IC as unknown[]).length - 1 })
    expect(() => verify(bad(key.IC.with(1, ['1', '3', '1'])) as VerificationKey, signals, proof)).toThrow(
      expect.objectContaining({ detail: expect.objectContaining({ field: 'IC[1]' }) }),
    )
    const many = new Array(66).fill(key.IC[0])
    expect(() => verify(bad(many) as VerificationKey, signals, proof)).toThrow(
      expect.objectContaining({ detail: expect.objectContaining({ field: 'IC' }) }),
    )
  })

  it.each([null, undefined, 'proof', 7])('refuses %s for a proof or a key', (value) => {
    const { key, proof, signals } = made()
    expect(() => verify(key, signals, value as unknown as Groth16Proof)).toThrow(
      expect.objectContaining({ code: 'proving/bad-proof' }),
    )
    expect(() => verify(value as unknown as VerificationKey, signals, proof)).toThrow(
      expect.objectContaining({ code: 'proving/bad-verification-key' }),
    )
  })
})

describe('proof formats', () => {
  it('the published proof becomes the contract’s struct', () => {
    const text = JSON.parse(
      JSON.stringify(toSolidityProof(PUBLISHED), (_, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value,
      ),
    ) as unknown
    expect(text).toEqual(vectors.contractStruct)
  })

  it('a proof survives the way through its points', () => {
    expect(proofOfPoints(checkedProof(PUBLISHED))).toEqual(PUBLISHED)
  })

  it('what is no proof becomes no struct', () => {
    expect(() => toSolidityProof({ ...PUBLISHED, pi_a: ['1', '3', '1'] })).toThrow(
      expect.objectContaining({ code: 'proving/bad-proof' }),
    )
  })
})
