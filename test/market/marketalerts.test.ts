// What is told of the way to the chain: each trouble once, and again when it comes back.

import { expect, it, onTestFinished } from 'vitest'
import type { Alert, RaisedAlert } from '../../src/lib/alert.ts'
import { CodexError } from '../../src/lib/errors.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { EntryWatch, TOLD_AFTER_SECONDS } from '../../src/market/entrywatch.ts'
import type { EndpointStatus, OpenIntent } from '../../src/market/market.ts'
import { MarketAlerts } from '../../src/market/marketalerts.ts'
import { LOW_COINS_WEI } from '../../src/protocol/lowcoins.ts'
import { CommitWatch } from '../../src/storage/commitwatch.ts'
import type { Change } from '../../src/storage/datastore.ts'
import { CappedDatastore } from '../fakes/cappeddatastore.ts'
import { FaultyDatastore } from '../fakes/faultydatastore.ts'

const ROOM = 1000

function setup() {
  const wall = new ManualClock(1_700_000_000)
  const raised: RaisedAlert[] = []
  const over: string[] = []
  let status: EndpointStatus = { state: 'connected' }
  let open: OpenIntent[] = []
  let coins = 10n ** 18n
  const coinBalance = async () => coins
  let tokens: bigint | undefined = 10n
  let offered = 0n
  const tokenBalance = async () => tokens ?? Promise.reject(new Error('no answer'))
  const market = { host: '0x12', endpointStatus: () => status, coinBalance, tokenBalance, openIntents: () => open }
  const disk = new CappedDatastore(ROOM)
  const faults = new FaultyDatastore(disk)
  const records = new CommitWatch(faults)
  const alerts = new MarketAlerts({
    ...{ market, records },
    wall,
    ...{ atStake: () => 7n, offered: () => offered },
    raise: (alert) => raised.push(alert),
    over: (code) => over.push(code),
  })
  const stopping = new AbortController()
  const watching = Promise.allSettled([
    alerts.watchEndpoint(stopping),
    alerts.watchTransactions(stopping),
    alerts.watchRecords(stopping),
    alerts.watchPurse(stopping),
  ])
  onTestFinished(async () => {
    stopping.abort(new Error('over'))
    await watching
  })
  const look = async (seconds: number): Promise<RaisedAlert[]> => {
    wall.advance(seconds)
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
    return raised.splice(0)
  }
  return {
    /** What is raised when the endpoint is looked at with this status. */
    look: (next: EndpointStatus, intents: OpenIntent[] = []): Promise<RaisedAlert[]> => {
      status = next
      open = intents
      return look(60)
    },
    /** The same with so many coins, when the purse is looked at. */
    lookInto: (purse: bigint): Promise<RaisedAlert[]> => {
      coins = purse
      return look(600)
    },
    /** The same with so many tokens, undefined where nobody tells, and so much offered as collateral. */
    lookAtTokens: (balance: bigint | undefined, collateral: bigint): Promise<RaisedAlert[]> => {
      tokens = balance
      offered = collateral
      return look(600)
    },
    disk,
    faults,
    /** What is raised when something is written down, or removed, and that is looked at. */
    lookAfter: async (...changes: readonly Change[]): Promise<RaisedAlert[]> => {
      for (const change of changes) await records.commit([change]).catch(() => undefined)
      return look(15)
    },
    /** Codes of alerts whose cause was over since the last call. */
    ended: () => over.splice(0),
  }
}

it('says of each trouble when it is over, once', async () => {
  const { look, lookInto, ended } = setup()
  await look({ state: 'connected', drift: 31 })
  await look({ state: 'unreachable', since: 1, problem: 'no answer' })
  expect(ended()).toEqual([])
  await look({ state: 'connected', drift: 31 })
  expect(ended()).toEqual(['market/unreachable', 'market/wrong-chain'])
  await look({ state: 'connected' })
  expect(ended()).toEqual(['market/clock-drift'])
  expect((await lookInto(LOW_COINS_WEI - 1n)).map(({ code }) => code)).toEqual(['wallet/low-coins'])
  await lookInto(LOW_COINS_WEI - 1n)
  expect(ended()).toEqual([])
  await lookInto(LOW_COINS_WEI)
  await lookInto(LOW_COINS_WEI)
  expect(ended()).toEqual(['wallet/low-coins'])
})

it('says when tokens are short of the collateral that is offered, once, and when they are not', async () => {
  const { lookAtTokens, ended } = setup()
  expect(await lookAtTokens(10n, 10n)).toEqual([])
  expect(await lookAtTokens(9n, 10n)).toEqual([
    {
      code: 'wallet/low-tokens',
      cause: expect.stringContaining('offer 10 wei as further collateral, the node key 0x12 has 9 wei'),
      atStake: undefined,
      action: 'Send tokens to the node key, or offer less collateral',
    },
  ])
  expect(await lookAtTokens(8n, 10n)).toEqual([])
  // Nobody knows: that is no end of it.
  expect([await lookAtTokens(undefined, 10n), ended()]).toEqual([[], []])
  expect([await lookAtTokens(8n, 8n), ended()]).toEqual([[], ['wallet/low-tokens']])
  expect((await lookAtTokens(8n, 9n)).map(({ code }) => code)).toEqual(['wallet/low-tokens'])
})

it('says when nothing can be written down for want of room, once, and when something was', async () => {
  const { disk, lookAfter, ended } = setup()
  const put: Change = { put: new Uint8Array([1]), value: new Uint8Array(10) }
  expect(await lookAfter(put)).toEqual([])
  disk.capacityBytes = 0
  expect(await lookAfter(put)).toEqual([
    {
      code: 'market/cannot-write',
      cause: expect.stringMatching(
        /^The disk, or the room that the browser gives this site, is full: .* without a record$/,
      ),
      atStake: 7n,
      action: 'Make room: remove datasets, or other files of this disk',
    },
  ])
  expect(await lookAfter(put)).toEqual([])
  // What says nothing of room is no end of it: no write at all, one among others that failed, and a removal.
  expect(await lookAfter()).toEqual([])
  expect(await lookAfter({ drop: new Uint8Array([2]) })).toEqual([])
  disk.capacityBytes = 20
  expect(await lookAfter(put, { put: new Uint8Array([3]), value: new Uint8Array(30) })).toEqual([])
  expect(ended()).toEqual([])
  expect([await lookAfter(put), ended()]).toEqual([[], ['market/cannot-write']])
  expect([await lookAfter(put), ended()]).toEqual([[], []])
  disk.capacityBytes = 0
  expect((await lookAfter(put)).map(({ code }) => code)).toEqual(['market/cannot-write'])
})

it('says of a store that fails what helps against that, and nothing of one that is closed', async () => {
  const { disk, faults, lookAfter } = setup()
  const put: Change = { put: new Uint8Array([1]), value: new Uint8Array(10) }
  faults.failAt(1, 'refused')
  expect(await lookAfter(put)).toMatchObject([
    { code: 'market/cannot-write', action: 'Check the disk, then start the node again' },
  ])
  expect(await lookAfter(put)).toEqual([])
  await disk.close()
  expect(await lookAfter(put)).toEqual([])
})

it("a machine's clock that is wrong is told once, with what to do", async () => {
  const { look } = setup()
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

it('events that an endpoint has no more are told of once', async () => {
  const { look } = setup()
  const told = await look({ state: 'connected', historyFrom: 7 })
  expect(told).toMatchObject([{ code: 'market/history-missing', cause: expect.stringContaining('before block 7') }])
  expect(await look({ state: 'connected', historyFrom: 7 })).toEqual([])
})

it('a transaction that is stuck is told of once, and another one too', async () => {
  const { look, ended } = setup()
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
  expect(ended()).toEqual([])
  expect((await look(connected, [intent(5, true)])).map(({ cause }) => cause)).toEqual(['nonce 5: raise the cap'])
  expect(await look(connected)).toEqual([])
  expect(ended()).toEqual(['market/stuck'])
  expect(await look(connected, [intent(5, true)])).toHaveLength(1)
})

it('what keeps a node from entering is known at once, told when it lasts, with what is at stake, and over when it has entered', async () => {
  const wall = new ManualClock(1_700_000_000)
  const told: Alert[] = []
  const watch = new EntryWatch({
    ...{ wall, atStake: async () => 7n },
    raise: (alert) => told.push(alert),
    over: (alert) => told.push(alert),
  })
  await watch.hear('nobody answers')
  expect(watch.waiting).toEqual({ since: 1_700_000_000, problem: 'nobody answers', atStake: 7n })
  expect(told).toEqual([])
  wall.advance(TOLD_AFTER_SECONDS)
  await watch.hear('still nobody answers')
  await watch.hear('still nobody answers')
  const raised = { code: 'market/unreachable', at: 1_700_000_010, atStake: 7n }
  expect(told).toMatchObject([{ ...raised, cause: 'The marketplace was not entered yet: still nobody answers' }])
  await watch.hear(undefined)
  expect(watch.waiting).toBeUndefined()
  expect(told.slice(1)).toMatchObject([{ ...raised, over: 1_700_000_010 }])
  await watch.hear(undefined)
  expect(told).toHaveLength(2)
})
