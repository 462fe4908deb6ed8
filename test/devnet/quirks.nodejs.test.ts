// What the deployed marketplace does and nobody would guess, on a real chain: each fact of the reference that no recorded row shows.

import { AbiCoder } from 'ethers'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import vectors from '../vectors/marketplace.json' with { type: 'json' }
import type { VectorRequest } from './scenarios.ts'
import { maxPriceOf, PROOF, slotIdOf, Stage } from './scenarios.ts'
import { type Sent, TestChain } from './testchain.ts'

const BASELINE = vectors.scenarios[0]?.request as VectorRequest
const FREE = 0n
const FILLED = 1n
const FINISHED = 2n
const FAILED = 3n
const PAID = 4n
const CANCELLED = 5n
const REPAIR = 6n

let chain: TestChain
beforeAll(async () => {
  let stop = async (): Promise<void> => undefined
  chain = await TestChain.start((ending) => (stop = ending))
  return () => stop()
})

/** One request on a marketplace of its own, and short words for what is done to it. */
class Scene {
  readonly stage: Stage
  readonly id: string
  /** Of the request. */
  readonly start: number

  private constructor(stage: Stage, id: string) {
    this.stage = stage
    this.id = id
    this.start = chain.now
  }

  static async set(ask: Partial<VectorRequest['ask']> = {}, config = 'example'): Promise<Scene> {
    onTestFinished(await chain.snapshot())
    const stage = await Stage.set(chain, config)
    const request = { ...BASELINE, ask: { ...BASELINE.ask, ...ask } }
    await stage.approve(stage.party('client'), maxPriceOf(request))
    const { marketplace } = stage.market
    const { events } = await chain.must(marketplace, stage.party('client'), 'requestStorage', [request])
    return new Scene(stage, String(events[0]?.args[0]))
  }

  slot(i: number): string {
    return slotIdOf(this.id, i)
  }

  send(by: string, call: string, args: readonly unknown[], after?: number): Promise<Sent> {
    const time = after === undefined ? chain.now : this.start + after
    return chain.send(this.stage.market.marketplace, this.stage.party(by), call, args, time)
  }

  async reserve(i: number, by: string): Promise<Sent> {
    return await this.send(by, 'reserveSlot', [this.id, i])
  }

  async fill(i: number, by: string, after?: number): Promise<Sent> {
    await this.stage.approve(this.stage.party(by), 10n ** 12n)
    return await this.send(by, 'fillSlot', [this.id, i, PROOF], after)
  }

  /** Reserved and filled, without fail. */
  async take(i: number, by: string, after?: number): Promise<void> {
    await this.reserve(i, by)
    expect((await this.fill(i, by, after)).error).toBeUndefined()
  }

  free(i: number, by: string, after?: number): Promise<Sent> {
    return this.send(by, 'freeSlot(bytes32)', [this.slot(i)], after)
  }

  ask(call: string, args: readonly unknown[], by = 'client'): Promise<unknown> {
    return chain.read(this.stage.market.marketplace, call, args, this.stage.party(by))
  }

  state(i: number): Promise<unknown> {
    return this.ask('slotState', [this.slot(i)])
  }

  async mine(after: number): Promise<void> {
    await chain.mine(this.start + after)
  }

  async listed(call: 'mySlots' | 'myRequests', by: string): Promise<string[]> {
    return [...((await this.ask(call, [], by)) as string[])]
  }
}

const names = ({ events }: Sent): string[] => events.map(({ name }) => name)

test('StorageRequested carries the whole ask and the absolute expiry', async () => {
  onTestFinished(await chain.snapshot())
  const stage = await Stage.set(chain, 'example')
  await stage.approve(stage.party('client'), maxPriceOf(BASELINE))
  const { events } = await chain.must(stage.market.marketplace, stage.party('client'), 'requestStorage', [BASELINE])
  const { proofProbability, pricePerBytePerSecond, collateralPerByte, slots, slotSize, duration, maxSlotLoss } =
    BASELINE.ask
  expect(events[0]?.args.toArray(true)).toEqual([
    expect.stringMatching(/^0x[0-9a-f]{64}$/) as unknown,
    [proofProbability, pricePerBytePerSecond, collateralPerByte, slots, slotSize, duration, maxSlotLoss].map(BigInt),
    BigInt(chain.now + 600),
  ])
})

test('the configuration reads back as it was deployed', async () => {
  onTestFinished(await chain.snapshot())
  for (const [name, configuration] of Object.entries(vectors.meta.configs)) {
    const { market } = await Stage.set(chain, name)
    const read = (await chain.read(market.marketplace, 'configuration', [])) as { toArray(deep: boolean): unknown[] }
    const { collateral, proofs, reservations, requestDurationLimit } = configuration
    const plain = JSON.parse(
      JSON.stringify(read.toArray(true), (_, part: unknown) => (typeof part === 'bigint' ? Number(part) : part)),
    ) as unknown
    expect(plain).toEqual([
      Object.values(collateral),
      Object.values(proofs),
      Object.values(reservations),
      requestDurationLimit,
    ])
    expect(String(await chain.read(market.marketplace, 'token', [])).toLowerCase()).toBe(market.token.address)
  }
})

test('a request and its slots read back', async () => {
  const scene = await Scene.set()
  await scene.take(2, 'hostA')
  const request = (await scene.ask('getRequest', [scene.id])) as { toObject(deep: boolean): object }
  expect(
    JSON.stringify(request.toObject(true), (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part)),
  ).toBe(JSON.stringify(BASELINE))
  const active = (await scene.ask('getActiveSlot', [scene.slot(2)])) as { request: unknown; slotIndex: bigint }
  expect(active.slotIndex).toBe(2n)
  expect(active.request).toEqual(request)
})

test('reservations: three different hosts, told when full, kept by a fill, dropped when the slot is given up', async () => {
  const scene = await Scene.set()
  expect(names(await scene.reserve(0, 'hostA'))).toEqual([])
  expect((await scene.reserve(0, 'hostA')).error).toBe('SlotReservations_ReservationNotAllowed')
  expect(names(await scene.reserve(0, 'hostB'))).toEqual([])
  const third = await scene.reserve(0, 'hostC')
  expect(third.events.map(({ name, args }) => [name, ...args.toArray()])).toEqual([
    ['SlotReservationsFull', scene.id, 0n],
  ])
  expect(await scene.ask('canReserveSlot', [scene.id, 0], 'validator')).toBe(false)
  expect((await scene.reserve(0, 'validator')).error).toBe('SlotReservations_ReservationNotAllowed')
  expect((await scene.fill(0, 'hostB')).error).toBeUndefined()
  expect(names(await scene.free(0, 'hostB', 10))).toEqual(['SlotFreed'])
  // The older reservation is gone with the others, and there is room again.
  expect((await scene.fill(0, 'hostA', 20)).error).toBe('Marketplace_ReservationRequired')
  for (const by of ['hostB', 'validator', 'hostA']) expect((await scene.reserve(0, by)).error).toBeUndefined()
  expect((await scene.fill(0, 'hostA', 20)).error).toBeUndefined()
})

test('a slot of a request that is over can be reserved when it was never filled, but not filled', async () => {
  const scene = await Scene.set()
  await scene.take(0, 'hostA')
  await scene.mine(601)
  expect([await scene.state(0), await scene.state(1)]).toEqual([CANCELLED, FREE])
  expect((await scene.reserve(0, 'hostB')).error).toBe('SlotReservations_ReservationNotAllowed')
  expect((await scene.reserve(1, 'hostB')).error).toBeUndefined()
  expect((await scene.fill(1, 'hostB')).error).toBe('Marketplace_SlotNotFree')
  expect((await scene.send('client', 'withdrawFunds(bytes32)', [scene.id])).error).toBeUndefined()
  expect((await scene.fill(1, 'hostB')).error).toBe('Marketplace_SlotNotFree')
})

test('a slot in repair when its request ends reads finished, and has no host to collect', async () => {
  const scene = await Scene.set({ slots: '2' })
  await scene.take(0, 'hostA', 10)
  await scene.take(1, 'hostB', 20)
  await scene.free(0, 'hostA', 30)
  expect(await scene.state(0)).toBe(REPAIR)
  await scene.mine(3601)
  expect(await scene.state(0)).toBe(FINISHED)
  expect(await scene.ask('getHost', [scene.slot(0)])).toBe(`0x${'0'.repeat(40)}`)
  expect((await scene.free(0, 'hostA')).error).toBe('Marketplace_InvalidSlotHost')
  await scene.reserve(0, 'hostC')
  expect((await scene.reserve(0, 'hostC')).error).toBe('SlotReservations_ReservationNotAllowed')
})

test('at its last second a request is still new, still started; a repair fill then comes too late', async () => {
  const scene = await Scene.set({ slots: '1' })
  await scene.mine(600)
  expect(await scene.ask('requestState', [scene.id])).toBe(0n)
  await scene.take(0, 'hostA', 600)
  await scene.free(0, 'hostA', 700)
  await scene.reserve(0, 'hostB')
  await scene.mine(3600)
  expect(await scene.ask('requestState', [scene.id])).toBe(1n)
  expect((await scene.fill(0, 'hostB', 3600)).error).toBe('Marketplace_StartNotBeforeExpiry')
  expect((await scene.fill(0, 'hostB', 3601)).error).toBe('Marketplace_SlotNotFree')
})

test('nothing fails before the request has started', async () => {
  const scene = await Scene.set({ slots: '2', maxSlotLoss: '0' })
  await scene.take(0, 'hostA', 10)
  expect(names(await scene.free(0, 'hostA', 30))).toEqual(['SlotFreed'])
  expect(await scene.ask('requestState', [scene.id])).toBe(0n)
  await scene.take(0, 'hostB', 40)
  await scene.take(1, 'hostB', 50)
  expect(await scene.ask('requestState', [scene.id])).toBe(1n)
  expect(names(await scene.free(1, 'hostB', 60))).toEqual(['SlotFreed', 'RequestFailed'])
  expect(await scene.ask('requestEnd', [scene.id])).toBe(BigInt(scene.start + 59))
  expect([await scene.state(0), await scene.state(1)]).toEqual([FAILED, FAILED])
})

test('a repair fill never tells that the request is fulfilled again', async () => {
  const scene = await Scene.set({ slots: '1' })
  await scene.reserve(0, 'hostA')
  expect(names(await scene.fill(0, 'hostA', 10))).toEqual(['ProofSubmitted', 'SlotFilled', 'RequestFulfilled'])
  await scene.free(0, 'hostA', 20)
  await scene.reserve(0, 'hostA')
  expect(names(await scene.fill(0, 'hostA', 40))).toEqual(['ProofSubmitted', 'SlotFilled'])
})

test('when the hosts earn all of it there is nothing to withdraw, and the client keeps the request listed until a payout', async () => {
  const scene = await Scene.set({ slots: '1' })
  await scene.take(0, 'hostA', 0)
  await scene.mine(3601)
  expect((await scene.send('client', 'withdrawFunds(bytes32)', [scene.id])).error).toBe('Marketplace_NothingToWithdraw')
  expect(await scene.listed('myRequests', 'client')).toEqual([scene.id])
  await scene.free(0, 'hostA')
  expect(await scene.listed('myRequests', 'client')).toEqual([])
})

test('after the payout the collateral still shows, the host too, and a proof is still taken', async () => {
  const scene = await Scene.set({ slots: '1' })
  await scene.take(0, 'hostA', 10)
  const { transfers } = await scene.free(0, 'hostA', 3601)
  expect(transfers.map(({ amount }) => amount)).toEqual([7_180_000n, 5_000n])
  expect(await scene.state(0)).toBe(PAID)
  expect(await scene.ask('currentCollateral', [scene.slot(0)])).toBe(5_000n)
  expect(String(await scene.ask('getHost', [scene.slot(0)])).toLowerCase()).toBe(scene.stage.party('hostA'))
  expect(names(await scene.send('hostA', 'submitProof', [scene.slot(0), PROOF]))).toEqual(['ProofSubmitted'])
  expect((await scene.reserve(0, 'hostB')).error).toBe('SlotReservations_ReservationNotAllowed')
})

test('lists: slots and requests leave when paid, given up or withdrawn, the last taking the place of the one that goes', async () => {
  const scene = await Scene.set()
  for (const i of [0, 1, 2, 3]) await scene.take(i, 'hostA', 10 * (i + 1))
  expect(await scene.listed('mySlots', 'hostA')).toEqual([0, 1, 2, 3].map((i) => scene.slot(i)))
  await scene.free(1, 'hostA', 100)
  expect(await scene.listed('mySlots', 'hostA')).toEqual([0, 3, 2].map((i) => scene.slot(i)))
  await scene.free(0, 'hostA', 110)
  // Now it has failed: slots stay listed until freed, the request until withdrawn.
  expect(await scene.listed('mySlots', 'hostA')).toEqual([2, 3].map((i) => scene.slot(i)))
  await scene.free(2, 'hostA', 120)
  expect(await scene.listed('mySlots', 'hostA')).toEqual([scene.slot(3)])
  expect(await scene.listed('mySlots', 'hostB')).toEqual([])
  expect(await scene.listed('myRequests', 'client')).toEqual([scene.id])
  await scene.send('client', 'withdrawFunds(bytes32)', [scene.id])
  expect(await scene.listed('myRequests', 'client')).toEqual([])
})

test('a proof is due only outside the downtime, and announced within it', async () => {
  const scene = await Scene.set({ proofProbability: '1' })
  await scene.take(0, 'hostA', 10)
  const { downtime, period } = scene.stage.configuration.proofs
  // Not in the period of the fill.
  expect(await scene.ask('isProofRequired', [scene.slot(0)])).toBe(false)
  await chain.mine(chain.now + period)
  const pointer = Number(await scene.ask('getPointer', [scene.slot(0)]))
  await chain.mineMany((downtime - 1 - pointer + 256) % 256)
  const due = async (): Promise<unknown[]> => [
    Number(await scene.ask('getPointer', [scene.slot(0)])),
    await scene.ask('willProofBeRequired', [scene.slot(0)]),
    await scene.ask('isProofRequired', [scene.slot(0)]),
  ]
  expect(await due()).toEqual([downtime - 1, true, false])
  await chain.mineMany(1)
  expect(await due()).toEqual([downtime, false, true])
  await scene.mine(601)
  expect((await due()).slice(1)).toEqual([false, false])
})

test('with a configuration of 0 slashes the first missing proof costs the slot', async () => {
  onTestFinished(await chain.snapshot())
  const stage = await Stage.set(chain, 'hardhat')
  const { token, verifier } = stage.market
  const configuration = {
    ...stage.configuration,
    collateral: { ...stage.configuration.collateral, maxNumberOfSlashes: 0 },
  }
  const marketplace = await chain.deploy('TestMarketplace', configuration, token.address, verifier.address)
  const [client, host] = [stage.party('client'), stage.party('hostA')]
  for (const party of [client, host]) await chain.must(token, party, 'approve', [marketplace.address, 10n ** 20n])
  const request = { ...BASELINE, ask: { ...BASELINE.ask, proofProbability: '1' } }
  const { events } = await chain.must(marketplace, client, 'requestStorage', [request])
  const id = String(events[0]?.args[0])
  await chain.must(marketplace, host, 'reserveSlot', [id, 0])
  await chain.must(marketplace, host, 'fillSlot', [id, 0, PROOF])
  const period = Math.floor(chain.now / 90) + 1
  await stage.leaveDowntime(slotIdOf(id, 0), period)
  const marked = await chain.must(
    marketplace,
    host,
    'markProofAsMissing',
    [slotIdOf(id, 0), period],
    (period + 1) * 90 + 1,
  )
  expect(names(marked)).toEqual(['SlotFreed'])
  expect(marked.transfers).toEqual([{ from: marketplace.address, to: host, amount: 200n }])
  expect(await chain.read(marketplace, 'slotState', [slotIdOf(id, 0)])).toBe(REPAIR)
})

test('a token that says no is heard, both ways', async () => {
  onTestFinished(await chain.snapshot())
  const [client, host] = [chain.account(0), chain.account(1)]
  const token = await chain.deploy('RefusingToken')
  const verifier = await chain.deploy('AnyProofVerifier')
  const configuration = vectors.meta.configs.example
  const marketplace = await chain.deploy('Marketplace', configuration, token.address, verifier.address)
  const failed = async (by: string, call: string, ...args: unknown[]): Promise<void> => {
    await chain.must(token, client, 'refuse', [true])
    expect((await chain.send(marketplace, by, call, args)).error).toBe('Marketplace_TransferFailed')
    await chain.must(token, client, 'refuse', [false])
  }
  await failed(client, 'requestStorage', BASELINE)
  const { events } = await chain.must(marketplace, client, 'requestStorage', [BASELINE])
  const id = String(events[0]?.args[0])
  await chain.must(marketplace, host, 'reserveSlot', [id, 0])
  await failed(host, 'fillSlot', id, 0, PROOF)
  await chain.must(marketplace, host, 'fillSlot', [id, 0, PROOF])
  await chain.mine(chain.now + 601)
  await failed(host, 'freeSlot(bytes32)', slotIdOf(id, 0))
  await failed(client, 'withdrawFunds(bytes32)', id)
})

test('calldata that is no request is refused, not stored', async () => {
  const scene = await Scene.set()
  const { marketplace } = scene.stage.market
  const selector = marketplace.interface.getFunction('reserveSlot')?.selector ?? ''
  const words = AbiCoder.defaultAbiCoder().encode(['bytes32', 'uint256'], [scene.id, 2n ** 64n])
  const data = selector + words.slice(2)
  await expect(chain.rpc.call('eth_call', [{ to: marketplace.address, data }, 'latest'])).rejects.toMatchObject({
    code: 'devnet/rpc-refused',
  })
})

test('the test subclass frees as if too many proofs were missing', async () => {
  const scene = await Scene.set()
  await scene.take(0, 'hostA', 10)
  expect(await scene.ask('getSlotCollateral', [scene.slot(0)])).toBe(5_000n)
  expect(names(await scene.send('validator', 'forciblyFreeSlot', [scene.slot(0)]))).toEqual(['SlotFreed'])
  expect([await scene.state(0), await scene.ask('getSlotCollateral', [scene.slot(0)])]).toEqual([REPAIR, 0n])
  await scene.take(0, 'hostB', 20)
  expect(await scene.state(0)).toBe(FILLED)
})
