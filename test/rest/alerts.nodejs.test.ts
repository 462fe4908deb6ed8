// Alerts of the node's state: there while their cause is.

import { expect, it } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { alertsOf } from '../../src/rest/alerts.ts'
import type { MarketLook, MarketplaceParts } from '../../src/rest/marketparts.ts'

const never = { signal: new AbortController().signal }

it("tell of a machine's clock that is wrong and of a stuck transaction, and no more once it is right", async () => {
  let drift: number | undefined = -6.4
  let open: { stuck?: CodexError }[] = []
  const market = {
    host: '0x12',
    endpointStatus: () => ({ state: 'connected', drift }),
    openIntents: () => open,
    coinBalance: async () => 10n ** 18n,
    tokenBalance: async () => 10n ** 18n,
  } as unknown as MarketLook
  const raised = { code: 'market/clock-drift', at: 1, cause: 'earlier', atStake: undefined, action: 'none' }
  const parts: MarketplaceParts = {
    ...{ alerts: [raised], market, clock: new ManualClock(5) },
    ...{ selling: undefined, buying: undefined, validating: undefined },
  }
  expect(await alertsOf(parts, never)).toEqual([
    {
      at: 5,
      code: 'market/clock-drift',
      cause: "This machine's clock is 6 s ahead of the chain's time",
      atStake: 0n,
      action: "set this machine's clock, or proofs may come too late",
    },
  ])
  drift = undefined
  expect(await alertsOf(parts, never)).toEqual([])
  open = [{}, { stuck: new CodexError('market/stuck', 'raise the cap') }]
  expect(await alertsOf(parts, never)).toMatchObject([{ at: 5, code: 'market/stuck', cause: 'raise the cap' }])
  open = []
  expect(await alertsOf(parts, never)).toEqual([])
})
