import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { concatBytes } from '../../src/lib/bytes.ts'
import { sourceOfBytes } from '../../src/proving/bytesource.ts'
import { type DevSetup, devSetup } from '../../src/proving/devsetup.ts'
import { DEVELOPMENT_MARK } from '../../src/proving/developmentmark.ts'
import { slowSetupArithmetic } from '../../src/proving/slowsetuparithmetic.ts'
import { verify } from '../../src/proving/verify.ts'
import { WitnessCalculator } from '../../src/proving/witnesscalculator.ts'
import { encodeWitness } from '../../src/proving/wtns.ts'
import { readZkey } from '../../src/proving/zkey.ts'
import { SMALL_CIRCUIT } from '../../wasm/circuit/templates.ts'
import { loadPoseidon2 } from '../../wasm/poseidon2/loadposeidon2.ts'
import { type CircuitBytes, smallCircuit, templateCircuit } from './circuits.ts'
import { loadSnarkjs, releaseSnarkjs } from './snarkjs.ts'
import { madeUpDataset, storageProofInputs } from './storageproof.ts'

const { signal } = new AbortController()
const setup = (r1cs: Uint8Array, seed: string | Uint8Array): Promise<DevSetup> =>
  devSetup({ r1cs, seed, arithmetic: slowSetupArithmetic, signal })

afterAll(releaseSnarkjs)

describe('keys for the small storage proof', () => {
  let keys: DevSetup
  let witness: Uint8Array
  let publics: string[]
  beforeAll(async () => {
    const { r1cs, wasm } = await smallCircuit()
    keys = await setup(r1cs, 'a test')
    const hashes = await loadPoseidon2({ variant: 'scalar' })
    const dataset = madeUpDataset(hashes, SMALL_CIRCUIT, { slots: 5, blocks: 4, slotIndex: 3 })
    const inputs = storageProofInputs(hashes, SMALL_CIRCUIT, dataset, 2n ** 247n + 11n)
    publics = [inputs.entropy, inputs.dataSetRoot, inputs.slotIndex].map(String)
    witness = await (await WitnessCalculator.load(wasm)).calculate({ ...inputs })
  }, 120_000)

  it('let snarkjs prove from our witness, and its proof holds for snarkjs and for us', async () => {
    const { groth16 } = await loadSnarkjs()
    const { proof, publicSignals } = await groth16.prove(keys.zkey, encodeWitness(witness))
    expect(publicSignals).toEqual(publics)
    await expect(groth16.verify(keys.verificationKey, publicSignals, proof)).resolves.toBe(true)
    expect(verify(keys.verificationKey, publicSignals, proof)).toBe(true)
    const others = [...publicSignals.slice(0, 2), '4']
    expect(verify(keys.verificationKey, others, proof)).toBe(false)
    await expect(groth16.verify(keys.verificationKey, others, proof)).resolves.toBe(false)
  })

  it('give the verification key that snarkjs reads out of them', async () => {
    const { zKey } = await loadSnarkjs()
    const { vk_alphabeta_12, ...exported } = await zKey.exportVerificationKey(keys.zkey)
    const { developmentOnly, ...ours } = keys.verificationKey
    expect(ours).toEqual(exported)
    expect(vk_alphabeta_12).toBeDefined()
    expect(developmentOnly).toBe(DEVELOPMENT_MARK)
  })

  it('are marked in both artefacts', async () => {
    const zkey = await readZkey(sourceOfBytes(keys.zkey), { signal })
    expect(zkey.developmentMark).toBe(DEVELOPMENT_MARK)
    expect(keys.verificationKey.developmentOnly).toBe(DEVELOPMENT_MARK)
  })

  it('do not let a witness that breaks a constraint through', async () => {
    const { groth16 } = await loadSnarkjs()
    const tampered = witness.slice()
    tampered[32 * 1000] = (tampered[32 * 1000] ?? 0) ^ 1
    const { proof, publicSignals } = await groth16.prove(keys.zkey, encodeWitness(tampered))
    expect(verify(keys.verificationKey, publicSignals, proof)).toBe(false)
  })
})

describe('of a circuit of one compression', () => {
  let circuit: CircuitBytes
  let keys: DevSetup
  beforeAll(async () => {
    circuit = await templateCircuit('hash.circom', 'Compress()')
    keys = await setup(circuit.r1cs, 'seed')
  })

  it('the same seed makes the same keys, byte for byte, as text and as bytes', async () => {
    const again = await setup(circuit.r1cs, new TextEncoder().encode('seed'))
    expect(again.zkey).toEqual(keys.zkey)
    expect(again.verificationKey).toEqual(keys.verificationKey)
  })

  it('another seed makes others', async () => {
    const { verificationKey } = await setup(circuit.r1cs, 'Seed')
    for (const name of ['vk_alpha_1', 'vk_beta_2', 'vk_gamma_2', 'vk_delta_2', 'IC'] as const)
      expect(verificationKey[name]).not.toEqual(keys.verificationKey[name])
  })

  it('another circuit makes others from the same seed', async () => {
    const { r1cs } = await templateCircuit('hash.circom', 'Sponge(1)')
    const { verificationKey } = await setup(r1cs, 'seed')
    expect(verificationKey.vk_alpha_1).not.toEqual(keys.verificationKey.vk_alpha_1)
  })

  it('the wrong key verifies no proof of the right one', async () => {
    const { groth16 } = await loadSnarkjs()
    const calculator = await WitnessCalculator.load(circuit.wasm)
    const witness = encodeWitness(await calculator.calculate({ left: 1, right: 2, key: 3 }))
    const { proof, publicSignals } = await groth16.prove(keys.zkey, witness)
    expect(verify(keys.verificationKey, publicSignals, proof)).toBe(true)
    const { verificationKey } = await setup(circuit.r1cs, 'Seed')
    expect(verify(verificationKey, publicSignals, proof)).toBe(false)
  })

  it('ends when aborted', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const pending = devSetup({ ...circuit, seed: '', arithmetic: slowSetupArithmetic, signal: controller.signal })
    controller.abort(reason)
    await expect(pending).rejects.toBe(reason)
  })

  it.each([
    ['cut short', (r1cs: Uint8Array) => r1cs.subarray(0, -1)],
    ['with something after it', (r1cs: Uint8Array) => concatBytes(r1cs, new Uint8Array(1))],
    ['empty', () => new Uint8Array()],
  ])('takes no circuit %s', async (_, change) => {
    await expect(setup(change(circuit.r1cs), 'seed')).rejects.toMatchObject({ code: 'proving/bad-r1cs' })
  })
})
