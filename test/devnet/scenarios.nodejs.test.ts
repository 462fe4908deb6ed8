// Every scenario of the vectors on a real chain: same times, same results, same events, same money to the last unit, no more gas.

import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import vectors from '../vectors/marketplace.json' with { type: 'json' }
import { Play, Stage } from './scenarios.ts'
import { TestChain } from './testchain.ts'

/** Of what the deployed contracts took. */
const MAX_GAS_RATIO = 1.25

let chain: TestChain
beforeAll(async () => {
  let stop = async (): Promise<void> => undefined
  chain = await TestChain.start((ending) => (stop = ending))
  return () => stop()
})

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
      if (gasUsed !== undefined) expect(told.gasUsed, action).toBeLessThanOrEqual(MAX_GAS_RATIO * gasUsed)
    }
    if (!('contractBalanceAtEnd' in scenario)) return
    const { token, marketplace } = stage.market
    const left = await chain.read(token, 'balanceOf', [marketplace.address])
    expect(String(left)).toBe(scenario.contractBalanceAtEnd)
  })
})
