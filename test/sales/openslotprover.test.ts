// With what a provider may prove, and on which chain: a key that anybody can forge proofs for stakes collateral on local chains only.

import { expect, it } from 'vitest'

import { DEVELOPMENT_MARK } from '../../src/proving/developmentmark.ts'
import type { ProvingFunctions } from '../../src/proving/provingfunctions.ts'
import { openSlotProver, type ProverNeeds } from '../../src/sales/openslotprover.ts'
import { NEVER } from '../fakes/memorystore.ts'

const OPTIONS = { signal: NEVER }
const CIRCUIT = { wasm: new Uint8Array(1), zkey: new Uint8Array(1) }

/** @param mark what the key of its circuit says of being for development */
function setup(mark: string | undefined) {
  const seen = { closed: 0, asked: [] as object[] }
  const createProver = async (settings: object) => {
    seen.asked.push(settings)
    const close = async (): Promise<void> => void seen.closed++
    return { verificationKey: { developmentOnly: mark }, close, prove: async () => ({ proof: undefined }) }
  }
  const needs: ProverNeeds = {
    createProver: createProver as unknown as ProvingFunctions['createProver'],
    slots: { sampleInputs: () => Promise.reject(new Error('nobody samples here')) },
    stopwatch: () => 0,
  }
  return { seen, needs }
}

it.each([1, 10, 167_005, 789_987, 1_660_990_954, 31_338])(
  'on chain %i a development key is refused, and what was loaded is let go',
  async (chainId) => {
    const { seen, needs } = setup(DEVELOPMENT_MARK)
    await expect(openSlotProver(needs, { circuit: CIRCUIT }, chainId, OPTIONS)).rejects.toMatchObject({
      code: 'proving/development-key',
      detail: { chainId },
    })
    expect(seen.closed).toBe(1)
  },
)

it.each([
  [DEVELOPMENT_MARK, 31_337],
  [DEVELOPMENT_MARK, 1337],
  [undefined, 1],
])('a key that says %j is good on chain %i', async (mark, chainId) => {
  const { seen, needs } = setup(mark)
  const prover = await openSlotProver(needs, { circuit: CIRCUIT, threads: 2 }, chainId, OPTIONS)
  expect(prover.isAbsent).toBe(false)
  expect(prover.meter.developmentMark).toBe(mark)
  expect(seen.asked).toEqual([{ circuit: CIRCUIT, threads: 2, ...OPTIONS }])
  expect(seen.closed).toBe(0)
})

it('without a circuit nothing is loaded, and every proof fails', async () => {
  const { seen, needs } = setup(undefined)
  const prover = await openSlotProver(needs, { circuit: undefined }, 1, OPTIONS)
  expect([prover.isAbsent, seen.asked]).toEqual([true, []])
  const proving = prover.prove({} as never, { ...OPTIONS, rank: 'duty' })
  await expect(proving).rejects.toMatchObject({ code: 'proving/no-circuit' })
})
