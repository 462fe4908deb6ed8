// The Groth16 verifier on a real EVM: the recorded proof under a key that fits it, random proofs under random keys, and every way to be wrong.

import { bn254 } from '@noble/curves/bn254.js'
import { Interface } from 'ethers'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { toVerifyingKey } from '../../src/devnet/verifyingkey.ts'
import { compiledContract } from '../compilecontracts.ts'
import vectors from '../vectors/groth16.json' with { type: 'json' }
import market from '../vectors/marketplace.json' with { type: 'json' }
import { slotIdOf } from './scenarios.ts'
import { TestChain, type TestContract } from './testchain.ts'
import { R, Trapdoor } from './trapdoor.ts'

const { G1, G2 } = bn254
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

test('what the equation says is accepted, under keys with nothing in common', async () => {
  for (const inputCount of [0, 1, 3]) {
    const trapdoor = new Trapdoor(inputCount, BigInt(inputCount + 1))
    const verifier = await chain.deploy('Groth16Verifier', trapdoor.key)
    for (const input of [
      Array.from({ length: inputCount }, () => 0n),
      Array.from({ length: inputCount }, () => R - 1n),
    ]) {
      const proof = trapdoor.prove(input)
      expect(await verifies(verifier, proof, input)).toBe(true)
      expect(await verifies(verifier, { ...proof, c: proof.a }, input)).toBe(false)
    }
  }
})

test('zeros can be neither left out nor written as the field order', async () => {
  const trapdoor = new Trapdoor(3, 9n)
  const verifier = await chain.deploy('Groth16Verifier', trapdoor.key)
  const proof = trapdoor.prove([5n, 0n, 0n])
  expect(await verifies(verifier, proof, [5n, 0n, 0n])).toBe(true)
  expect(await verifies(verifier, proof, [5n, 0n, R])).toBe(false)
  expect(await verifies(verifier, proof, [5n, R, 0n])).toBe(false)
  expect(await verifies(verifier, proof, [5n, 0n])).toBe(false)
  expect(await verifies(verifier, proof, [5n])).toBe(false)
  expect(await verifies(verifier, proof, [5n, 0n, 0n, 0n])).toBe(false)
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

test('the key of circuit tools becomes the constructor argument, real parts first', () => {
  const trapdoor = new Trapdoor(3)
  const { json } = trapdoor
  expect(toVerifyingKey(json)).toEqual(trapdoor.key)
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

/** Little-endian, and below the field's order. */
const ROOT = `0x${'5a'.repeat(31)}19`
/** Marketplace reference §4.2: with the accept-all verifier, and what real pairing adds to it. */
const FILL_GAS = 350_000 + 90_000
/** What four pairings and three multiplications take by themselves; more than what the reference says they add. */
const PAIRING_GAS = 200_000

test('a marketplace with this verifier takes real proofs, and no others', async () => {
  onTestFinished(await chain.snapshot())
  const trapdoor = new Trapdoor(3, 7n)
  const token = await chain.deploy('Token')
  const verifier = await chain.deploy('Groth16Verifier', trapdoor.key)
  const configuration = market.meta.configs.example
  const marketplace = await chain.deploy('TestMarketplace', configuration, token.address, verifier.address)
  const [client, host] = [chain.account(0), chain.account(1)]
  for (const party of [client, host]) {
    await chain.must(token, party, 'mint', [party, 10n ** 20n])
    await chain.must(token, party, 'approve', [marketplace.address, 10n ** 20n])
  }
  const baseline = market.scenarios[0]?.request
  // The recorded root is no field element: no proof would do.
  const request = { ...baseline, content: { cid: baseline?.content.cid, merkleRoot: ROOT } }
  const { events } = await chain.must(marketplace, client, 'requestStorage', [request])
  const id = String(events[0]?.args[0])
  await chain.must(marketplace, host, 'reserveSlot', [id, 1])
  const slotId = slotIdOf(id, 1)
  const element = async (name: string, bytes: unknown): Promise<bigint> =>
    BigInt(String(await chain.read(marketplace, name, [bytes])))
  const root = await element('merkleRootToFieldElement', ROOT)
  // Within a period the challenge stays, as long as the pointer does not wrap.
  const pointer = Number(await chain.read(marketplace, 'getPointer', [slotId]))
  if (pointer > 200) await chain.mineMany(256 - pointer)
  const challenge = await element('challengeToFieldElement', await chain.read(marketplace, 'getChallenge', [slotId]))

  for (const wrong of [
    [challenge, root, 2n],
    [challenge, root + 1n, 1n],
    [challenge + 1n, root, 1n],
  ]) {
    const sent = await chain.send(marketplace, host, 'fillSlot', [id, 1, trapdoor.prove(wrong)])
    expect(sent.error).toBe('Proofs_InvalidProof')
  }
  const filled = await chain.must(marketplace, host, 'fillSlot', [id, 1, trapdoor.prove([challenge, root, 1n])])
  expect(filled.gasUsed).toBeLessThanOrEqual(1.25 * FILL_GAS)
  expect(filled.gasUsed).toBeGreaterThan(PAIRING_GAS)
})
