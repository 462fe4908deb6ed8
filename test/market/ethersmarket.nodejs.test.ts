// EthersMarket on a real chain, over HTTP and over WebSocket, is a Market.

import type { EthersMarket } from '../../src/market/ethersmarket.ts'
import { marketSuite, type MarketWorld, SUITE_TERMS } from '../suites/market.ts'
import { ChainWorld } from './chainworld.ts'
import { fastClock } from './fastclock.ts'

const SPEED = 10

async function setup(over: 'endpoint' | 'websocket'): Promise<MarketWorld> {
  const world = await ChainWorld.start({ configuration: SUITE_TERMS })
  const markets = new Map<number, EthersMarket>()
  return {
    async open(account) {
      const settings = { url: world.anvil[over], pollSeconds: 1 }
      const market = markets.get(account) ?? (await world.open(account, settings, { clock: fastClock(SPEED) }))
      markets.set(account, market)
      return market
    },
    now: () => world.blockTime(),
    timeOf: (block) => world.timeOf(block),
    jumpTo: (time) => world.jumpTo(time, ...markets.values()),
    mine: (blocks) => world.mine(blocks),
    close: () => world.stop(),
  }
}

// Everything else in this folder speaks HTTP; the law over it takes long, because each transaction waits for a look.
if (import.meta.env['LONG']) marketSuite('EthersMarket over HTTP', () => setup('endpoint'))
marketSuite('EthersMarket over WebSocket', () => setup('websocket'))
