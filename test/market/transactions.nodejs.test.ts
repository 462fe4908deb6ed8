// Transactions on a real chain: one sequence of nonces, dropped, stuck, replaced, failed, withdrawn, capped.

import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { Interface } from 'ethers'
import { CodexError } from '../../src/lib/errors.ts'
import type { EthersMarket, EthersMarketParts, EthersMarketSettings } from '../../src/market/ethersmarket.ts'
import type { ContractEvent } from '../../src/market/marketevent.ts'
import { TOKEN_ABI } from '../../src/market/marketplaceabi.ts'
import { NodeKey } from '../../src/market/nodekey.ts'
import { MAX_ATTEMPTS, RESEND_SECONDS } from '../../src/market/urging.ts'
import { nodeLines } from '../../src/platform/nodejs/nodelines.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { ChainWorld, LONG_PERIODS, never, PROOF, RICH, slotsOf, ZERO_PROOF } from './chainworld.ts'
import { FaultyDatastore } from '../fakes/faultydatastore.ts'
import { DyingLines } from './dyinglines.ts'
import { fastClock } from './fastclock.ts'
import { FaultyProxy } from './faultyproxy.ts'
import { HeldLines } from './heldlines.ts'

const SPEED = 10
const COIN = 10n ** 18n
/** Selectors of `slotState` and `fillSlot`. */
const SLOT_STATE = '0xbe5cdc48'
const FILL_SLOT = '0x1d873c1b'
const GWEI = '0x3b9aca00'
const NOBODY = `0x${'ab'.repeat(20)}`

let world: ChainWorld
let client: EthersMarket

beforeAll(async () => {
  world = await ChainWorld.start({ configuration: LONG_PERIODS })
  client = await world.open(0)
})
afterAll(() => world.stop())
afterEach(async () => {
  await rpc('evm_setIntervalMining', 0)
  await rpc('evm_setAutomine', true)
})

function rpc<T = unknown>(method: string, ...params: unknown[]): Promise<T> {
  return world.anvil.rpc.call<T>(method, params)
}

let keys = 1000
/** A key of its own, with coins and tokens, so that no test knows another's nonces. */
async function freshKey(settings: ConstructorParameters<typeof Object>[0] = {}): Promise<NodeKey> {
  const key = NodeKey.fromPrivateKey((++keys).toString(16).padStart(64, '0'), settings as object)
  await rpc('anvil_setBalance', key.address, `0x${(100n * COIN).toString(16)}`)
  await world.mint(key.address, RICH)
  return key
}

async function open(
  settings: Partial<EthersMarketSettings> = {},
  parts: Partial<EthersMarketParts> = {},
): Promise<EthersMarket> {
  const market = await world.open(
    1,
    { pollSeconds: 1, ...settings },
    { clock: fastClock(SPEED), key: await freshKey(), ...parts },
  )
  onTestFinished(() => market.stop())
  return market
}

async function nonceOf(address: string): Promise<number> {
  return Number(await rpc<string>('eth_getTransactionCount', address, 'latest'))
}

async function requested(ask = {}): Promise<ReturnType<typeof slotsOf>> {
  const request = world.request(client.host, ask)
  await client.requestStorage(request, never)
  return slotsOf(request)
}

async function waiting(market: EthersMarket, count: number): Promise<readonly string[]> {
  await expect.poll(() => market.openIntents().length).toBe(count)
  return market.openIntents().flatMap(({ hashes }) => hashes)
}

/** What was sent is forgotten, and does not come into the next block either, should it be sent again before that. @returns its hash */
async function dropped(market: EthersMarket): Promise<string | undefined> {
  const [act] = await waiting(market, 1)
  await expect.poll(() => rpc('eth_getTransactionByHash', act)).not.toBeNull()
  const { maxFeePerGas } = await rpc<{ maxFeePerGas: string }>('eth_getTransactionByHash', act)
  await rpc('anvil_setNextBlockBaseFeePerGas', `0x${(BigInt(maxFeePerGas) + 1n).toString(16)}`)
  await rpc('anvil_dropAllTransactions')
  return act
}

/** At the same time. */
const MANY = import.meta.env['LONG'] ? 200 : 60

describe('nonces (T22)', () => {
  it.each(import.meta.env['LONG'] ? ['at once', 'each second'] : ['each second'])(
    `${MANY} transactions at the same time, mined %s, are dense and all land`,
    async (when) => {
      if (when === 'each second') {
        await rpc('evm_setAutomine', false)
        await rpc('evm_setIntervalMining', 1)
      }
      const market = await open()
      const landed = await Promise.all(
        Array.from({ length: MANY }, (_, i) => market.sendCoins(NOBODY, BigInt(i + 1), never)),
      )
      expect(new Set(landed.map(({ hash }) => hash)).size).toBe(MANY)
      expect(await nonceOf(market.host)).toBe(MANY)
      expect(market.openIntents()).toEqual([])
    },
  )

  it('so are reservations, fills and payments side by side', async () => {
    const market = await open()
    await approveAll(market)
    const each = import.meta.env['LONG'] ? 50 : 10
    const { id } = await requested({ slots: BigInt(2 * each) })
    const slots = Array.from({ length: 2 * each }, (_, slotIndex) => ({ requestId: id, slotIndex }))
    await Promise.all(slots.slice(0, each).map((slot) => market.reserveSlot(slot, never)))
    const before = await nonceOf(market.host)
    await rpc('evm_setAutomine', false)
    await rpc('evm_setIntervalMining', 1)
    const acts = slots
      .slice(0, each)
      .flatMap((slot, i) => [
        market.fillSlot(slot, PROOF, never).then((outcome) => (outcome.done ? outcome.transaction : undefined)),
        market.reserveSlot(slots[each + i] ?? slot, never).then(({ done }) => (done ? undefined : 'refused')),
        market.sendTokens(NOBODY, 1n, never),
        market.sendCoins(NOBODY, 1n, never),
      ])
    const ends = await Promise.all(acts)
    expect(ends.filter((end) => end === 'refused')).toEqual([])
    expect(ends.filter((end) => end === undefined)).toHaveLength(each)
    expect(await nonceOf(market.host)).toBe(before + 4 * each)
    expect(market.openIntents()).toEqual([])
  })

  it('a refusal by the contract takes no nonce, in the midst of others', async () => {
    const market = await open()
    const { id } = await requested()
    const reserve = (slotIndex: number) => market.reserveSlot({ requestId: id, slotIndex }, never)
    expect(await reserve(0)).toMatchObject({ done: true })
    const outcomes = await Promise.all([reserve(0), market.sendCoins(NOBODY, 1n, never), reserve(0), reserve(1)])
    expect(outcomes).toMatchObject(
      [{ done: false }, { hash: /^0x/ }, { done: false }, { done: true }].map((one) => ('hash' in one ? {} : one)),
    )
    expect(await nonceOf(market.host)).toBe(3)
  })

  it('the same act asked for twice at once is sent once', async () => {
    const market = await open()
    const { id } = await requested()
    const twice = [1, 2].map(() => market.reserveSlot({ requestId: id, slotIndex: 0 }, never))
    const [one, two] = await Promise.all(twice)
    expect(one).toMatchObject({ done: true })
    expect(two).toEqual(one)
    expect(await nonceOf(market.host)).toBe(1)
  })

  it('an abort before signing sends nothing, one after it changes nothing', async () => {
    const market = await open()
    const early = new AbortController()
    const sending = market.sendCoins(NOBODY, 1n, early)
    early.abort(new Error('changed my mind'))
    await expect(sending).rejects.toThrow('changed my mind')
    await rpc('evm_setAutomine', false)
    const late = new AbortController()
    const sent = market.sendCoins(NOBODY, 1n, late)
    await waiting(market, 1)
    late.abort(new Error('too late'))
    await world.mine()
    expect(await sent).toMatchObject({ hash: expect.stringMatching(/^0x/) })
    expect(await nonceOf(market.host)).toBe(1)
  })

  it('goes on behind transactions that others sent with the key', async () => {
    const market = await open()
    await market.sendCoins(NOBODY, 1n, never)
    const stranger = await open({}, { key: NodeKey.fromPrivateKey(keys.toString(16).padStart(64, '0')) })
    await stranger.sendCoins(NOBODY, 1n, never)
    await market.sendCoins(NOBODY, 1n, never)
    expect(await nonceOf(market.host)).toBe(3)
  })
})

describe('a transaction that does not come into a block', () => {
  it('is sent again when it was dropped', async () => {
    await rpc('evm_setAutomine', false)
    const market = await open()
    const sending = market.sendCoins(NOBODY, 1n, never)
    const [hash] = await waiting(market, 1)
    await expect.poll(() => rpc('eth_getTransactionByHash', hash)).not.toBeNull()
    await rpc('anvil_dropTransaction', hash)
    await expect.poll(() => rpc('eth_getTransactionByHash', hash)).not.toBeNull()
    await world.mine()
    expect((await sending).hash).toBe(hash)
  })

  it('is offered more for when it is stuck, under the same nonce', async () => {
    await rpc('evm_setAutomine', false)
    const market = await open({ stuckSeconds: 5 })
    const sending = market.sendCoins(NOBODY, 5n, never)
    const [first] = await waiting(market, 1)
    await expect.poll(async () => (await waiting(market, 1)).length).toBeGreaterThan(1)
    await expect.poll(() => rpc('eth_getTransactionByHash', first)).toBeNull()
    await rpc('evm_setAutomine', true)
    await world.mine()
    const { hash } = await sending
    expect(hash).not.toBe(first)
    expect(await nonceOf(market.host)).toBe(1)
  })

  it('is never offered more than the cap', async () => {
    await rpc('evm_setAutomine', false)
    const baseFee = BigInt(
      (await rpc<{ baseFeePerGas: string }>('eth_getBlockByNumber', 'latest', false)).baseFeePerGas,
    )
    const key = await freshKey({ maxGasPriceWei: baseFee + 1_200_000_000n })
    await world.mine()
    const market = await open({ stuckSeconds: 2 }, { key })
    const sending = market.sendCoins(NOBODY, 5n, never)
    const failed = expect(sending).rejects.toMatchObject({ code: 'market/stopped' })
    await waiting(market, 1)
    const before = market.requests
    await expect.poll(() => market.requests).toBeGreaterThan(before + 15)
    for (const hash of await waiting(market, 1)) {
      const found = await rpc<{ maxFeePerGas: string } | null>('eth_getTransactionByHash', hash)
      if (found !== null) expect(BigInt(found.maxFeePerGas)).toBeLessThanOrEqual(key.maxGasPriceWei)
    }
    await market.stop()
    await failed
    await rpc('anvil_dropAllTransactions')
  })

  it('is not offered more for beyond the cap of the day', async () => {
    await rpc('evm_setAutomine', false)
    const market = await open({ stuckSeconds: 3, maxDailySpendWei: (COIN * 5n) / 4n })
    // Of the four fifths that are not for duties it leaves nothing for a second form of gas at a higher price.
    const balance = BigInt(await rpc<string>('eth_getBalance', market.host, 'latest'))
    const { baseFeePerGas } = await rpc<{ baseFeePerGas: string }>('eth_getBlockByNumber', 'latest', false)
    const gas = 21_000n * (2n * BigInt(baseFeePerGas) + 10n ** 9n)
    expect(balance).toBeGreaterThan(COIN)
    const sending = market.sendCoins(NOBODY, COIN - (gas * 9n) / 8n, never)
    await waiting(market, 1)
    await expect.poll(() => market.openIntents()[0]?.stuck?.detail).toMatchObject({ cap: 'wallet/daily-cap' })
    expect(await waiting(market, 1)).toHaveLength(1)
    await rpc('evm_setAutomine', true)
    await world.mine()
    await sending
  })

  it("is neither kept back nor withdrawn because the machine's clock was set", async () => {
    const clock = fastClock(SPEED)
    const market = await open({}, { clock })
    const { id, slot } = await requested()
    await market.reserveSlot({ requestId: id, slotIndex: 0 }, never)
    await market.fillSlot({ requestId: id, slotIndex: 0 }, PROOF, never)
    const period = market.periodicity.periodOf(await world.blockTime()) + 1
    await world.jumpTo(market.periodicity.startOf(period) + 1, market)
    await rpc('evm_setAutomine', false)
    clock.setOn(1_000_000)
    const sending = market.submitProof(slot(0), period, PROOF, never)
    await waiting(market, 1)
    const before = market.requests
    await expect.poll(() => market.requests).toBeGreaterThan(before + 10)
    expect(await waiting(market, 1)).toHaveLength(1)
    await rpc('evm_setAutomine', true)
    await world.mine()
    expect(await sending).toMatchObject({ done: true })
  })

  it('is told as replaced when another one took its nonce', async () => {
    await rpc('evm_setAutomine', false)
    const key = await freshKey()
    const market = await open({}, { key })
    const sending = market.sendCoins(NOBODY, 1n, never)
    const refused = expect(sending).rejects.toMatchObject({ code: 'market/replaced' })
    await waiting(market, 1)
    await rpc('anvil_impersonateAccount', key.address)
    const fee = `0x${(100n * 10n ** 9n).toString(16)}`
    await rpc('eth_sendTransaction', {
      from: key.address,
      to: NOBODY,
      nonce: '0x0',
      gas: '0x5208',
      maxFeePerGas: fee,
      maxPriorityFeePerGas: fee,
    })
    await world.mine()
    await refused
    expect(market.openIntents()).toEqual([])
  })

  it('is withdrawn when it is of no use any more', async () => {
    const market = await open()
    const { id, slot } = await requested()
    await market.reserveSlot({ requestId: id, slotIndex: 0 }, never)
    expect(await market.fillSlot({ requestId: id, slotIndex: 0 }, PROOF, never)).toMatchObject({ done: true })
    const start = market.periodicity.endOf(market.periodicity.periodOf(market.clock.now())) + 1
    await world.jumpTo(start, market)
    await rpc('evm_setAutomine', false)
    const sending = market.submitProof(slot(0), market.periodicity.periodOf(start), PROOF, never)
    await dropped(market)
    await world.jumpTo(start + market.periodicity.seconds, market)
    await expect.poll(async () => (await waiting(market, 1)).length).toBeGreaterThan(1)
    await rpc('evm_setAutomine', true)
    await world.mine()
    expect(await sending).toMatchObject({ done: false, why: 'period over' })
    expect(await proofsOf(market, slot(0))).toBe(1)
  })

  it('is withdrawn with the period that its proof is for, of a fill; the next period takes another proof', async () => {
    const market = await open()
    const { id, slot } = await requested()
    await approveAll(market)
    await market.reserveSlot({ requestId: id, slotIndex: 0 }, never)
    const start = market.periodicity.endOf(market.periodicity.periodOf(market.clock.now())) + 1
    await world.jumpTo(start, market)
    await rpc('evm_setAutomine', false)
    const sending = market.fillSlot({ requestId: id, slotIndex: 0 }, PROOF, never)
    await dropped(market)
    await world.jumpTo(start + market.periodicity.seconds, market)
    await expect.poll(async () => (await waiting(market, 1)).length).toBeGreaterThan(1)
    await rpc('evm_setAutomine', true)
    await world.mine()
    expect(await sending).toMatchObject({ done: false, why: 'period over' })
    expect(await market.slotState(slot(0), never)).toBe('Free')
    expect(await market.fillSlot({ requestId: id, slotIndex: 0 }, PROOF, never)).toMatchObject({ done: true })
  })

  it('is not sent when the machine slept before it was: what the chain said then is old', async () => {
    const clock = fastClock(SPEED)
    let sleep: (() => Promise<void>) | undefined
    class SleepyDatastore extends MemoryDatastore {
      override async commit(...args: Parameters<MemoryDatastore['commit']>): Promise<void> {
        await super.commit(...args)
        const once = sleep
        sleep = undefined
        await once?.()
      }
    }
    const market = await open({}, { clock, datastore: new SleepyDatastore() })
    const { id, slot } = await requested()
    await market.reserveSlot({ requestId: id, slotIndex: 0 }, never)
    expect(await market.fillSlot({ requestId: id, slotIndex: 0 }, PROOF, never)).toMatchObject({ done: true })
    const start = market.periodicity.endOf(market.periodicity.periodOf(market.clock.now())) + 1
    await world.jumpTo(start, market)
    const nonce = await nonceOf(market.host)
    // Signed and journaled, and then the machine sleeps into the next period.
    sleep = async () => {
      clock.setOn(market.periodicity.seconds)
      await world.jumpTo(start + market.periodicity.seconds)
    }
    const period = market.periodicity.periodOf(start)
    expect(await market.submitProof(slot(0), period, PROOF, never)).toMatchObject({ done: false, why: 'period over' })
    expect([await nonceOf(market.host), market.openIntents()]).toEqual([nonce, []])
    // It goes on with what the chain says now.
    expect(await market.submitProof(slot(0), period + 1, PROOF, never)).toMatchObject({ done: true })
  })

  it('is not sent again when the next block would come too late for it', async () => {
    const market = await open()
    const { slot, period, end } = await due(market)
    await world.jumpTo(end - 5, market)
    const nonce = await nonceOf(market.host)
    await rpc('evm_setAutomine', false)
    const sending = market.submitProof(slot, period, PROOF, never)
    const [hash] = await waiting(market, 1)
    await expect.poll(() => rpc('eth_getTransactionByHash', hash)).not.toBeNull()
    await rpc('evm_setNextBlockTimestamp', end + 1)
    await rpc('anvil_dropTransaction', hash)
    const until = market.clock.now() + 2 * RESEND_SECONDS
    await expect.poll(() => market.clock.now()).toBeGreaterThan(until)
    expect(await rpc('eth_getTransactionByHash', hash)).toBeNull()
    await world.mine()
    await rpc('evm_setAutomine', true)
    expect(await sending).toMatchObject({ done: false, why: 'period over' })
    // The cancel alone.
    expect([await nonceOf(market.host), await proofsOf(market, slot)]).toEqual([nonce + 1, 1])
  })

  it('has a cancel left when its forms are used up', async () => {
    const lines = new HeldLines()
    const market = await open({ stuckSeconds: 1 }, { lines })
    const { slot, period, end } = await due(market)
    const nonce = await nonceOf(market.host)
    // So that no block can hold one of them, whenever it is mined.
    lines.isHolding = true
    const sending = market.submitProof(slot, period, PROOF, never)
    await expect.poll(async () => (await waiting(market, 1)).length).toBe(MAX_ATTEMPTS)
    // And that is told of.
    await expect.poll(() => market.openIntents()[0]?.stuck?.message).toContain(`${MAX_ATTEMPTS} times`)
    await world.jumpTo(end)
    await expect.poll(async () => (await waiting(market, 1)).length).toBeGreaterThan(MAX_ATTEMPTS)
    lines.isHolding = false
    expect(await sending).toMatchObject({ done: false, why: 'period over' })
    expect([await nonceOf(market.host), await proofsOf(market, slot)]).toEqual([nonce + 1, 1])
  })

  it('and cannot be withdrawn for the cap on gas is told of, and withdrawn once the cap is raised', async () => {
    const [key, datastore] = [await freshKey(), new MemoryDatastore()]
    const secret = keys.toString(16).padStart(64, '0')
    const market = await open({}, { key, datastore })
    const { slot, period, end } = await due(market)
    const nonce = await nonceOf(key.address)
    await rpc('evm_setAutomine', false)
    const sending = market.submitProof(slot, period, PROOF, never)
    const stopped = expect(sending).rejects.toMatchObject({ code: 'market/stopped' })
    const [act] = await waiting(market, 1)
    await expect.poll(() => rpc('eth_getTransactionByHash', act)).not.toBeNull()
    await market.stop()
    await stopped
    // It waits in the node for ever: blocks ask for more than it offers, and whoever replaces it has to offer more.
    const { maxFeePerGas } = await rpc<{ maxFeePerGas: string }>('eth_getTransactionByHash', act)
    await rpc('anvil_setNextBlockBaseFeePerGas', `0x${(BigInt(maxFeePerGas) + 1n).toString(16)}`)
    await world.jumpTo(end)
    const poor = NodeKey.fromPrivateKey(secret, { maxGasPriceWei: BigInt(maxFeePerGas) })
    const capped = await open({ stuckSeconds: 5 }, { key: poor, datastore })
    await expect
      .poll(() => capped.openIntents()[0]?.stuck)
      .toMatchObject({
        code: 'market/stuck',
        detail: { verb: 'submitProof', nonce },
        message: expect.stringContaining(`the cap of ${BigInt(maxFeePerGas)} wei leaves no room`) as string,
      })
    expect(world.records.filter(({ message }) => message === 'a transaction is stuck').at(-1)).toMatchObject({
      level: 'error',
    })
    // One cancel for the same price, which the node does not take.
    expect(await waiting(capped, 1)).toHaveLength(2)
    await capped.stop()
    const rich = await open({ stuckSeconds: 5 }, { key, datastore })
    await expect.poll(async () => (await waiting(rich, 1)).length).toBeGreaterThan(2)
    await rpc('evm_setAutomine', true)
    await world.mine()
    await waiting(rich, 0)
    expect([await nonceOf(key.address), await proofsOf(rich, slot)]).toEqual([nonce + 1, 1])
  })

  it.each(['replacement', 'cancel'] as const)('is found in the journal as a %s that was never sent', async (form) => {
    const [key, inner] = [await freshKey(), new MemoryDatastore()]
    const datastore = new FaultyDatastore(inner)
    const lines = new DyingLines(nodeLines, Infinity, 'before', () => undefined)
    const settings = form === 'replacement' ? { stuckSeconds: 5 } : {}
    const market = await open(settings, { key, datastore, lines })
    const { slot, period, end } = await due(market)
    const nonce = await nonceOf(key.address)
    const to = `0x${keys.toString(16).padStart(40, 'd')}`
    await rpc('evm_setAutomine', false)
    const acting =
      form === 'replacement' ? market.sendTokens(to, 5n, never) : market.submitProof(slot, period, PROOF, never)
    const stopped = expect(acting).rejects.toMatchObject({ code: 'market/stopped' })
    const act = await dropped(market)
    const written = datastore.commits
    datastore.failAt(1, 'lost answer', true)
    const watch = setInterval(() => {
      if (datastore.commits > written) lines.die()
    }, 0)
    if (form === 'cancel') await world.jumpTo(end)
    await expect.poll(() => lines.isDead).toBe(true)
    clearInterval(watch)
    await market.stop()
    await stopped
    await rpc('anvil_dropAllTransactions')
    const again = await open({}, { key, datastore: inner })
    const [found, written2] = await waiting(again, 1)
    expect(found).toBe(act)
    await expect.poll(() => rpc('eth_getTransactionByHash', written2)).not.toBeNull()
    await rpc('evm_setAutomine', true)
    await world.mine()
    await waiting(again, 0)
    expect(await nonceOf(key.address)).toBe(nonce + 1)
    expect([await world.tokensOf(to), await proofsOf(again, slot)]).toEqual([form === 'replacement' ? 5n : 0n, 1])
    const told = form === 'replacement' ? [{ to, amount: 5n, landed: { hash: written2 } }] : []
    expect(await again.earlierSends(never)).toMatchObject(told)
  })

  it('for the nonce before it has gone gets its turn: that one is used', async () => {
    await rpc('evm_setAutomine', false)
    const key = await freshKey()
    const market = await open({ stuckSeconds: 5 }, { key })
    await rpc('anvil_impersonateAccount', key.address)
    const foreign = await rpc('eth_sendTransaction', { from: key.address, to: NOBODY, value: '0x1', nonce: '0x0' })
    const sending = market.sendCoins(NOBODY, 1n, never)
    await waiting(market, 1)
    expect(market.openIntents()[0]?.nonce).toBe(1)
    await rpc('anvil_dropTransaction', foreign)
    await rpc('evm_setAutomine', true)
    expect(await sending).toMatchObject({ hash: expect.stringMatching(/^0x/) })
    expect(await nonceOf(key.address)).toBe(2)
    await waiting(market, 0)
    expect(world.records.some(({ message }) => message.includes('ours wait behind it'))).toBe(true)
  })

  it("is told of where it waits for somebody's before it, until that one is in the chain", async () => {
    await rpc('evm_setAutomine', false)
    const key = await freshKey()
    const market = await open({ stuckSeconds: 5 }, { key })
    await rpc('anvil_impersonateAccount', key.address)
    const payment = { from: key.address, to: NOBODY, value: '0x1', nonce: '0x0' }
    const foreign = await rpc('eth_sendTransaction', { ...payment, gasPrice: '0x77359400' })
    const sending = Promise.all([market.sendCoins(NOBODY, 1n, never), market.sendCoins(NOBODY, 2n, never)])
    await waiting(market, 2)
    const stuckOf = () => market.openIntents().map(({ nonce, stuck }) => [nonce, stuck?.code, stuck?.message] as const)
    await expect
      .poll(stuckOf)
      .toContainEqual([1, 'market/stuck', expect.stringMatching(/sent with the key elsewhere .nonce 0.; /)])
    expect(stuckOf().filter(([, code]) => code !== undefined)).toHaveLength(1)
    // Others' own payments are left alone, however long they wait.
    expect(await rpc('eth_getTransactionByHash', foreign)).toMatchObject({ blockHash: null })
    await rpc('evm_setAutomine', true)
    await world.mine()
    await sending
    expect(await nonceOf(key.address)).toBe(3)
    expect(await rpc('eth_getTransactionReceipt', foreign)).toMatchObject({ status: '0x1' })
    await waiting(market, 0)
  })

  it('with its answer lost is not told as refused for what is said to a second copy', async () => {
    const proxy = await FaultyProxy.start(world.anvil)
    onTestFinished(() => proxy.stop())
    const market = await open({ url: proxy.endpoint })
    let sends = 0
    proxy.tamper = ({ method }) => {
      if (method !== 'eth_sendRawTransaction') return undefined
      return ++sends === 1 ? {} : { error: { code: -32000, message: 'max fee per gas less than block base fee' } }
    }
    await market.sendCoins(NOBODY, 1n, never)
    expect(await nonceOf(market.host)).toBe(1)
    expect(market.openIntents()).toEqual([])
  })

  it('is told of when the endpoint says something unheard of, and goes on', async () => {
    const proxy = await FaultyProxy.start(world.anvil)
    onTestFinished(() => proxy.stop())
    const market = await open({ url: proxy.endpoint })
    proxy.tamper = ({ method }) =>
      method === 'eth_sendRawTransaction' ? { error: { code: -32000, message: 'not on a Sunday' } } : undefined
    await rpc('evm_setAutomine', false)
    const sending = market.sendCoins(NOBODY, 1n, never)
    await waiting(market, 1)
    await expect.poll(() => JSON.stringify(world.records.map(({ fields }) => fields?.['error']))).toContain('Sunday')
    await rpc('evm_setAutomine', true)
    await world.mine()
    await sending
  })

  it('with its answer lost is found in the chain', async () => {
    const proxy = await FaultyProxy.start(world.anvil)
    onTestFinished(() => proxy.stop())
    const market = await open({ url: proxy.endpoint, attempts: 1 })
    let isLost = false
    proxy.tamper = ({ method }) => {
      if (method !== 'eth_sendRawTransaction' || isLost) return undefined
      isLost = true
      return { error: { code: -32000, message: 'upstream connect error' } }
    }
    await market.sendCoins(NOBODY, 1n, never)
    expect(isLost).toBe(true)
    expect(await nonceOf(market.host)).toBe(1)
  })
})

describe('a key', () => {
  it('is held from before the journal is read until nothing of it runs; who cannot hold it sends nothing', async () => {
    const key = await freshKey()
    const held: string[] = []
    const holdKey: NonNullable<EthersMarketParts['holdKey']> = async ({ chainId, address }) => {
      if (held.length > 0) throw new CodexError('market/key-in-use', 'held by another tab')
      held.push(`${chainId} ${address}`)
      return {
        release: async () => {
          held.length = 0
        },
      }
    }
    const datastore = new MemoryDatastore()
    const market = await open({}, { key, datastore, holdKey })
    expect(held).toEqual([`${market.chainId} ${key.address}`])
    await expect(open({}, { key, holdKey })).rejects.toMatchObject({ code: 'market/key-in-use' })
    expect(held).toHaveLength(1)
    await market.stop()
    expect(held).toEqual([])
    // One that fails after it was held lets go of it, too.
    const broken = new MemoryDatastore()
    await broken.close()
    await expect(open({}, { key, holdKey, datastore: broken })).rejects.toThrow()
    expect(held).toEqual([])
  })
})

describe('a transaction that fails in its block', () => {
  it('is replayed to learn why: the slot was filled by another host first', async () => {
    const [slowly, proxy] = [await FaultyProxy.start(world.anvil), await FaultyProxy.start(world.anvil)]
    onTestFinished(async () => void (await Promise.all([slowly.stop(), proxy.stop()])))
    const suggest = (tip: string, method: string) =>
      method === 'eth_maxPriorityFeePerGas' ? { result: tip } : undefined
    slowly.tamper = ({ method }) => suggest('0x1', method)
    proxy.tamper = ({ method }) => suggest(GWEI, method)
    const [slow, fast] = [await open({ url: slowly.endpoint }), await open({ url: proxy.endpoint })]
    const { id } = await requested()
    const slot = { requestId: id, slotIndex: 0 }
    for (const market of [fast, slow]) {
      expect(await market.reserveSlot(slot, never)).toMatchObject({ done: true })
      // Leaves an allowance, so that nothing but the fills has to be mined later.
      await expect(market.fillSlot(slot, ZERO_PROOF, never)).rejects.toMatchObject({ code: 'market/proof-invalid' })
    }
    const nonce = await nonceOf(slow.host)
    // The fast one does not see that the other's fill waits already.
    proxy.tamper = ({ method, params: [call] }) => {
      const { data = '' } = Object(call) as { data?: string }
      if (method === 'eth_estimateGas') return { result: '0x7a120' }
      if (method === 'eth_call' && data.startsWith(FILL_SLOT)) return { result: '0x' }
      const isOfState = method === 'eth_call' && data.startsWith(SLOT_STATE)
      return isOfState ? { result: `0x${'0'.repeat(64)}` } : suggest(GWEI, method)
    }
    await rpc('evm_setAutomine', false)
    const loser = slow.fillSlot(slot, PROOF, never)
    await waiting(slow, 1)
    const winner = fast.fillSlot(slot, PROOF, never)
    await waiting(fast, 1)
    await expect.poll(() => rpc('eth_getTransactionByHash', fast.openIntents()[0]?.hashes[0])).not.toBeNull()
    await world.mine()
    expect(await winner).toMatchObject({ done: true })
    expect(await loser).toMatchObject({
      done: false,
      why: 'slot not free',
      sentence: expect.stringContaining('take another slot'),
    })
    expect(await nonceOf(slow.host)).toBe(nonce + 1)
  })

  it('because its proof came into a block of the next period is told as too late, not as wrong', async () => {
    const proxy = await FaultyProxy.start(world.anvil)
    onTestFinished(() => proxy.stop())
    const market = await open({ url: proxy.endpoint })
    const { slot, period, end } = await due(market)
    // To a block of this period it is wrong.
    const wrong = { code: 'market/proof-invalid' }
    await expect(market.submitProof(slot, period, ZERO_PROOF, never)).rejects.toMatchObject(wrong)
    proxy.tamper = ({ method }) => (method === 'eth_estimateGas' ? { result: '0x7a120' } : undefined)
    await rpc('evm_setAutomine', false)
    const sending = market.submitProof(slot, period, ZERO_PROOF, never)
    const [hash] = await waiting(market, 1)
    await expect.poll(() => rpc('eth_getTransactionByHash', hash)).not.toBeNull()
    await world.jumpTo(end)
    expect(await sending).toMatchObject({ done: false, why: 'period over' })
  })

  it('for want of gas is told as such (T23)', async () => {
    const proxy = await FaultyProxy.start(world.anvil)
    onTestFinished(() => proxy.stop())
    const market = await open({ url: proxy.endpoint })
    const { id } = await requested()
    proxy.tamper = ({ method }) => (method === 'eth_estimateGas' ? { result: '0x9000' } : undefined)
    await expect(market.reserveSlot({ requestId: id, slotIndex: 0 }, never)).rejects.toMatchObject({
      code: 'market/out-of-gas',
    })
  })

  it('and is taken back is withdrawn, not sent again: its caller was told that it did not happen', async () => {
    const proxy = await FaultyProxy.start(world.anvil)
    onTestFinished(() => proxy.stop())
    const market = await open({ url: proxy.endpoint })
    const { id } = await requested()
    proxy.tamper = ({ method }) => (method === 'eth_estimateGas' ? { result: '0x9000' } : undefined)
    await expect(market.reserveSlot({ requestId: id, slotIndex: 0 }, never)).rejects.toMatchObject({
      code: 'market/out-of-gas',
    })
    const nonce = await nonceOf(market.host)
    await rpc('anvil_rollback', 1)
    await expect.poll(() => nonceOf(market.host), { timeout: 20_000 }).toBe(nonce)
    const { transactions } = await rpc<{ transactions: { to: string; input: string }[] }>(
      'eth_getBlockByNumber',
      'latest',
      true,
    )
    expect(transactions).toMatchObject([{ to: market.host, input: '0x' }])
  })

  it('has a sentence and an action for each refusal that is a fault', async () => {
    const market = await open()
    const { id, slot } = await requested()
    await market.reserveSlot({ requestId: id, slotIndex: 0 }, never)
    const filling = market.fillSlot({ requestId: id, slotIndex: 0 }, ZERO_PROOF, never)
    await expect(filling).rejects.toMatchObject({
      code: 'market/proof-invalid',
      detail: { revert: 'Proofs_InvalidProof' },
      message: expect.stringMatching(/finds the proof wrong.*; check that/),
    })
    await expect(market.fillSlot({ requestId: slot(7) as never, slotIndex: 0 }, PROOF, never)).rejects.toMatchObject({
      code: 'market/unknown-request',
    })
    await expect(market.requestStorage(world.request(client.host), never)).rejects.toMatchObject({
      code: 'market/invalid-client-address',
    })
    const poor = world.request(market.host, { pricePerBytePerSecond: RICH })
    await expect(market.requestStorage(poor, never)).rejects.toMatchObject({ code: 'market/insufficient-tokens' })
  })
})

describe('caps', () => {
  it('on gas: refuses to sign above it', async () => {
    const key = await freshKey({ maxGasPriceWei: 10n })
    const market = await open({}, { key })
    await expect(market.sendCoins(NOBODY, 1n, never)).rejects.toMatchObject({ code: 'wallet/gas-price-over-cap' })
    expect(await nonceOf(market.host)).toBe(0)
  })

  it('on a day: the last fifth is for duties, and a restart forgets nothing', async () => {
    const [datastore, key] = [new MemoryDatastore(), await freshKey()]
    const settings = { maxDailySpendWei: COIN }
    const market = await open(settings, { datastore, key })
    await market.sendCoins(NOBODY, (COIN * 6n) / 10n, never)
    await expect(market.sendCoins(NOBODY, (COIN * 2n) / 10n, never)).rejects.toMatchObject({ code: 'wallet/daily-cap' })
    await market.stop()
    const again = await open(settings, { datastore, key })
    await expect(again.sendCoins(NOBODY, (COIN * 2n) / 10n, never)).rejects.toMatchObject({ code: 'wallet/daily-cap' })
    await again.sendCoins(NOBODY, COIN / 10n, never)
  })

  it('an empty account is told of', async () => {
    const market = await open()
    await rpc('anvil_setBalance', market.host, '0x0')
    const { id } = await requested()
    await expect(market.reserveSlot({ requestId: id, slotIndex: 0 }, never)).rejects.toMatchObject({
      code: 'wallet/insufficient-coins',
    })
    await rpc('anvil_setBalance', market.host, `0x${COIN.toString(16)}`)
    expect(await market.reserveSlot({ requestId: id, slotIndex: 0 }, never)).toMatchObject({ done: true })
  })
})

describe('allowances (T24)', () => {
  it('of fills at the same time add up, and what is left over serves the next', async () => {
    const market = await open()
    const { id } = await requested({ slots: 6n })
    const indices = [0, 1, 2, 3, 4]
    for (const slotIndex of [...indices, 5]) await market.reserveSlot({ requestId: id, slotIndex }, never)
    const fill = (slotIndex: number) => market.fillSlot({ requestId: id, slotIndex }, PROOF, never)
    const outcomes = await Promise.all(indices.map(fill))
    expect(outcomes.every(({ done }) => done)).toBe(true)
    const left = await market.allowance(never)
    const before = await nonceOf(market.host)
    expect(await fill(5)).toMatchObject({ done: true })
    expect(await nonceOf(market.host)).toBe(before + (left >= 5000n ? 1 : 2))
    expect(await market.allowance(never)).toBe(left >= 5000n ? left - 5000n : 0n)
    expect(await market.tokenBalance(never)).toBe(RICH - 6n * 5000n)
  })

  it('are kept when they were there before, and one that was not used serves the next', async () => {
    const market = await open()
    const { id } = await requested()
    await market.reserveSlot({ requestId: id, slotIndex: 0 }, never)
    await expect(market.fillSlot({ requestId: id, slotIndex: 0 }, ZERO_PROOF, never)).rejects.toBeInstanceOf(CodexError)
    expect(await market.allowance(never)).toBe(5000n)
    const before = await nonceOf(market.host)
    await market.fillSlot({ requestId: id, slotIndex: 0 }, PROOF, never)
    expect(await nonceOf(market.host)).toBe(before + 1)
    expect(await market.allowance(never)).toBe(0n)
    await rpc('anvil_impersonateAccount', market.host)
    const data = new Interface(TOKEN_ABI).encodeFunctionData('approve', [world.deployment.marketplace, 777n])
    await rpc('eth_sendTransaction', { from: market.host, to: world.deployment.token, data })
    const again = await world.open(1, {}, { key: NodeKey.fromPrivateKey(keys.toString(16).padStart(64, '0')) })
    await again.reserveSlot({ requestId: id, slotIndex: 1 }, never)
    expect(await again.fillSlot({ requestId: id, slotIndex: 1 }, PROOF, never)).toMatchObject({ done: true })
    expect(await again.allowance(never)).toBe(777n)
  })
})

describe('an allowance without limit', () => {
  it('is left as it is', async () => {
    const market = await open()
    await approveAll(market)
    const before = await nonceOf(market.host)
    const { id } = await requested()
    await market.reserveSlot({ requestId: id, slotIndex: 0 }, never)
    expect(await market.fillSlot({ requestId: id, slotIndex: 0 }, PROOF, never)).toMatchObject({ done: true })
    await market.requestStorage(world.request(market.host), never)
    expect(await nonceOf(market.host)).toBe(before + 3)
  })

  it('is no reason to fail in words of a library: a price that no contract can count is refused', async () => {
    const market = await open()
    const tooMuch = world.request(market.host, { pricePerBytePerSecond: 2n ** 255n })
    await expect(market.requestStorage(tooMuch, never)).rejects.toMatchObject({ code: 'market/contract-panic' })
    expect(await nonceOf(market.host)).toBe(0)
  })
})

describe('a fill near the expiry of its request', () => {
  it('is not sent when blocks come so rarely that it could get into a block too late', async () => {
    const market = await open()
    const request = world.request(client.host, {}, 3_600n)
    await client.requestStorage(request, never)
    const { id } = slotsOf(request)
    const expiry = (await client.requestExpiry(id, never)) ?? 0
    await market.reserveSlot({ requestId: id, slotIndex: 0 }, never)
    for (let block = 0; block < 12; block++) {
      await rpc('evm_setNextBlockTimestamp', expiry - 40 - 20 * (11 - block))
      await world.mine()
    }
    const sent = await nonceOf(market.host)
    // Three blocks of 20 seconds.
    const outcome = await market.fillSlot({ requestId: id, slotIndex: 0 }, PROOF, never)
    expect(outcome).toMatchObject({ done: false, why: 'request over', sentence: expect.stringContaining('60 seconds') })
    expect(await nonceOf(market.host)).toBe(sent)
  })
})

/** As wallets do it. */
async function approveAll({ host }: EthersMarket): Promise<void> {
  await rpc('anvil_impersonateAccount', host)
  const data = new Interface(TOKEN_ABI).encodeFunctionData('approve', [world.deployment.marketplace, 2n ** 256n - 1n])
  const hash = await rpc('eth_sendTransaction', { from: host, to: world.deployment.token, data })
  // The hash comes before the block does, and a nonce read in between would not count it.
  await expect.poll(() => rpc('eth_getTransactionReceipt', hash)).not.toBeNull()
}

/** A slot that `market` has filled, in a period that has just begun and owes a proof. */
async function due(market: EthersMarket) {
  const { id, slot } = await requested()
  await market.reserveSlot({ requestId: id, slotIndex: 0 }, never)
  expect(await market.fillSlot({ requestId: id, slotIndex: 0 }, PROOF, never)).toMatchObject({ done: true })
  const period = market.periodicity.periodOf(await world.blockTime()) + 1
  await world.jumpTo(market.periodicity.startOf(period) + 1, market)
  return { slot: slot(0), period, end: market.periodicity.endOf(period) }
}

async function proofsOf(market: EthersMarket, slotId: string): Promise<number> {
  const events: ContractEvent[] = []
  for await (const event of market.pastEvents({ from: 0, ...never })) {
    if (event.type === 'ProofSubmitted' && event.slotId === slotId) events.push(event)
  }
  return events.length
}
