// Reorganisations of a real chain around every kind of event and transaction at once: what was told is taken back, what was sent lands again.

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { EthersMarket } from '../../src/market/ethersmarket.ts'
import type { Market } from '../../src/market/market.ts'
import type { ContractEvent } from '../../src/market/marketevent.ts'
import type { SlotId, StorageAsk } from '../../src/protocol/request.ts'
import { ChainWorld, LONG_PERIODS, never, PROOF, slotsOf, ZERO_PROOF } from './chainworld.ts'
import { EventList } from './eventlist.ts'
import { fastClock } from './fastclock.ts'

const SPEED = 10
const DEPTHS = import.meta.env['LONG'] ? Array.from({ length: 64 }, (_, i) => i + 1) : [1, 3, 12]
/** Approvals that get into a block are followed by two more blocks, with what waits for them. */
const BLOCKS_WITH_APPROVALS = 3
/** The pointer grows by one with each block: from here it neither wraps nor comes into the downtime within a test. */
const [LEAST_POINTER, MOST_POINTER] = [70, 120]

let world: ChainWorld
let client: EthersMarket
let host: EthersMarket
let rival: EthersMarket

beforeAll(async () => {
  world = await ChainWorld.start({ configuration: LONG_PERIODS })
  // All depths together cost more than the node's own cap allows.
  const settings = { pollSeconds: 1, maxDailySpendWei: 10n ** 20n }
  const open = (account: number) => world.open(account, settings, { clock: fastClock(SPEED) })
  ;[client, host, rival] = await Promise.all([open(0), open(1), open(2)])
})
afterAll(() => world.stop())

function rpc<T = unknown>(method: string, ...params: unknown[]): Promise<T> {
  return world.anvil.rpc.call<T>(method, params)
}

async function follow(): Promise<EventList> {
  const list = new EventList(host, (await world.blockNumber()) + 1)
  onTestFinished(() => list.stop())
  return list
}

async function snapshot(): Promise<() => Promise<void>> {
  const id = await rpc('evm_snapshot')
  return async () => {
    expect(await rpc('evm_revert', id)).toBe(true)
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

async function requested(ask: Partial<StorageAsk> = {}, expiry?: bigint): Promise<ReturnType<typeof slotsOf>> {
  const request = world.request(client.host, { slots: 1n, maxSlotLoss: 0n, ...ask }, expiry)
  await client.requestStorage(request, never)
  return slotsOf(request)
}

async function reserved(ask?: Partial<StorageAsk>, expiry?: bigint) {
  const slots = await requested(ask, expiry)
  await host.reserveSlot({ requestId: slots.id, slotIndex: 0 }, never)
  return slots
}

async function filled(ask?: Partial<StorageAsk>, expiry?: bigint) {
  const slots = await reserved(ask, expiry)
  expect(await host.fillSlot({ requestId: slots.id, slotIndex: 0 }, PROOF, never)).toMatchObject({ done: true })
  return slots
}

/** Leaves an allowance for one fill, so that nothing but the fill has to be mined. */
async function allowFill(market: EthersMarket, requestId: ReturnType<typeof slotsOf>['id']): Promise<void> {
  const refused = market.fillSlot({ requestId, slotIndex: 0 }, ZERO_PROOF, never)
  await expect(refused).rejects.toMatchObject({ code: 'market/proof-invalid' })
}

/** As {@link allowFill}, for one request. */
async function allowRequest(market: EthersMarket): Promise<void> {
  const request = world.request(market.host)
  await market.requestStorage(request, never)
  const again = market.requestStorage(request, never)
  await expect(again).rejects.toMatchObject({ detail: { revert: 'Marketplace_RequestAlreadyExists' } })
}

/** Mines until a proof of the period before this one is asked for by the blocks to come. */
async function askFor(slot: SlotId): Promise<void> {
  const now = (await host.challenge(slot, never)).pointer
  const pointer = (now - LONG_PERIODS.proofs.downtimeProduct + 256) % 256
  if (pointer < LEAST_POINTER || pointer > MOST_POINTER) await world.mine((LEAST_POINTER - pointer + 256) % 256)
}

/**
 * Everything that has to be before, then every act of the key: one transaction of each can get into one block.
 * @param withApprovals of a request and a fill: they themselves come later
 */
async function prepared(withApprovals: boolean): Promise<readonly (() => Promise<unknown>)[]> {
  const [over, unfilled, missing, proven, givenUp] = await Promise.all([
    filled({ duration: 2_000n }, 1_000n),
    requested({ duration: 2_000n }, 1_000n),
    filled(),
    filled(),
    filled(),
  ])
  const firstMissed = host.periodicity.periodOf(await world.blockTime()) + 1
  await world.jumpTo(host.periodicity.startOf(firstMissed + 1) + 5, host, client, rival)
  await askFor(missing.slot(0))
  const [approved, toFill, full] = await Promise.all([requested(), reserved(), requested()])
  const rivalReserves = [approved, full].map(({ id }) => rival.reserveSlot({ requestId: id, slotIndex: 0 }, never))
  const clientReserves = client.reserveSlot({ requestId: full.id, slotIndex: 0 }, never)
  await Promise.all([...rivalReserves, clientReserves, allowFill(host, toFill.id)])
  if (!withApprovals) await Promise.all([allowRequest(client), allowFill(rival, approved.id)])
  const period = host.periodicity.periodOf(await world.blockTime())
  return [
    () => client.requestStorage(world.request(client.host), never),
    () => client.withdrawFunds(unfilled.id, never),
    () => host.collect(over.slot(0), never),
    () => host.submitProof(proven.slot(0), period, PROOF, never),
    () => host.abandon(givenUp.slot(0), never),
    () => host.fillSlot({ requestId: toFill.id, slotIndex: 0 }, PROOF, never),
    () => host.reserveSlot({ requestId: full.id, slotIndex: 0 }, never),
    () => rival.markProofAsMissing(missing.slot(0), firstMissed, never),
    () => rival.fillSlot({ requestId: approved.id, slotIndex: 0 }, PROOF, never),
    () => rival.sendTokens(client.host, 5n, never),
    () => rival.sendCoins(client.host, 7n, never),
  ]
}

const EVENTS = [
  ...['ProofSubmitted', 'RequestCancelled', 'RequestFailed', 'RequestFulfilled', 'SlotFilled', 'SlotFreed'],
  ...['SlotReservationsFull', 'StorageRequested'],
]

function kindsOf(events: readonly { readonly type: string }[]): string[] {
  return [...new Set(events.map(({ type }) => type))].sort()
}

async function nothingOpen(): Promise<void> {
  await expect.poll(() => [client, host, rival].flatMap((market) => market.openIntents())).toEqual([])
}

describe.each(DEPTHS)('a reorganisation %i deep', (depth) => {
  it('around every kind of transaction and event', async () => {
    const acts = await prepared(depth >= BLOCKS_WITH_APPROVALS)
    const from = (await world.blockNumber()) + 1
    const events = await follow()
    const revert = await snapshot()
    await rpc('evm_setAutomine', false)
    const acting = Promise.all(acts.map((act) => act()))
    acting.catch(() => undefined)
    // One transaction of each act waits.
    await expect
      .poll(async () => (await rpc<{ pending: string }>('txpool_status')).pending)
      .toBe(`0x${acts.length.toString(16)}`)
    await world.mine()
    await rpc('evm_setAutomine', true)
    const outcomes = (await acting) as { readonly done?: boolean }[]
    expect(outcomes.filter(({ done }) => done === false)).toEqual([])
    const blocks = (await world.blockNumber()) - from + 1
    expect(blocks).toBeLessThanOrEqual(depth)
    if (depth > blocks) await world.mine(depth - blocks)
    await expect.poll(() => kindsOf(events.standing)).toEqual(EVENTS)
    await agrees(events, from)
    const before = events.told.length
    await revert()
    // Another branch, longer than the first, without the transactions as yet.
    await world.mine(depth + 2)
    await expect.poll(() => events.told.slice(before).filter(({ type }) => type === 'undone').length).toBe(before)
    // The same transactions are in the chain again.
    await nothingOpen()
    await agrees(events, from)
    expect(kindsOf(events.standing)).toEqual(EVENTS)
  }, 300_000)

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
    const market = await world.open(3)
    await allowRequest(market)
    const from = (await world.blockNumber()) + 1
    const events = await follow()
    const revert = await snapshot()
    await market.requestStorage(world.request(market.host), never)
    // Nobody will send it again.
    await market.stop()
    await world.mine(depth - 1)
    expect((await world.blockNumber()) - from + 1).toBe(depth)
    await expect.poll(() => events.types).toEqual(['StorageRequested'])
    await revert()
    await seen(host)
    await world.mine(depth + 3)
    await expect.poll(() => events.types).toEqual([])
    await agrees(events, from)
  })
})

async function seen(market: EthersMarket): Promise<void> {
  const before = market.requests
  await expect.poll(() => market.requests).toBeGreaterThan(before + 3)
}
