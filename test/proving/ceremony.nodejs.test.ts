// Proving keys as networks have them: made by snarkjs in a ceremony with contributions, not by our own setup. Of a tiny circuit, since snarkjs takes
// half an hour for a full one.

import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { ManualClock } from '../../src/lib/manualclock.ts'
import { SystemRandom } from '../../src/lib/systemrandom.ts'
import { sourceOfBytes } from '../../src/proving/bytesource.ts'
import { PooledProver } from '../../src/proving/pooledprover.ts'
import type { ProofInputs } from '../../src/proving/proofinputs.ts'
import { type ProveJobs, proveJobs } from '../../src/proving/provejobs.ts'
import { verify } from '../../src/proving/verify.ts'
import { WorkerPool } from '../../src/workers/workerpool.ts'
import { FULL_CIRCUIT, SMALL_CIRCUIT, storageProofMain } from '../../wasm/circuit/templates.ts'
import { loadField } from '../../wasm/field/loadfield.ts'
import { FakeWorkers } from '../fakes/fakeworkers.ts'
import { compileForTests, ROOT } from './compilefortests.ts'
import { loadSnarkjs, releaseSnarkjs } from './snarkjs.ts'
import { statement } from './statements.ts'
import { STUB_MAIN } from './stubcircuit.ts'

const LONG = Boolean(import.meta.env['LONG'])
const { signal } = new AbortController()

interface MemoryFile {
  readonly type: 'mem'
  data?: Uint8Array
}

interface Ceremony {
  readonly curves: { getCurveFromName(name: string): Promise<unknown> }
  readonly powersOfTau: {
    newAccumulator(curve: unknown, power: number, to: MemoryFile): Promise<void>
    contribute(from: MemoryFile, to: MemoryFile, name: string, entropy: string): Promise<void>
    preparePhase2(from: MemoryFile, to: MemoryFile): Promise<void>
  }
  readonly zKey: {
    newZKey(r1cs: MemoryFile, tau: MemoryFile, to: MemoryFile): Promise<void>
    contribute(from: MemoryFile, to: MemoryFile, name: string, entropy: string): Promise<void>
    exportVerificationKey(zkey: Uint8Array): Promise<Record<string, unknown>>
  }
}

let ceremony: Ceremony
beforeAll(async () => {
  ceremony = (await loadSnarkjs()) as unknown as Ceremony
})
afterAll(releaseSnarkjs)

/** @param power of two that the constraints fit into */
async function hold(r1cs: Uint8Array, power: number): Promise<Uint8Array> {
  const { curves, powersOfTau, zKey } = ceremony
  const file = (data?: Uint8Array): MemoryFile => (data === undefined ? { type: 'mem' } : { type: 'mem', data })
  const [fresh, tau, prepared, first, last] = [file(), file(), file(), file(), file()]
  await powersOfTau.newAccumulator(await curves.getCurveFromName('bn128'), power, fresh)
  await powersOfTau.contribute(fresh, tau, 'somebody', 'entropy of somebody')
  await powersOfTau.preparePhase2(tau, prepared)
  await zKey.newZKey(file(r1cs), prepared, first)
  await zKey.contribute(first, last, 'somebody else', 'entropy of somebody else')
  if (last.data === undefined) throw new Error('snarkjs wrote no key')
  return last.data
}

async function proveBy(wasm: Uint8Array, zkey: Uint8Array, inputs: ProofInputs): Promise<readonly string[]> {
  const random = new SystemRandom()
  const source = new FakeWorkers<ProveJobs>(() => proveJobs(() => loadField()), 1)
  const pool = new WorkerPool<ProveJobs>({ source, clock: new ManualClock(), size: 1 })
  const prover = await PooledProver.open(
    {
      pool,
      circuit: { wasm, zkey: sourceOfBytes(zkey) },
      randomBytes: (length) => random.bytes(length),
    },
    { signal },
  )
  const { groth16 } = await loadSnarkjs()
  const { proof, publicSignals } = await prover.prove(inputs, { signal, rank: 'duty' })
  expect(prover.verificationKey.developmentOnly).toBe(undefined)
  expect(await ceremony.zKey.exportVerificationKey(zkey)).toMatchObject({ ...prover.verificationKey })
  expect(verify(prover.verificationKey, publicSignals, proof)).toBe(true)
  expect(await groth16.verify(prover.verificationKey, publicSignals, proof)).toBe(true)
  await prover.close()
  await pool.close()
  return publicSignals
}

const read = async (path: string): Promise<Uint8Array> => new Uint8Array(await readFile(ROOT + path))

it('a key of a ceremony proves', async () => {
  const { r1cs, wasm } = await compileForTests(STUB_MAIN)
  const { maxDepth, maxLog2NSlots, nFieldElemsPerCell, nSamples } = FULL_CIRCUIT
  const elements = (length: number): bigint[] => Array.from({ length }, (_, i) => BigInt(i) ** 40n)
  const inputs: ProofInputs = {
    entropy: 2n ** 250n + 5n,
    dataSetRoot: 77n,
    slotIndex: 3,
    slotRoot: 5n,
    nCellsPerSlot: 64,
    nSlotsPerDataSet: 5,
    slotProof: elements(maxLog2NSlots),
    cellData: Array.from({ length: nSamples }, () => elements(nFieldElemsPerCell)),
    merklePaths: Array.from({ length: nSamples }, () => elements(maxDepth)),
  }
  const zkey = await hold(await read(r1cs), 5)
  expect(await proveBy(await read(wasm), zkey, inputs)).toEqual([String(2n ** 250n + 5n), '77', '3'])
})

it.runIf(LONG)('a key of a ceremony for the small storage proof proves', async () => {
  const { r1cs, wasm } = await compileForTests(storageProofMain(SMALL_CIRCUIT))
  const { inputs, publicSignals } = await statement(1)
  const zkey = await hold(await read(r1cs), 13)
  expect(await proveBy(await read(wasm), zkey, inputs)).toEqual(publicSignals)
})
