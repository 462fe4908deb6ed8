// EthersMarket behind an endpoint that fails in every way we know of (field notes §6, RPC).

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { EthersMarket, EthersMarketSettings } from '../../src/market/ethersmarket.ts'
import { examineChain } from '../../src/market/examinechain.ts'
import type { SlotId, StorageRequest } from '../../src/protocol/request.ts'
import { ChainWorld, LONG_PERIODS, never, PROOF, slotsOf } from './chainworld.ts'
import { EventList } from './eventlist.ts'
import { fastClock } from './fastclock.ts'
import { FaultyProxy } from './faultyproxy.ts'

/** Waits of seconds take tenths of it. */
const SPEED = 10
const SETTINGS = { pollSeconds: 1, timeoutSeconds: 100, attempts: 2 } satisfies Partial<EthersMarketSettings>
/** Where an answer never comes: long enough for one that does, on a busy machine. */
const IMPATIENT = { timeoutSeconds: 20 }

let world: ChainWorld
let proxy: FaultyProxy
/** Straight to the node. */
let other: EthersMarket

beforeAll(async () => {
  world = await ChainWorld.start({ configuration: LONG_PERIODS })
  other = await world.open(0)
})
afterAll(() => world.stop())
beforeEach(async () => {
  proxy = await FaultyProxy.start(world.anvil)
})
afterEach(() => proxy.stop())

async function open(settings: Partial<EthersMarketSettings> = {}): Promise<EthersMarket> {
  const market = await world.open(1, { url: proxy.endpoint, ...SETTINGS, ...settings }, { clock: fastClock(SPEED) })
  onTestFinished(() => market.stop())
  return market
}

async function follow(market: EthersMarket, from?: number): Promise<EventList> {
  const list = new EventList(market, from ?? (await world.blockNumber()) + 1)
  onTestFinished(() => list.stop())
  return list
}

async function request(): Promise<ReturnType<typeof slotsOf>['id']> {
  const wanted = world.request(other.host)
  await other.requestStorage(wanted, never)
  return slotsOf(wanted).id
}

describe('an endpoint that is away', () => {
  it.each(['down', 'too many requests', 'bad gateway', 'garbage', 'half open'] as const)(
    '%s: calls fail with what is the matter, and all goes on once it is back',
    async (mode) => {
      const market = await open(mode === 'half open' ? IMPATIENT : {})
      const events = await follow(market)
      proxy.mode = mode
      const id = await request()
      const code = mode === 'too many requests' ? 'market/rate-limited' : 'market/unreachable'
      await expect(market.requestState(id, never)).rejects.toMatchObject({ code })
      expect(market.endpointStatus()).toMatchObject({ state: 'unreachable', problem: expect.any(String) })
      expect(world.records.some(({ message }) => message.includes('trying again until it does'))).toBe(true)
      proxy.mode = 'fine'
      await expect.poll(() => events.types).toEqual(['StorageRequested'])
      expect(await market.requestState(id, never)).toBe('New')
      expect(market.endpointStatus()).toMatchObject({ state: 'connected' })
    },
  )

  it('waits for an endpoint that is not there yet', async () => {
    proxy.mode = 'down'
    const opening = open()
    await expect.poll(() => proxy.exchanges).toBeGreaterThan(3)
    proxy.mode = 'fine'
    const market = await opening
    expect(market.chainId).toBe(31337)
  })

  const FAULTS = [
    ['eth_getBlockByNumber', { error: { code: -32603, message: 'internal error' } }],
    ['eth_getBlockByNumber', { result: null }],
    ['eth_getCode', { error: { code: -32603, message: 'internal error' } }],
    ['eth_getCode', {}],
    ['eth_syncing', {}],
    ['eth_call', { error: { code: -32603, message: 'internal error' } }],
    ['eth_call', { result: '0x' }],
    ['eth_call', { error: { code: 429, message: 'slow down' } }],
  ] as const

  it('is opened whatever it fails with in passing', async () => {
    const openings = FAULTS.map(async ([method, answer]) => {
      const own = await FaultyProxy.start(world.anvil)
      onTestFinished(() => own.stop())
      let left = 3
      own.tamper = (call) => (call.method === method && left-- > 0 ? answer : undefined)
      const market = await open({ url: own.endpoint })
      expect([method, left < 0, market.chainId]).toEqual([method, true, 31337])
    })
    await Promise.all(openings)
  })

  it('gives up at the start when told how often to try', async () => {
    proxy.mode = 'down'
    await expect(open({ connectAttempts: 1 })).rejects.toMatchObject({ code: 'market/unreachable' })
  })

  it('answers slowly: calls succeed all the same', async () => {
    const market = await open()
    proxy.delayMs = 300
    expect(await market.mySlots(never)).toEqual([])
  })

  it('halves what it asks for at once when batches are refused', async () => {
    const market = await open()
    proxy.maxBatch = 7
    const id = await request()
    const ids = Array.from({ length: 40 }, () => id)
    const states = await Promise.all(ids.map((one) => market.requestState(one, never)))
    expect(new Set(states)).toEqual(new Set(['New']))
    proxy.exchanges = 0
    await Promise.all(ids.map((one) => market.requestState(one, never)))
    // What was learnt is remembered: no message is refused any more.
    expect(proxy.exchanges).toBeLessThanOrEqual(Math.ceil(40 / 5) + 3)
  })

  it('leaves nothing running once stopped', async () => {
    const market = await open()
    proxy.mode = 'half open'
    const waiting = market.mySlots(never)
    const refused = expect(waiting).rejects.toMatchObject({ code: 'market/stopped' })
    await market.stop()
    await refused
    await expect(market.mySlots(never)).rejects.toMatchObject({ code: 'market/stopped' })
  })

  it('waits while the node is catching up', async () => {
    let isSyncing = true
    proxy.tamper = ({ method, params: [tag] }, { result }) => {
      if (!isSyncing) return undefined
      if (method === 'eth_syncing') return { result: { currentBlock: '0x1' } }
      return tag === 'latest' ? { result: { ...Object(result), timestamp: '0x64000000' } as object } : undefined
    }
    const opening = open()
    await expect.poll(() => proxy.calls.filter(({ method }) => method === 'eth_syncing').length).toBeGreaterThan(1)
    isSyncing = false
    await opening
  })

  it('does not wait while the node is busy with the past, and has the newest block', async () => {
    proxy.tamper = ({ method }) => (method === 'eth_syncing' ? { result: { currentBlock: '0x1' } } : undefined)
    await world.mine()
    const market = await world.open(1, { url: proxy.endpoint })
    expect(market.chainId).toBe(31337)
    await market.stop()
  })
})

describe('a WebSocket', () => {
  it('serves reads, writes and events', async () => {
    const market = await open({ url: proxy.websocket })
    const events = await follow(market)
    const id = await request()
    await expect.poll(() => events.types).toEqual(['StorageRequested'])
    expect(await market.reserveSlot({ requestId: id, slotIndex: 0 }, never)).toMatchObject({ done: true })
  })

  it.each(['half open', 'down'] as const)('that is %s is opened anew', async (mode) => {
    const market = await open({ url: proxy.websocket, ...IMPATIENT })
    const events = await follow(market)
    proxy.mode = mode
    if (mode === 'down') proxy.cut()
    await request()
    await expect.poll(() => market.endpointStatus().state).toBe('unreachable')
    proxy.mode = 'fine'
    await expect.poll(() => events.types).toEqual(['StorageRequested'])
    expect(proxy.connections).toBe(1)
  })

  it('makes us look at once when it tells of a block, and is not trusted when it is silent', async () => {
    const market = await open({ url: proxy.websocket, pollSeconds: 3000 })
    const events = await follow(market)
    await request()
    expect(events.types).toEqual([])
    proxy.announceHead()
    await expect.poll(() => events.types).toEqual(['StorageRequested'])
    const silent = await open({ url: proxy.websocket })
    const heard = await follow(silent)
    await request()
    await expect.poll(() => heard.types).toEqual(['StorageRequested'])
  })
})

describe('an endpoint that tells what is not so', () => {
  it('has a chain that stopped: whoever examines it is told how old it is', async () => {
    proxy.tamper = ({ method, params: [tag] }, { result }) => {
      if (method !== 'eth_getBlockByNumber' || tag !== 'latest') return undefined
      const head = result as Record<string, string>
      return { result: { ...head, timestamp: `0x${(Number(head['timestamp']) - 7200).toString(16)}` } }
    }
    const settings = { url: proxy.endpoint, marketplace: world.deployment.marketplace }
    const { findings } = await examineChain(world.parts(1), settings, undefined, never)
    const clock = findings.find(({ check }) => check === 'clock')
    expect(clock).toMatchObject({ state: 'odd', sentence: expect.stringMatching(/ 7\d{3} s older .*set the clock/) })
  })

  it('speaks for another chain: nothing is read or signed until ours is back', async () => {
    const market = await open()
    const id = await request()
    proxy.tamper = ({ method }) => (method === 'eth_chainId' ? { result: '0x1' } : undefined)
    await expect.poll(() => market.endpointStatus().state).toBe('wrong chain')
    await expect(market.requestState(id, never)).rejects.toMatchObject({ code: 'market/wrong-chain' })
    const sent = proxy.calls.filter(({ method }) => method === 'eth_sendRawTransaction').length
    await expect(market.reserveSlot({ requestId: id, slotIndex: 0 }, never)).rejects.toMatchObject({
      code: 'market/wrong-chain',
    })
    expect(proxy.calls.filter(({ method }) => method === 'eth_sendRawTransaction').length).toBe(sent)
    proxy.tamper = () => undefined
    await expect.poll(() => market.endpointStatus().state).toBe('connected')
    expect(await market.requestState(id, never)).toBe('New')
  })

  it('refuses to open on another chain than asked for, and without a contract', async () => {
    await expect(open({ chainId: 1 })).rejects.toMatchObject({ code: 'market/wrong-chain' })
    await expect(open({ marketplace: `0x${'12'.repeat(20)}` })).rejects.toMatchObject({ code: 'market/no-contract' })
    await expect(open({ marketplace: world.deployment.token })).rejects.toMatchObject({ code: 'market/reverted' })
    await expect(open({ marketplace: '0x12' })).rejects.toMatchObject({ code: 'market/bad-address' })
    await expect(open({ url: 'ftp://host' })).rejects.toMatchObject({ code: 'market/bad-endpoint' })
  })

  it('is behind: nothing is undone, and what it missed comes when it has caught up', async () => {
    const market = await open()
    const events = await follow(market)
    await request()
    await expect.poll(() => events.types).toEqual(['StorageRequested'])
    const old = await world.anvil.rpc.call('eth_getBlockByNumber', ['0x103', false])
    const stale = (tag: unknown) => tag === 'latest' || Number(tag) > 0x103
    proxy.tamper = ({ method, params: [tag] }) => {
      if (method === 'eth_getBlockByNumber' && stale(tag)) return { result: tag === 'latest' ? old : null }
      return undefined
    }
    await request()
    await lookedAt(market)
    expect(events.told.length).toBe(1)
    proxy.tamper = () => undefined
    await expect.poll(() => events.types).toEqual(['StorageRequested', 'StorageRequested'])
  })

  it('tells once of a block and a time far ahead: neither the clock nor the events follow', async () => {
    const market = await open()
    const events = await follow(market)
    let left = 1
    proxy.tamper = ({ method, params: [tag] }, answer) => {
      if (method !== 'eth_getBlockByNumber' || tag !== 'latest' || left-- <= 0) return undefined
      const head = answer.result as Record<string, string>
      const ahead = (hex = '0x0', by = 0) => `0x${(Number(hex) + by).toString(16)}`
      return { result: { ...head, number: ahead(head['number'], 1e6), timestamp: ahead(head['timestamp'], 3e7) } }
    }
    await expect.poll(() => left).toBeLessThan(0)
    await request()
    await expect.poll(() => events.types).toEqual(['StorageRequested'])
    expect(market.clock.now()).toBeLessThan((await world.blockTime()) + 1e6)
  })

  it('answers without logs though there are some: the bloom tells, and they come', async () => {
    const market = await open()
    const events = await follow(market)
    let left = 3
    proxy.tamper = ({ method }) => (method === 'eth_getLogs' && left-- > 0 ? { result: [] } : undefined)
    await request()
    await expect.poll(() => left).toBeLessThanOrEqual(0)
    await expect.poll(() => events.types).toEqual(['StorageRequested'])
  })

  it('answers with logs doubled, out of order, of others, and unreadable: each of ours comes once, in order', async () => {
    const from = (await world.blockNumber()) + 1
    const ids = [await request(), await request(), await request()]
    const market = await open()
    proxy.tamper = ({ method }, { result }) => {
      if (method !== 'eth_getLogs' || !Array.isArray(result)) return undefined
      const logs = result as Record<string, unknown>[]
      const unreadable = logs.slice(0, 1).map((log) => ({ ...log, data: '0x1234', logIndex: '0x77' }))
      const removed = logs.slice(0, 1).map((log) => ({ ...log, removed: true, logIndex: '0x78' }))
      return { result: [...logs, ...unreadable, ...removed, ...logs].reverse() }
    }
    const events = await follow(market, from)
    await expect
      .poll(() => events.standing.map((event) => (event.type === 'StorageRequested' ? event.requestId : '')))
      .toEqual(ids)
    const past = []
    for await (const event of market.pastEvents({ from, ...never })) past.push(event)
    expect(past).toEqual(events.standing)
  })

  it('refuses ranges of many blocks: they are split until it answers', async () => {
    const from = await world.blockNumber()
    await request()
    await world.mine(300)
    await request()
    const market = await open()
    proxy.tamper = ({ method, params }) => {
      if (method !== 'eth_getLogs') return undefined
      const { fromBlock, toBlock } = params[0] as { fromBlock: string; toBlock: string }
      const isTooMuch = Number(toBlock) - Number(fromBlock) >= 50
      return isTooMuch ? { error: { code: -32005, message: 'query returned more than 10000 results' } } : undefined
    }
    const types: string[] = []
    for await (const event of market.pastEvents({ from: from + 1, ...never })) types.push(event.type)
    expect(types).toEqual(['StorageRequested', 'StorageRequested'])
  })

  it('gives another request than asked for, or a state that does not exist', async () => {
    const [one, another] = [await request(), await request()]
    const market = await open()
    const found = await other.request(another, never)
    expect(found).toBeDefined()
    let substitute: unknown
    proxy.tamper = ({ method }, answer) => {
      if (method !== 'eth_call') return undefined
      substitute ??= answer.result
      return { result: substitute }
    }
    await market.request(another, never)
    await expect(market.request(one, never)).rejects.toMatchObject({ code: 'market/bad-answer' })
    proxy.tamper = ({ method }) => (method === 'eth_call' ? { result: `0x${'0'.repeat(63)}9` } : undefined)
    await expect(market.requestState(one, never)).rejects.toMatchObject({ code: 'market/bad-answer' })
    proxy.tamper = ({ method }) => (method === 'eth_call' ? { result: '0x' } : undefined)
    await expect(market.requestState(one, never)).rejects.toMatchObject({ code: 'market/bad-answer' })
  })

  it('tells nothing of one slot: the others are told of, and that one is no slot without duty', async () => {
    const host = await world.open(2)
    // The contract cannot reckon with so rare a proof.
    const [odd, plain] = [{ proofProbability: 2n ** 255n }, {}].map((ask) => world.request(other.host, ask))
    const slots: SlotId[] = []
    for (const wanted of [odd, plain]) {
      await other.requestStorage(wanted as StorageRequest, never)
      const { id, slot } = slotsOf(wanted as StorageRequest)
      await host.reserveSlot({ requestId: id, slotIndex: 0 }, never)
      await host.fillSlot({ requestId: id, slotIndex: 0 }, PROOF, never)
      slots.push(slot(0))
    }
    const market = await open()
    await world.jumpTo((await world.blockTime()) + 10_000, market)
    const duties = await market.slotDuties(slots, never)
    expect(duties).toMatchObject([
      { state: 'Filled', duty: undefined, problem: { code: 'market/contract-panic' } },
      { state: 'Filled', duty: { slotId: slots[1] } },
    ])
    expect(duties[1]).not.toHaveProperty('problem')
    const period = duties[0]?.period ?? 0
    await expect(market.proofDuty(slots[0] as SlotId, period, never)).rejects.toMatchObject({
      code: 'market/contract-panic',
    })
    // A probe that ran out of gas on its way looks like refusals.
    proxy.tamper = ({ method, params: [call] }, { result }) =>
      method === 'eth_call' && !('to' in (call as object)) && typeof result === 'string'
        ? { result: `${result.slice(0, 2 + 64 * 2)}${'0'.repeat(result.length - 2 - 64 * 2)}` }
        : undefined
    expect((await market.slotDuties(slots, never)).map(({ state, duty }) => [state, duty?.slotId])).toEqual([
      ['Filled', undefined],
      ['Filled', slots[1]],
    ])
  })

  it('does not run the probe: duties are asked singly and are the same', async () => {
    const id = await request()
    const slots = slotsOf(world.request(other.host))
    const ids = [slots.slot(0), slots.slot(1)]
    const market = await open()
    const [states] = [await market.slotDuties(ids, never)]
    proxy.tamper = ({ method, params: [call] }) => {
      const isProbe = method === 'eth_call' && !('to' in (call as object))
      return isProbe ? { error: { code: -32000, message: 'contract creation is not allowed' } } : undefined
    }
    const market2 = await open()
    const singly = await market2.slotDuties(ids, never)
    expect(singly.map(({ slotId, state, duty }) => ({ slotId, state, duty }))).toEqual(
      states.map(({ slotId, state, duty }) => ({ slotId, state, duty })),
    )
    expect(id).toBeDefined()
  })
})

/** Two looks at the newest block have been taken from now. */
async function lookedAt(market: EthersMarket): Promise<void> {
  const before = market.requests
  await expect.poll(() => market.requests).toBeGreaterThan(before + 2)
}
