// What is told of the way to the chain: each trouble once, and again when it comes back.

import { expect, it, onTestFinished } from 'vitest'
import type { RaisedAlert } from '../../src/lib/alert.ts'
import { CodexError } from '../../src/lib/errors.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import type { EndpointStatus, OpenIntent } from '../../src/market/market.ts'
import { MarketAlerts } from '../../src/market/marketalerts.ts'

function setup() {
  const wall = new ManualClock(1_700_000_000)
  const raised: RaisedAlert[] = []
  let status: EndpointStatus = { state: 'connected' }
  let open: OpenIntent[] = []
  const coinBalance = async () => 10n ** 18n
  const market = { host: '0x12', endpointStatus: () => status, coinBalance, openIntents: () => open }
  const alerts = new MarketAlerts({ market, wall, atStake: () => 7n, raise: (alert) => raised.push(alert) })
  const stopping = new AbortController()
  const watching = Promise.allSettled([alerts.watchEndpoint(stopping), alerts.watchTransactions(stopping)])
  onTestFinished(async () => {
    stopping.abort(new Error('over'))
    await watching
  })
  /** What is raised when the endpoint is looked at with this status. */
  return async (next: EndpointStatus, intents: OpenIntent[] = []): Promise<RaisedAlert[]> => {
    status = next
    open = intents
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

it('a transaction that is stuck is told of once, and another one too', async () => {
  const look = setup()
  const intent = (nonce: number, isStuck: boolean): OpenIntent => ({
    ...{ verb: 'submitProof', requestId: undefined, slotId: undefined, nonce, hashes: [] },
    stuck: isStuck ? new CodexError('market/stuck', `nonce ${nonce}: raise the cap`) : undefined,
  })
  const connected: EndpointStatus = { state: 'connected' }
  expect(await look(connected, [intent(4, false)])).toEqual([])
  const [alert, ...others] = await look(connected, [intent(4, true), intent(5, false)])
  expect([alert, others]).toEqual([
    { code: 'market/stuck', cause: 'nonce 4: raise the cap', atStake: 7n, action: expect.stringContaining('Raise') },
    [],
  ])
  expect(await look(connected, [intent(4, true)])).toEqual([])
  expect((await look(connected, [intent(5, true)])).map(({ cause }) => cause)).toEqual(['nonce 5: raise the cap'])
  expect(await look(connected)).toEqual([])
  expect(await look(connected, [intent(5, true)])).toHaveLength(1)
})
