// A validator whose endpoint fails just when a period is to be marked.

import { expect, it } from 'vitest'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import type { SlotId } from '../../src/protocol/request.ts'
import { Validator } from '../../src/validation/validator.ts'
import { FakeMarket } from '../fakes/fakemarket.ts'
import { addressOf, COLLATERAL, type SaleHost, SaleWorld } from '../fakes/saleworld.ts'

const SLASH = COLLATERAL / 5n

/** A world with a slot that is filled, by a host that proves nothing while it is lazy; and what another address watches it with. */
async function filled() {
  const world = new SaleWorld()
  const lazy = { is: false }
  const proveFault = (): { is: 'fails' } | undefined => (lazy.is ? { is: 'fails' } : undefined)
  const host: SaleHost = await world.host('host', 1, { work: { proveFault } })
  await host.sales.start(world.never)
  const asked = await world.ask({}, 3000n)
  const id: SlotId = asked.slot(0)
  await world.runUntil(() => world.state(id) === 'Filled')
  const clock = world.clockOfAnother()
  const market = new FakeMarket(world.net, addressOf('validator'), clock)
  const log = new Log({ clock, levels: new LogLevels('off'), sinks: [] })
  return { world, id, clock, market, log, lazy }
}

it.each(['canMarkProofAsMissing', 'markProofAsMissing'] as const)(
  'marks what a period missed while the contract takes it, when %s is answered late',
  async (verb) => {
    const { world, id, clock, market, log, lazy } = await filled()
    const real = market[verb].bind(market) as (...args: unknown[]) => Promise<never>
    let silentUntil = 0
    let refused = 0
    market[verb] = ((...args: unknown[]) => {
      if (clock.now() >= silentUntil) return real(...args)
      refused++
      return Promise.reject(new Error('no answer'))
    }) as never
    const validator = new Validator({ market, clock, log })
    await validator.start(world.never)
    await world.run(130)
    lazy.is = true
    const collateral = (): bigint => world.net.marketplace.records.currentCollateral(id)
    // In each period the endpoint is away for its first twelve seconds.
    for (let period = 0; period < 3; period++) {
      silentUntil = world.periods.endOf(world.periods.periodOf(clock.now())) + 12
      await world.run(120)
    }
    expect(refused).toBeGreaterThan(0)
    expect(collateral()).toBeLessThanOrEqual(COLLATERAL - SLASH)
    await validator.stop()
    expect(clock.waiting).toBe(0)
  },
)

it.each(['canMarkProofAsMissing', 'markProofAsMissing'] as const)(
  'asks again in the same period when %s is answered by a block that has not left it',
  async (verb) => {
    const { world, id, clock, market, log, lazy } = await filled()
    const real = market[verb].bind(market) as (...args: unknown[]) => Promise<never>
    let stale = 0
    const asking = new Set<unknown>()
    market[verb] = (async (of: unknown, period: number, ...rest: unknown[]) => {
      // What a replica says that is one period behind, the first time.
      const isStale = lazy.is && !asking.has(period)
      asking.add(period)
      if (isStale) stale++
      return real(of, isStale ? period + 1 : period, ...rest)
    }) as never
    const validator = new Validator({ market, clock, log })
    await validator.start(world.never)
    await world.run(130)
    lazy.is = true
    const collateral = (): bigint => world.net.marketplace.records.currentCollateral(id)
    await world.run(360)
    expect(stale).toBeGreaterThan(0)
    expect(collateral()).toBeLessThanOrEqual(COLLATERAL - SLASH)
    await validator.stop()
  },
)
