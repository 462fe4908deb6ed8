import { ManualClock } from '../../src/lib/manualclock.ts'
import { SUITE_TERMS, marketSuite } from '../suites/market.ts'
import { FakeChainWorld } from './fakechainworld.ts'
import { FakeMarket } from './fakemarket.ts'

const START = 1_700_000_000
const RICH = 10n ** 24n

marketSuite('FakeMarket', async () => {
  const clock = new ManualClock(START)
  const world = new FakeChainWorld({ clock, configuration: SUITE_TERMS, automine: true })
  const hostOf = (account: number) => `0x${String(account + 1).repeat(40)}`
  for (let account = 0; account < 5; account++) world.mint(hostOf(account), RICH)
  return {
    open: async (account) => new FakeMarket(world, hostOf(account), clock),
    now: async () => world.chain.latest.time,
    timeOf: async (block) => world.chain.block(block)?.time ?? 0,
    jumpTo: async (time) => {
      clock.set(time)
      world.mine()
    },
    mine: async (blocks) => {
      for (let block = 0; block < blocks; block++) world.mine()
    },
    close: async () => undefined,
  }
})
