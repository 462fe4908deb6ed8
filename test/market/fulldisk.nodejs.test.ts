// A disk that is full while slots are held: proofs go out all the same, whatever moves money does not, and the next start copes with what nobody wrote down.

import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { EthersMarket, EthersMarketParts, EthersMarketSettings } from '../../src/market/ethersmarket.ts'
import { NodeKey } from '../../src/market/nodekey.ts'
import { type NodeEvents, Trade, type TradeNeeds } from '../../src/trade.ts'
import { TypedEvents } from '../../src/lib/typedevents.ts'
import { CappedDatastore } from '../fakes/cappeddatastore.ts'
import { FaultyDatastore } from '../fakes/faultydatastore.ts'
import { ChainWorld, LONG_PERIODS, never, PROOF, RICH, slotsOf } from './chainworld.ts'
import { fastClock } from './fastclock.ts'

const SPEED = 10
const COIN = 10n ** 18n
const ROOM = 1_000_000
const NOBODY = `0x${'ab'.repeat(20)}`
const SENT_UNWRITTEN = 'a proof is sent though it cannot be written down; make room on the disk'

let world: ChainWorld
let client: EthersMarket

beforeAll(async () => {
  world = await ChainWorld.start({ configuration: LONG_PERIODS })
  client = await world.open(0)
})
afterAll(() => world.stop())
afterEach(() => rpc('evm_setAutomine', true))

function rpc<T = unknown>(method: string, ...params: unknown[]): Promise<T> {
  return world.anvil.rpc.call<T>(method, params)
}

let keys = 9000
async function freshKey(): Promise<NodeKey> {
  const key = NodeKey.fromPrivateKey((++keys).toString(16).padStart(64, '0'))
  await rpc('anvil_setBalance', key.address, `0x${(100n * COIN).toString(16)}`)
  await world.mint(key.address, RICH)
  return key
}

async function open(
  parts: Partial<EthersMarketParts>,
  settings: Partial<EthersMarketSettings> = {},
): Promise<EthersMarket> {
  const market = await world.open(1, { pollSeconds: 1, ...settings }, { clock: fastClock(SPEED), ...parts })
  onTestFinished(() => market.stop())
  return market
}

async function nonceOf({ address }: Pick<NodeKey, 'address'>, block = 'latest'): Promise<number> {
  return Number(await rpc<string>('eth_getTransactionCount', address, block))
}

/** A slot that `market` has filled, in a period that has just begun and owes a proof. */
async function due(market: EthersMarket) {
  const request = world.request(client.host)
  await client.requestStorage(request, never)
  const { id, slot } = slotsOf(request)
  await market.reserveSlot({ requestId: id, slotIndex: 0 }, never)
  expect(await market.fillSlot({ requestId: id, slotIndex: 0 }, PROOF, never)).toMatchObject({ done: true })
  const period = market.periodicity.periodOf(await world.blockTime()) + 1
  await world.jumpTo(market.periodicity.startOf(period) + 1, market)
  return { id, slot: slot(0), period }
}

/** Beside the one of the fill. */
async function proofsOf(market: EthersMarket, slotId: string): Promise<number> {
  let proofs = -1
  for await (const event of market.pastEvents({ from: 0, ...never }))
    if (event.type === 'ProofSubmitted' && event.slotId === slotId) proofs++
  return proofs
}

/** A market with a proof due, and a way to take the room away from its journal for good. */
const TROUBLES = {
  'datastore/full': async () => {
    const datastore = new CappedDatastore(ROOM)
    return { datastore, begin: () => (datastore.capacityBytes = 0) }
  },
  'datastore/failed': async () => {
    const datastore = new FaultyDatastore(new CappedDatastore(ROOM))
    return { datastore, begin: () => datastore.failAt(1, 'refused', true) }
  },
}

describe.each(['datastore/full', 'datastore/failed'] as const)('%s', (code) => {
  it('keeps no proof back, and lets nothing go that moves money', async () => {
    const { datastore, begin } = await TROUBLES[code]()
    const market = await open({ key: await freshKey(), datastore })
    const { id, slot, period } = await due(market)
    begin()
    const before = await nonceOf({ address: market.host })
    const acts = [
      () => market.reserveSlot({ requestId: id, slotIndex: 1 }, never),
      () => market.requestStorage(world.request(market.host), never),
      () => market.sendTokens(NOBODY, 1n, never),
      () => market.sendCoins(NOBODY, 1n, never),
    ]
    for (const act of acts) await expect(act()).rejects.toMatchObject({ code })
    expect(await nonceOf({ address: market.host }, 'pending')).toBe(before)
    expect(await market.submitProof(slot, period, PROOF, never)).toMatchObject({ done: true })
    expect([await proofsOf(market, slot), market.openIntents()]).toEqual([1, []])
    expect(world.records.filter(({ message }) => message === SENT_UNWRITTEN).at(-1)).toMatchObject({ level: 'error' })
  })
})

it('counts what proofs cost against the daily cap, though that cannot be written down', async () => {
  const datastore = new CappedDatastore(ROOM)
  const market = await open({ key: await freshKey(), datastore })
  const { slot, period } = await due(market)
  const { takenWei } = market.spending()
  datastore.capacityBytes = 0
  const proven = await market.submitProof(slot, period, PROOF, never)
  if (!proven.done) throw new Error(proven.why)
  expect(market.spending().takenWei).toBe(takenWei + proven.transaction.feeWei)
})

it('is no reason not to offer more for a proof that is stuck', async () => {
  const datastore = new CappedDatastore(ROOM)
  const market = await open({ key: await freshKey(), datastore }, { stuckSeconds: 5 })
  const { slot, period } = await due(market)
  datastore.capacityBytes = 0
  await rpc('evm_setAutomine', false)
  const proving = market.submitProof(slot, period, PROOF, never)
  await expect.poll(() => market.openIntents()[0]?.hashes.length ?? 0).toBeGreaterThan(1)
  await rpc('evm_setAutomine', true)
  await world.mine()
  expect(await proving).toMatchObject({ done: true })
})

it('is told as an alert, which is over once something could be written', async () => {
  const datastore = new CappedDatastore(ROOM)
  const { endpoint: url } = world.anvil
  const parts = world.parts(1, { clock: fastClock(SPEED), datastore, key: await freshKey() })
  // In no role, so it needs no more of a node.
  const needs = { ...parts, events: new TypedEvents<NodeEvents>(), waits: () => undefined } as unknown as TradeNeeds
  const chain = { url, marketplace: world.deployment.marketplace, pollSeconds: 1 }
  const trade = await Trade.open(needs, { chain, key: parts.key }, never)
  onTestFinished(() => trade.stop())
  // The clock of the test runs away from the chain's, which is another alert.
  const told = () => trade.alerts.filter(({ code }) => code === 'market/cannot-write')
  const alerts = () => told().map(({ over }) => (over === undefined ? 'lasts' : 'over'))
  datastore.capacityBytes = 0
  await expect(trade.market.sendTokens(NOBODY, 1n, never)).rejects.toMatchObject({ code: 'datastore/full' })
  await expect.poll(alerts).toEqual(['lasts'])
  datastore.capacityBytes = ROOM
  await trade.market.sendTokens(NOBODY, 1n, never)
  await expect.poll(alerts).toEqual(['over'])
})

describe('a start that knows nothing of a proof that was sent', () => {
  async function killedAfterSending() {
    const [key, datastore] = [await freshKey(), new CappedDatastore(ROOM)]
    const market = await open({ key, datastore })
    const { slot, period } = await due(market)
    const nonce = await nonceOf(key)
    datastore.capacityBytes = 0
    await rpc('evm_setAutomine', false)
    const proving = expect(market.submitProof(slot, period, PROOF, never)).rejects.toMatchObject({
      code: 'market/stopped',
    })
    await expect.poll(() => nonceOf(key, 'pending')).toBe(nonce + 1)
    await market.stop()
    await proving
    datastore.capacityBytes = ROOM
    return { key, datastore, slot, period, nonce }
  }

  it('sends behind it while it waits', async () => {
    const { key, datastore, slot, nonce } = await killedAfterSending()
    const again = await open({ key, datastore })
    expect(again.openIntents()).toEqual([])
    const paying = again.sendTokens(NOBODY, 5n, never)
    await expect.poll(() => again.openIntents().map((intent) => intent.nonce)).toEqual([nonce + 1])
    await rpc('evm_setAutomine', true)
    await world.mine()
    await paying
    expect([await nonceOf(key), await proofsOf(again, slot)]).toEqual([nonce + 2, 1])
  })

  it('sends it anew where the chain forgot it', async () => {
    const { key, datastore, slot, period, nonce } = await killedAfterSending()
    await rpc('anvil_dropAllTransactions')
    await rpc('evm_setAutomine', true)
    const again = await open({ key, datastore })
    expect(await again.submitProof(slot, period, PROOF, never)).toMatchObject({ done: true })
    expect([await nonceOf(key), await proofsOf(again, slot)]).toEqual([nonce + 1, 1])
  })

  it('lets its nonce go to one of the two, where the endpoint did not know it', async () => {
    const { key, datastore, slot, nonce } = await killedAfterSending()
    const [proof] = Object.values(
      (await rpc<{ pending: Record<string, Record<string, { hash: string }>> }>('txpool_content')).pending,
    ).flatMap((byNonce) => Object.values(byNonce))
    const raw = await rpc<string>('eth_getRawTransactionByHash', proof?.hash)
    await rpc('anvil_dropAllTransactions')
    const to = `0x${keys.toString(16).padStart(40, 'e')}`
    const again = await open({ key, datastore })
    const paying = again.sendTokens(to, 5n, never)
    await expect.poll(() => again.openIntents().map((intent) => intent.nonce)).toEqual([nonce])
    await expect.poll(() => nonceOf(key, 'pending')).toBe(nonce + 1)
    const ended = expect(paying).rejects.toMatchObject({ code: 'market/replaced', detail: { isProven: true } })
    await rpc('anvil_dropAllTransactions')
    await rpc('eth_sendRawTransaction', raw)
    await rpc('evm_setAutomine', true)
    await world.mine()
    await ended
    expect([await nonceOf(key), await proofsOf(again, slot), await world.tokensOf(to)]).toEqual([nonce + 1, 1, 0n])
  })
})
