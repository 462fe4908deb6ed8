// Every scenario of the vectors on a real chain: same times, same results, same events, same money to the last unit, no more gas.

import { Interface } from 'ethers'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { compiledContract } from '../compilecontracts.ts'
import vectors from '../vectors/marketplace.json' with { type: 'json' }
import { maxPriceOf, Play, PROOF, slotIdOf, Stage } from './scenarios.ts'
import { TestChain } from './testchain.ts'

/** Of what the deployed contracts took. */
const MAX_GAS_RATIO = 1.25
const LONG = (import.meta.env['LONG'] ?? '') !== ''

let chain: TestChain
beforeAll(async () => {
  let stop = async (): Promise<void> => undefined
  chain = await TestChain.start((ending) => (stop = ending))
  return () => stop()
})

interface GasRow {
  readonly call: string
  readonly ours: number
  readonly deployed: number
}

const gasRows: GasRow[] = []
afterAll(() => {
  if (LONG) console.table(gasRows.map((row) => ({ ...row, ratio: (row.ours / row.deployed).toFixed(2) })))
})

function expectGas(call: string, ours: number, deployed: number): void {
  gasRows.push({ call, ours, deployed })
  expect(ours, call).toBeLessThanOrEqual(MAX_GAS_RATIO * deployed)
}

describe.each(vectors.scenarios.map((scenario) => [scenario.name, scenario] as const))('%s', (_, scenario) => {
  test('as recorded', async () => {
    onTestFinished(await chain.snapshot())
    const stage = await Stage.set(chain, scenario.config)
    const { period } = stage.configuration.proofs
    const start = (Math.floor(chain.now / period) + 2) * period
    const play = new Play(stage, scenario, start)
    for (const step of scenario.steps) {
      if ('view' in step && step.view !== undefined) {
        expect(await play.view(step.view)).toEqual(step.view)
        continue
      }
      const { t, action, by, result, events, balanceChange, gasUsed } = step as Required<typeof step>
      const told = await play.act({ t, action, by })
      expect({ t, action, ...told, gasUsed: 0 }).toEqual({ t, action, result, events, balanceChange, gasUsed: 0 })
      if (gasUsed !== undefined) expectGas(action, told.gasUsed, gasUsed)
    }
    if (!('contractBalanceAtEnd' in scenario)) return
    const { token, marketplace } = stage.market
    const left = await chain.read(token, 'balanceOf', [marketplace.address])
    expect(String(left)).toBe(scenario.contractBalanceAtEnd)
  })
})

/** Marketplace reference §4.2; of ranges the lower end. */
const DEPLOYED_GAS = { deployment: 4_300_000, reserveSlot: 78_000, submitProof: 80_000 }

test('what no scenario records takes no more gas either', async () => {
  onTestFinished(await chain.snapshot())
  const stage = await Stage.set(chain, 'example')
  const { marketplace, token, verifier } = stage.market
  const { abi, bytecode } = await compiledContract('Marketplace')
  const args = new Interface(abi).encodeDeploy([stage.configuration, token.address, verifier.address])
  const data = bytecode + args.slice(2)
  const deployment = Number(await chain.rpc.call('eth_estimateGas', [{ from: chain.account(0), data }]))
  expectGas('deployment', deployment, DEPLOYED_GAS.deployment)

  const request = vectors.scenarios[0]?.request ?? { ask: undefined }
  if (request.ask === undefined) throw new Error('found no request')
  const [client, host] = [stage.party('client'), stage.party('hostA')]
  await stage.approve(client, maxPriceOf(request))
  await stage.approve(host, 10n ** 12n)
  const { events } = await chain.must(marketplace, client, 'requestStorage', [request])
  const id = String(events[0]?.args[0])
  const reserved = await chain.must(marketplace, host, 'reserveSlot', [id, 0])
  expectGas('reserveSlot', reserved.gasUsed, DEPLOYED_GAS.reserveSlot)
  await chain.must(marketplace, host, 'fillSlot', [id, 0, PROOF])
  const proof = [slotIdOf(id, 0), PROOF]
  const submitted = await chain.must(
    marketplace,
    host,
    'submitProof',
    proof,
    chain.now + stage.configuration.proofs.period,
  )
  expectGas('submitProof', submitted.gasUsed, DEPLOYED_GAS.submitProof)
})
