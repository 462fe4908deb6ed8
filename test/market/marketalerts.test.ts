// What is told of the way to the chain: each trouble once, and again when it comes back.

import { expect, it, onTestFinished } from 'vitest'
import type { RaisedAlert } from '../../src/lib/alert.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import type { EndpointStatus } from '../../src/market/market.ts'
import { MarketAlerts } from '../../src/market/marketalerts.ts'

function setup() {
  const wall = new ManualClock(1_700_000_000)
  const raised: RaisedAlert[] = []
  let status: EndpointStatus = { state: 'connected' }
  const market = { host: '0x12', endpointStatus: () => status, coinBalance: async () => 10n ** 18n }
  const alerts = new MarketAlerts({ market, wall, atStake: () => 7n, raise: (alert) => raised.push(alert) })
  const stopping = new AbortController()
  const watching = alerts.watchEndpoint(stopping).catch(() => undefined)
  onTestFinished(async () => {
    stopping.abort(new Error('over'))
    await watching
  })
  /** What is raised when the endpoint is looked at with this status. */
  return async (next: EndpointStatus): Promise<RaisedAlert[]> => {
    status = next
    wall.advance(60)
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
    return raised.splice(0)
  }
}

it("a machine's clock that is wrong is told once, with what to do", async () => {
  const look = setup()
  expect(await look({ state: 'connected' })).toEqual([])
  expect(await look({ state: 'connected', drift: 31 })).toEqual([
    {
      code: 'market/clock-drift',
      cause: "This machine's clock is 31 s behind the chain's time: proofs may come too late",
      atStake: 7n,
      action: "Set this machine's clock",
    },
  ])
  expect(await look({ state: 'connected', drift: 32 })).toEqual([])
  const away: EndpointStatus = { state: 'unreachable', since: 1, problem: 'no answer' }
  expect((await look(away)).map(({ code }) => code)).toEqual(['market/unreachable'])
  // Nothing new is known of the time.
  expect(await look({ state: 'connected', drift: 32 })).toEqual([])
  expect(await look({ state: 'connected' })).toEqual([])
  expect((await look({ state: 'connected', drift: -9 })).map(({ cause }) => cause)).toEqual([
    "This machine's clock is 9 s ahead of the chain's time: proofs may come too late",
  ])
})
