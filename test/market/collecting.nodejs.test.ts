// Collecting on a real chain whose time is not what the endpoint says, or goes back: nothing may be sent into a block before the end.

import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import type { EthersMarket, EthersMarketParts } from '../../src/market/ethersmarket.ts'
import type { RpcLines } from '../../src/market/rpclines.ts'
import { nodeLines } from '../../src/platform/nodejs/nodelines.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { ChainWorld, keyOf, LONG_PERIODS, never, PROOF, slotsOf } from './chainworld.ts'
import { fastClock } from './fastclock.ts'

const SPEED = 10

let world: ChainWorld
let client: EthersMarket

beforeAll(async () => {
  world = await ChainWorld.start({ configuration: LONG_PERIODS })
  client = await world.open(0)
})
afterAll(() => world.stop())

function rpc<T = unknown>(method: string, ...params: unknown[]): Promise<T> {
  return world.anvil.rpc.call<T>(method, params)
}

async function open(account: number, parts: Partial<EthersMarketParts> = {}): Promise<EthersMarket> {
  const market = await world.open(account, { pollSeconds: 1 }, { clock: fastClock(SPEED), ...parts })
  onTestFinished(() => market.stop())
  return market
}

/** A started request of one slot, hosted by `host`. */
async function hosted(host: EthersMarket) {
  const request = world.request(client.host, { slots: 1n, maxSlotLoss: 0n, duration: 1000n }, 500n)
  await client.requestStorage(request, never)
  const { id, slot } = slotsOf(request)
  await host.reserveSlot({ requestId: id, slotIndex: 0 }, never)
  expect(await host.fillSlot({ requestId: id, slotIndex: 0 }, PROOF, never)).toMatchObject({ done: true })
  return { slot: slot(0), end: (await host.requestEnd(id, never)) as number }
}

async function mineAt(time: number): Promise<void> {
  await rpc('evm_setNextBlockTimestamp', time)
  await world.mine()
}

/** Lines that do `first` before a transaction leaves. */
function before(first: () => Promise<unknown>): RpcLines {
  return {
    connect: (...args) => nodeLines.connect(...args),
    async post(url, body, options) {
      if (body.includes('eth_sendRawTransaction')) await first()
      return nodeLines.post(url, body, options)
    },
  }
}

/** Its books say that it was withdrawn. */
async function waitForCancel(host: EthersMarket): Promise<void> {
  await expect.poll(() => host.openIntents()).toEqual([])
}

it.each([-1, 0])(
  'sends nothing while the newest block is %i seconds from the end, whatever pending says',
  async (at) => {
    const { slot, end } = await hosted(await open(4))
    const lines = before(() => rpc('evm_setNextBlockTimestamp', end))
    const host = await open(4, { lines })
    await mineAt(end + at)
    await rpc('evm_setNextBlockTimestamp', end + 2)
    expect(await host.slotState(slot, never)).toBe('Finished')
    const sent = await rpc('eth_getTransactionCount', host.host, 'latest')
    expect(await host.collect(slot, never)).toMatchObject({ done: false, why: 'not over yet' })
    expect(await rpc('eth_getTransactionCount', host.host, 'latest')).toBe(sent)
    await mineAt(end + 1)
    const collector = await open(4)
    const collateral = await collector.currentCollateral(slot, never)
    const outcome = await collector.collect(slot, never)
    expect(outcome).toMatchObject({ done: true })
    expect(outcome.done && outcome.transaction.received).toBeGreaterThan(collateral)
  },
)

it('pays the reward to whom it was told to, and the collateral back to the key', async () => {
  const rewardRecipient = keyOf(7).address
  const host = await world.open(4, { pollSeconds: 1, rewardRecipient }, { clock: fastClock(SPEED) })
  const { slot, end } = await hosted(host)
  await mineAt(end + 1)
  const collateral = await host.currentCollateral(slot, never)
  const before = await host.tokenBalance(never)
  expect(await world.tokensOf(rewardRecipient)).toBe(0n)
  const outcome = await host.collect(slot, never)
  const received = outcome.done ? outcome.transaction.received : 0n
  expect(received).toBeGreaterThan(collateral)
  expect(await world.tokensOf(rewardRecipient)).toBe(received - collateral)
  expect(await host.tokenBalance(never)).toBe(before + collateral)
})

it('tells what was paid though the endpoint has lost the receipt since', async () => {
  const { slot, end } = await hosted(await open(4))
  let told = 0
  const lines: RpcLines = {
    connect: (...args) => nodeLines.connect(...args),
    async post(url, body, options) {
      const answer = await nodeLines.post(url, body, options)
      if (!body.includes('eth_getTransactionReceipt') || !answer.body.includes('"logs":[{')) return answer
      return told++ === 0
        ? answer
        : { ...answer, body: answer.body.replace(/"result":\{.*?\}(?=\})/g, '"result":null') }
    },
  }
  await mineAt(end + 1)
  const host = await open(4, { lines })
  const outcome = await host.collect(slot, never)
  expect(outcome.done && outcome.transaction.received).toBeGreaterThan(5000n)
})

it('tells later what a slot brought, in the next run too; nothing of what it did not collect', async () => {
  const datastore = new MemoryDatastore()
  const host = await open(4, { datastore })
  const { slot, end } = await hosted(host)
  const other = await hosted(host)
  await mineAt(end + 1)
  expect(await host.collected(slot, never)).toBeUndefined()
  const before = await host.tokenBalance(never)
  expect(await host.collect(slot, never)).toMatchObject({ done: true })
  const received = (await host.tokenBalance(never)) - before
  expect(received).toBeGreaterThan(0n)
  expect(await host.collected(slot, never)).toBe(received)
  expect(await host.collected(other.slot, never)).toBeUndefined()
  await host.stop()
  const next = await open(4, { datastore })
  expect(await next.collected(slot, never)).toBe(received)
  const stranger = await open(4)
  expect(await stranger.collected(slot, never)).toBeUndefined()
})

it.each([
  ['by the same run', false],
  ['by the next one', true],
])('taken back into a time before the end, is withdrawn, and done anew after it, %s', async (_, isRestarted) => {
  const datastore = new MemoryDatastore()
  const host = await open(4, { datastore })
  const { slot, end } = await hosted(host)
  for (const time of [end - 20, end - 5, end + 1, end + 2]) await mineAt(time)
  const before = await host.tokenBalance(never)
  const outcome = await host.collect(slot, never)
  const received = outcome.done ? outcome.transaction.received : 0n
  expect(received).toBeGreaterThan(0n)
  const sent = await rpc('eth_getTransactionCount', host.host, 'latest')
  // The block of the collect, and all of those but the first.
  await rpc('anvil_rollback', 4)
  await mineAt(end - 15)
  // The cancel is mined at once, and a block early enough.
  await expect.poll(() => rpc('eth_getTransactionCount', host.host, 'latest'), { timeout: 20_000 }).toBe(sent)
  expect(await world.blockTime()).toBeLessThan(end)
  expect(await host.hostOf(slot, never)).toBe(host.host)
  expect(await host.slotState(slot, never)).toBe('Filled')
  let after = host
  if (isRestarted) {
    await waitForCancel(host)
    await host.stop()
    after = await open(4, { datastore })
  }
  await mineAt(end + 5)
  await expect.poll(() => after.slotState(slot, never), { timeout: 20_000 }).toBe('Paid')
  expect(await after.tokenBalance(never)).toBe(before + received)
})
