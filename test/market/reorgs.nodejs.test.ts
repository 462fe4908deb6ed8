// Reorganisations of a real chain around events and transactions: what was told is taken back, what was sent lands again.

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { EthersMarket } from '../../src/market/ethersmarket.ts'
import type { Market } from '../../src/market/market.ts'
import type { ContractEvent } from '../../src/market/marketevent.ts'
import { ChainWorld, LONG_PERIODS, never, PROOF, slotsOf } from './chainworld.ts'
import { EventList } from './eventlist.ts'
import { fastClock } from './fastclock.ts'

const SPEED = 10
const DEPTHS = import.meta.env['LONG'] ? Array.from({ length: 64 }, (_, i) => i + 1) : [1, 3, 12]

let world: ChainWorld
let client: EthersMarket
let host: EthersMarket

beforeAll(async () => {
  world = await ChainWorld.start({ configuration: LONG_PERIODS })
  client = await world.open(0, { pollSeconds: 1 }, { clock: fastClock(SPEED) })
  host = await world.open(1, { pollSeconds: 1 }, { clock: fastClock(SPEED) })
})
afterAll(() => world.stop())

async function follow(): Promise<EventList> {
  const list = new EventList(host, (await world.blockNumber()) + 1)
  onTestFinished(() => list.stop())
  return list
}

async function snapshot(): Promise<() => Promise<void>> {
  const id = await world.anvil.rpc.call('evm_snapshot')
  return async () => {
    expect(await world.anvil.rpc.call('evm_revert', [id])).toBe(true)
  }
}

async function pastOf(market: Market, from: number): Promise<ContractEvent[]> {
  const events: ContractEvent[] = []
  for await (const event of market.pastEvents({ from, ...never })) events.push(event)
  return events
}

/** What stands is what the chain holds. */
async function agrees(events: EventList, from: number): Promise<void> {
  await expect
    .poll(async () => JSON.stringify(plain(events.standing)))
    .toBe(JSON.stringify(plain(await pastOf(host, from))))
}

function plain(events: readonly ContractEvent[]): unknown {
  return events.map(({ type, blockHash, logIndex }) => ({ type, blockHash, logIndex }))
}

/** Each kind of transaction, after what it needs: who sends it, and the event it shows by. */
const ACTS = {
  async request() {
    const request = world.request(client.host)
    return { event: 'StorageRequested', act: () => client.requestStorage(request, never) }
  },
  async reservation() {
    const { id } = await requested()
    return { event: undefined, act: () => host.reserveSlot({ requestId: id, slotIndex: 0 }, never) }
  },
  async fill() {
    const { id } = await requested()
    await host.reserveSlot({ requestId: id, slotIndex: 0 }, never)
    return { event: 'SlotFilled', act: () => host.fillSlot({ requestId: id, slotIndex: 0 }, PROOF, never) }
  },
  async proof() {
    const { slot } = await filled()
    const period = await nextPeriod()
    return { event: 'ProofSubmitted', act: () => host.submitProof(slot(0), period, PROOF, never) }
  },
  async giving() {
    const { slot } = await filled()
    return { event: 'SlotFreed', act: () => host.abandon(slot(0), never) }
  },
}

async function requested(): Promise<ReturnType<typeof slotsOf>> {
  const request = world.request(client.host)
  await client.requestStorage(request, never)
  return slotsOf(request)
}

async function filled(): Promise<ReturnType<typeof slotsOf>> {
  const slots = await requested()
  await host.reserveSlot({ requestId: slots.id, slotIndex: 0 }, never)
  expect(await host.fillSlot({ requestId: slots.id, slotIndex: 0 }, PROOF, never)).toMatchObject({ done: true })
  return slots
}

async function nextPeriod(): Promise<number> {
  const start = host.periodicity.endOf(host.periodicity.periodOf(await world.blockTime())) + 1
  await world.jumpTo(start, host)
  return host.periodicity.periodOf(start)
}

describe.each(DEPTHS)('a reorganisation %i deep', (depth) => {
  it.each(Object.keys(ACTS) as (keyof typeof ACTS)[])('around a %s', async (name) => {
    const { event, act } = await ACTS[name]()
    const from = (await world.blockNumber()) + 1
    const events = await follow()
    const revert = await snapshot()
    await act()
    await world.mine(depth - 1)
    if (event !== undefined) await expect.poll(() => events.types).toContain(event)
    await agrees(events, from)
    const before = events.told.length
    await revert()
    // Another branch, longer than the first, without the transaction as yet.
    await world.mine(depth + 2)
    if (event !== undefined) {
      await expect.poll(() => events.told.slice(before).some(({ type }) => type === 'undone')).toBe(true)
      // The same transaction is in the chain again.
      await expect.poll(() => events.types).toContain(event)
    }
    await expect.poll(() => [...host.openIntents(), ...client.openIntents()]).toEqual([])
    await agrees(events, from)
  })

  it('without anything of ours in it undoes nothing', async () => {
    const events = await follow()
    await requested()
    await expect.poll(() => events.types).toEqual(['StorageRequested'])
    const revert = await snapshot()
    await world.mine(depth)
    await seen(host)
    await revert()
    await world.mine(depth + 1)
    await seen(host)
    expect(events.told.map(({ type }) => type)).toEqual(['StorageRequested'])
  })

  it('to a shorter chain is noticed once the chain is as long again', async () => {
    const from = (await world.blockNumber()) + 1
    const events = await follow()
    const revert = await snapshot()
    await world.mint(client.host, 1n)
    await requestDirectly()
    await world.mine(depth - 1)
    await expect.poll(() => events.types).toEqual(['StorageRequested'])
    await revert()
    await seen(host)
    await world.mine(depth + 3)
    await expect.poll(() => events.types).toEqual([])
    await agrees(events, from)
  })
})

/** A request that nobody will send again. */
async function requestDirectly(): Promise<void> {
  const market = await world.open(2)
  await market.requestStorage(world.request(market.host), never)
  await market.stop()
}

async function seen(market: EthersMarket): Promise<void> {
  const before = market.requests
  await expect.poll(() => market.requests).toBeGreaterThan(before + 3)
}
