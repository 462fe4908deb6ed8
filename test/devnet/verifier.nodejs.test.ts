// The Groth16 verifier on a real EVM: the recorded proof under a key that fits it, random proofs under random keys, and every way to be wrong.

import { bn254 } from '@noble/curves/bn254.js'
import { Interface } from 'ethers'
import { beforeAll, expect, test } from 'vitest'
import { toVerifyingKey } from '../../src/devnet/verifyingkey.ts'
import { compiledContract } from '../compilecontracts.ts'
import vectors from '../vectors/groth16.json' with { type: 'json' }
import { TestChain, type TestContract } from './testchain.ts'

const { G1, G2 } = bn254
const R = bn254.fields.Fr.ORDER
const P = bn254.fields.Fp.ORDER
const ONE = G1.Point.BASE
const TWO = G2.Point.BASE

type G1Point = InstanceType<typeof G1.Point>
type G2Point = InstanceType<typeof G2.Point>

let chain: TestChain
beforeAll(async () => {
  let stop = async (): Promise<void> => undefined
  chain = await TestChain.start((ending) => (stop = ending))
  return () => stop()
})

const g1 = (point: G1Point) => (point.is0() ? { x: 0n, y: 0n } : { x: point.toAffine().x, y: point.toAffine().y })
function g2(point: G2Point) {
  const { x, y } = point.toAffine()
  return { x: { real: x.c0, imag: x.c1 }, y: { real: y.c0, imag: y.c1 } }
}

interface Key {
  readonly alpha1: G1Point
  readonly beta2: G2Point
  readonly gamma2: G2Point
  readonly delta2: G2Point
  readonly ic: readonly G1Point[]
}

function deployed(key: Key): Promise<TestContract> {
  const { alpha1, beta2, gamma2, delta2, ic } = key
  return chain.deploy('Groth16Verifier', {
    alpha1: g1(alpha1),
    beta2: g2(beta2),
    gamma2: g2(gamma2),
    delta2: g2(delta2),
    ic: ic.map(g1),
  })
}

interface Proof {
  readonly a: { readonly x: unknown; readonly y: unknown }
  readonly b: { readonly x: Element; readonly y: Element }
  readonly c: { readonly x: unknown; readonly y: unknown }
}
interface Element {
  readonly real: unknown
  readonly imag: unknown
}

const verifies = (verifier: TestContract, proof: Proof, input: readonly unknown[]): Promise<unknown> =>
  chain.read(verifier, 'verify', [proof, input])

/** A key under which that proof holds: alpha and beta are its own a and b, and the inputs' combination takes c away again. */
function keyFitting(proof: { a: G1Point; b: G2Point; c: G1Point }, inputs: readonly bigint[]): Key {
  const others = inputs.map((_, i) => ONE.multiply(BigInt(i + 2)))
  const combination = inputs.reduce(
    (sum, input, i) => (input === 0n ? sum : sum.add((others[i] ?? ONE).multiply(input))),
    G1.Point.ZERO,
  )
  const delta2 = TWO.multiply(7n)
  return { alpha1: proof.a, beta2: proof.b, gamma2: delta2, delta2, ic: [combination.add(proof.c).negate(), ...others] }
}

const recorded = vectors.contractStruct
const inputs = vectors.publicSignals.map(BigInt)

function recordedPoints(): { a: G1Point; b: G2Point; c: G1Point } {
  const { a, b, c } = recorded
  const element = ({ real, imag }: { real: string; imag: string }) => ({ c0: BigInt(real), c1: BigInt(imag) })
  const points = {
    a: G1.Point.fromAffine({ x: BigInt(a.x), y: BigInt(a.y) }),
    b: G2.Point.fromAffine({ x: element(b.x), y: element(b.y) }),
    c: G1.Point.fromAffine({ x: BigInt(c.x), y: BigInt(c.y) }),
  }
  for (const point of Object.values(points)) point.assertValidity()
  return points
}

test('the recorded proof is accepted under a key that fits it, and nothing near it', async () => {
  const verifier = await deployed(keyFitting(recordedPoints(), inputs))
  expect(await verifies(verifier, recorded, inputs)).toBe(true)

  const { a, b, c } = recorded
  const [first = 0n, second = 0n, third = 0n] = inputs
  const swap = ({ real, imag }: { real: string; imag: string }) => ({ real: imag, imag: real })
  const tampered: readonly (readonly [what: string, proof: Proof, input: readonly bigint[]])[] = [
    ['another first input', recorded, [first + 1n, second, third]],
    ['another second input', recorded, [first, second + 1n, third]],
    ['another third input', recorded, [first, second, third + 1n]],
    ['inputs in another order', recorded, [second, first, third]],
    ['an input too large', recorded, [first + R, second, third]],
    ['the field order as input', recorded, [first, second, R]],
    ['the largest input', recorded, [first, second, 2n ** 256n - 1n]],
    ['too few inputs', recorded, [first, second]],
    ['too many inputs', recorded, [first, second, third, 0n]],
    ['no inputs', recorded, []],
    ['a off the curve', { ...recorded, a: { x: a.x, y: BigInt(a.y) + 1n } }, inputs],
    ['a of the other sign', { ...recorded, a: { x: a.x, y: P - BigInt(a.y) } }, inputs],
    ['a not reduced', { ...recorded, a: { x: BigInt(a.x) + P, y: a.y } }, inputs],
    ['y of a not reduced', { ...recorded, a: { x: a.x, y: BigInt(a.y) + P } }, inputs],
    ['a at infinity', { ...recorded, a: { x: 0n, y: 0n } }, inputs],
    ['b with its parts swapped', { ...recorded, b: { x: swap(b.x), y: swap(b.y) } }, inputs],
    ['b off the curve', { ...recorded, b: { x: b.x, y: b.x } }, inputs],
    ['c in place of a', { ...recorded, a: c }, inputs],
    ['c off the curve', { ...recorded, c: { x: c.x, y: BigInt(c.y) + 1n } }, inputs],
    ['c of the other sign', { ...recorded, c: { x: c.x, y: P - BigInt(c.y) } }, inputs],
    ['all zeros', { a: ZERO, b: { x: NONE, y: NONE }, c: ZERO }, inputs],
  ]
  for (const [what, proof, input] of tampered) {
    expect([what, await verifies(verifier, proof, input)]).toEqual([what, false])
  }
})

const ZERO = { x: 0n, y: 0n }
const NONE = { real: 0n, imag: 0n }

/** Scalars that no pattern links; the same in every run. */
function scalars(seed: bigint): () => bigint {
  let state = seed
  return () => {
    state = (state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n) % 2n ** 64n
    return (state ** 5n % (R - 1n)) + 1n
  }
}

test('what the equation says is accepted, under keys with nothing in common', async () => {
  for (const inputCount of [0, 1, 3]) {
    const next = scalars(BigInt(inputCount + 1))
    const [alpha, beta, gamma, delta, a, b] = [next(), next(), next(), next(), next(), next()]
    const ic = Array.from({ length: inputCount + 1 }, next)
    const input = Array.from({ length: inputCount }, (_, i) => (i === 1 ? 0n : next()))
    const key = {
      alpha1: ONE.multiply(alpha),
      beta2: TWO.multiply(beta),
      gamma2: TWO.multiply(gamma),
      delta2: TWO.multiply(delta),
      ic: ic.map((scalar) => ONE.multiply(scalar)),
    }
    const combination = input.reduce((sum, value, i) => sum + value * (ic[i + 1] ?? 0n), ic[0] ?? 0n)
    const field = bn254.fields.Fr
    const c = field.div(field.create(a * b - alpha * beta - combination * gamma), delta)
    const proof = { a: g1(ONE.multiply(a)), b: g2(TWO.multiply(b)), c: g1(ONE.multiply(c)) }
    const verifier = await deployed(key)
    expect(await verifies(verifier, proof, input)).toBe(true)
    expect(await verifies(verifier, { ...proof, c: g1(ONE.multiply(c).add(ONE)) }, input)).toBe(false)
  }
})

test('a key with a point off its curve makes every answer false, and no call fail', async () => {
  const fitting = keyFitting(recordedPoints(), inputs)
  const ic = fitting.ic.map(g1)
  for (const broken of [0, 2]) {
    const verifier = await chain.deploy('Groth16Verifier', {
      alpha1: g1(fitting.alpha1),
      beta2: g2(fitting.beta2),
      gamma2: g2(fitting.gamma2),
      delta2: g2(fitting.delta2),
      ic: ic.map((point, i) => (i === broken ? { x: point.x, y: point.y + 1n } : point)),
    })
    expect(await verifies(verifier, recorded, inputs)).toBe(false)
  }
})

test('the recorded calldata is what our ABI makes of the recorded proof', async () => {
  const face = new Interface((await compiledContract('Marketplace')).abi)
  expect(face.encodeFunctionData('submitProof', [vectors.slotIdUsed, recorded])).toBe(vectors.submitProofCalldata)
})

test('the key of circuit tools becomes the constructor argument, real parts first', async () => {
  const fitting = keyFitting(recordedPoints(), inputs)
  const flat = (point: G1Point) => [String(point.toAffine().x), String(point.toAffine().y), '1']
  const pairs = (point: G2Point) => {
    const { x, y } = point.toAffine()
    return [
      [String(x.c0), String(x.c1)],
      [String(y.c0), String(y.c1)],
      ['1', '0'],
    ]
  }
  const json = {
    protocol: 'groth16',
    curve: 'bn128',
    nPublic: 3,
    vk_alpha_1: flat(fitting.alpha1),
    vk_beta_2: pairs(fitting.beta2),
    vk_gamma_2: pairs(fitting.gamma2),
    vk_delta_2: pairs(fitting.delta2),
    IC: fitting.ic.map(flat),
  }
  const verifier = await chain.deploy('Groth16Verifier', toVerifyingKey(json))
  expect(await verifies(verifier, recorded, inputs)).toBe(true)
  const bad: readonly object[] = [
    { ...json, protocol: 'plonk' },
    { ...json, curve: 'bls12381' },
    { ...json, nPublic: 2 },
    { ...json, IC: json.IC.slice(1) },
    { ...json, vk_alpha_1: ['0x12', '3', '1'] },
    { ...json, vk_beta_2: undefined },
    {},
  ]
  for (const wrong of bad) {
    expect(() => toVerifyingKey(wrong as typeof json)).toThrow(expect.objectContaining({ code: 'devnet/bad-key' }))
  }
})
