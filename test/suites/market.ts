// The laws of the Market seam, for every implementation: the chain's rules as sales, purchasing and validation see them. How an endpoint may fail
// is not their business.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Seconds } from '../../src/lib/units.ts'
import type { Groth16Proof } from '../../src/market/groth16proof.ts'
import type { Market, Slot } from '../../src/market/market.ts'
import type { ContractEvent } from '../../src/market/marketevent.ts'
import { Periodicity } from '../../src/market/periodicity.ts'
import { requestId, slotId } from '../../src/protocol/ids.ts'
import type { RequestId, SlotId, StorageAsk, StorageRequest } from '../../src/protocol/request.ts'

/** A chain of its own, whose verifier takes every proof but the one of all zeros. */
export interface MarketWorld {
  /** One of at least five hosts with coins and tokens; the same number is the same host. */
  open(account: number): Promise<Market>
  /** Time of the newest block. */
  now(): Promise<Seconds>
  timeOf(block: number): Promise<Seconds>
  /** Mines a block at `time`; from there the chain's time goes on. All markets have noticed. */
  jumpTo(time: Seconds): Promise<void>
  mine(blocks: number): Promise<void>
  close(): Promise<void>
}

/** What the suite asks of the contract: periods long enough that none ends within a test. */
export const SUITE_TERMS = {
  collateral: { repairRewardPercentage: 10, maxNumberOfSlashes: 5, slashPercentage: 10, validatorRewardPercentage: 20 },
  proofs: { period: 200, timeout: 100, downtime: 64, downtimeProduct: 67, zkeyHash: 'none' },
  reservations: { maxReservations: 3 },
  requestDurationLimit: 2_592_000,
} as const

const PROOF: Groth16Proof = {
  a: { x: 1n, y: 2n },
  b: { x: { real: 3n, imag: 4n }, y: { real: 5n, imag: 6n } },
  c: { x: 7n, y: 8n },
}
const ZERO: Groth16Proof = {
  a: { x: 0n, y: 0n },
  b: { x: { real: 0n, imag: 0n }, y: { real: 0n, imag: 0n } },
  c: { x: 0n, y: 0n },
}
const NEVER = { signal: new AbortController().signal }
const UNKNOWN = `0x${'77'.repeat(32)}` as RequestId & SlotId

const [SLOTS, PRICE, COLLATERAL, DURATION, EXPIRY] = [2n, 2000n, 5000n, 7200n, 3600n]

export function marketSuite(name: string, setup: () => Promise<MarketWorld>): void {
  describe(`${name} keeps the law of Market`, () => {
    let world: MarketWorld
    let client: Market
    let host: Market
    let rival: Market
    beforeAll(async () => {
      world = await setup()
      client = await world.open(0)
      host = await world.open(1)
      rival = await world.open(2)
    })
    afterAll(() => world.close())

    let requests = 0
    function newRequest(ask: Partial<StorageAsk> = {}): StorageRequest {
      return {
        client: client.host,
        ask: {
          proofProbability: 1n,
          pricePerBytePerSecond: PRICE / 1000n,
          collateralPerByte: COLLATERAL / 1000n,
          slots: SLOTS,
          slotSize: 1000n,
          duration: DURATION,
          maxSlotLoss: 1n,
          ...ask,
        },
        content: { cid: Uint8Array.of(1, 2, 3), merkleRoot: `0x${'42'.repeat(32)}` },
        expiry: EXPIRY,
        nonce: `0x${(++requests).toString(16).padStart(64, '0')}`,
      }
    }

    async function requested(ask: Partial<StorageAsk> = {}) {
      const request = newRequest(ask)
      const landed = await client.requestStorage(request, NEVER)
      const slot = (slotIndex: number): Slot => ({ requestId: landed.requestId, slotIndex })
      return { request, landed, id: landed.requestId, slot, slotId: (index: number) => slotId(landed.requestId, index) }
    }

    async function filled(by: readonly Market[] = [host], ask: Partial<StorageAsk> = {}) {
      const found = await requested(ask)
      for (const [index, market] of by.entries()) {
        expect(await market.reserveSlot(found.slot(index), NEVER)).toMatchObject({ done: true })
        expect(await market.fillSlot(found.slot(index), PROOF, NEVER)).toMatchObject({ done: true })
      }
      return found
    }

    async function nextPeriod(): Promise<number> {
      const periodicity = new Periodicity(host.terms.proofs.period)
      const period = periodicity.periodOf(await world.now()) + 1
      await world.jumpTo(periodicity.startOf(period) + 1)
      return period
    }

    async function past(from: number, to?: number): Promise<ContractEvent[]> {
      const events: ContractEvent[] = []
      const range = to === undefined ? { from } : { from, to }
      for await (const event of host.pastEvents({ ...range, ...NEVER })) events.push(event)
      return events
    }

    it('tells the terms of the contract', () => {
      expect(host.terms).toEqual(SUITE_TERMS)
    })

    describe('requests', () => {
      it('are unknown until made, then known as they were made, and paid in full', async () => {
        expect(await host.request(UNKNOWN, NEVER)).toBeUndefined()
        expect(await host.requestState(UNKNOWN, NEVER)).toBeUndefined()
        expect(await host.requestEnd(UNKNOWN, NEVER)).toBeUndefined()
        expect(await host.requestExpiry(UNKNOWN, NEVER)).toBeUndefined()
        const before = await client.tokenBalance(NEVER)
        const { id, request } = await requested()
        expect(id).toBe(requestId(request))
        expect(await host.request(id, NEVER)).toEqual(request)
        expect(await host.requestState(id, NEVER)).toBe('New')
        expect(await client.tokenBalance(NEVER)).toBe(before - SLOTS * DURATION * PRICE)
        expect(await client.myRequests(NEVER)).toContain(id)
        expect(await host.myRequests(NEVER)).not.toContain(id)
        const made = await world.now()
        expect(await host.requestExpiry(id, NEVER)).toBe(made + Number(EXPIRY))
        expect(await host.requestEnd(id, NEVER)).toBe(made + Number(DURATION))
      })

      it('of others, twice, and of bad terms are refused as errors', async () => {
        const request = newRequest()
        await expect(host.requestStorage(request, NEVER)).rejects.toMatchObject({
          code: 'market/invalid-client-address',
        })
        await client.requestStorage(request, NEVER)
        await expect(client.requestStorage(request, NEVER)).rejects.toMatchObject({
          code: 'market/request-already-exists',
        })
        const bad = { ...newRequest(), expiry: DURATION }
        await expect(client.requestStorage(bad, NEVER)).rejects.toMatchObject({ code: 'market/invalid-expiry' })
      })

      it('end unpaid for when nobody fills them, and the money comes back once', async () => {
        const before = await client.tokenBalance(NEVER)
        const { id, slotId } = await requested()
        expect(await client.withdrawFunds(id, NEVER)).toMatchObject({ done: false, why: 'not over yet' })
        await world.jumpTo((await world.now()) + Number(EXPIRY) + 1)
        expect(await host.requestState(id, NEVER)).toBe('Cancelled')
        expect(await host.slotState(slotId(0), NEVER)).toBe('Free')
        expect(await client.withdrawFunds(id, NEVER)).toMatchObject({ done: true })
        expect(await client.withdrawFunds(id, NEVER)).toMatchObject({ done: false, why: 'nothing to withdraw' })
        expect(await client.tokenBalance(NEVER)).toBe(before)
      })
    })

    describe('reservations', () => {
      it('are for as many hosts as the terms say, once each, then told as full', async () => {
        const { slot, landed, id } = await requested()
        expect(await host.canReserveSlot(slot(0), NEVER)).toBe(true)
        expect(await host.hasReservedSlot(slot(0), NEVER)).toBe(false)
        expect(await host.reserveSlot(slot(0), NEVER)).toMatchObject({ done: true })
        expect(await host.canReserveSlot(slot(0), NEVER)).toBe(false)
        expect(await host.hasReservedSlot(slot(0), NEVER)).toBe(true)
        expect(await rival.hasReservedSlot(slot(0), NEVER)).toBe(false)
        expect(await host.hasReservedSlot(slot(1), NEVER)).toBe(false)
        const twice = await host.reserveSlot(slot(0), NEVER)
        expect(twice).toMatchObject({ done: false, why: 'reservation not allowed', sentence: expect.any(String) })
        for (const market of [rival, client]) await market.reserveSlot(slot(0), NEVER)
        const late = await world.open(3)
        expect(await late.canReserveSlot(slot(0), NEVER)).toBe(false)
        expect(await late.reserveSlot(slot(0), NEVER)).toMatchObject({ done: false, why: 'reservation not allowed' })
        expect(await past(landed.block + 1)).toMatchObject([
          { type: 'SlotReservationsFull', requestId: id, slotIndex: 0, slotId: slotId(id, 0) },
        ])
      })
    })

    describe('filling', () => {
      it('takes the collateral, once, from who has reserved', async () => {
        const { slot, slotId, id, request } = await requested()
        expect(await host.hostOf(slotId(0), NEVER)).toBeUndefined()
        expect(await host.activeSlot(slotId(0), NEVER)).toBeUndefined()
        expect(await host.slotCollateral(slot(0), NEVER)).toBe(COLLATERAL)
        expect(await host.slotCollateral({ requestId: UNKNOWN, slotIndex: 0 }, NEVER)).toBeUndefined()
        expect(await host.fillSlot(slot(0), PROOF, NEVER)).toMatchObject({ done: false, why: 'reservation missing' })
        await host.reserveSlot(slot(0), NEVER)
        await expect(host.fillSlot(slot(0), ZERO, NEVER)).rejects.toMatchObject({ code: 'market/proof-invalid' })
        await rival.reserveSlot(slot(0), NEVER)
        const before = await host.tokenBalance(NEVER)
        expect(await host.fillSlot(slot(0), PROOF, NEVER)).toMatchObject({ done: true })
        expect(await host.tokenBalance(NEVER)).toBe(before - COLLATERAL)
        expect(await rival.fillSlot(slot(0), PROOF, NEVER)).toMatchObject({ done: false, why: 'slot not free' })
        expect(await host.slotState(slotId(0), NEVER)).toBe('Filled')
        expect(await rival.hostOf(slotId(0), NEVER)).toBe(host.host)
        expect(await host.currentCollateral(slotId(0), NEVER)).toBe(COLLATERAL)
        expect(await host.mySlots(NEVER)).toContain(slotId(0))
        expect(await rival.mySlots(NEVER)).not.toContain(slotId(0))
        const active = { slotId: slotId(0), requestId: id, slotIndex: 0, request }
        expect(await rival.activeSlot(slotId(0), NEVER)).toEqual(active)
      })

      it('the last slot starts the request', async () => {
        const { id, landed } = await filled([host, rival])
        expect(await host.requestState(id, NEVER)).toBe('Started')
        const types = (await past(landed.block)).map(({ type }) => type)
        expect(types).toEqual([
          ...['StorageRequested', 'ProofSubmitted', 'SlotFilled', 'ProofSubmitted', 'SlotFilled', 'RequestFulfilled'],
        ])
      })

      it('tells who filled which slot, by the events that told of it', async () => {
        const { landed } = await filled([host, rival])
        const fillers: (string | undefined)[] = []
        for (const event of await past(landed.block))
          if (event.type === 'SlotFilled') {
            fillers.push(await client.fillerOf(event, NEVER))
            // Of a block that is not that of the chain: no answer, rather than nobody.
            const undone = client.fillerOf({ ...event, blockHash: UNKNOWN }, NEVER)
            await expect(undone).rejects.toMatchObject({ code: 'market/bad-answer' })
          }
        expect(fillers).toEqual([host.host, rival.host])
      })

      it('is refused once the request is over, and of an unknown request or slot', async () => {
        const { slot } = await requested()
        await host.reserveSlot(slot(0), NEVER)
        await world.jumpTo((await world.now()) + Number(EXPIRY) + 1)
        expect(await host.fillSlot(slot(0), PROOF, NEVER)).toMatchObject({ done: false, why: 'request over' })
        const unknown = host.fillSlot({ requestId: UNKNOWN, slotIndex: 0 }, PROOF, NEVER)
        await expect(unknown).rejects.toMatchObject({ code: 'market/unknown-request' })
        const { slot: other } = await requested()
        await expect(host.fillSlot(other(7), PROOF, NEVER)).rejects.toMatchObject({ code: 'market/invalid-slot' })
      })
    })

    describe('collecting', () => {
      it('pays reward and collateral of a finished slot once, and never touches a filled one', async () => {
        const { id, slotId } = await filled([host, rival])
        const [before, filledAt] = [await host.tokenBalance(NEVER), await slotFilledAt(id, 0)]
        expect(await host.collect(slotId(0), NEVER)).toMatchObject({ done: false, why: 'not over yet' })
        const end = (await host.requestEnd(id, NEVER)) ?? 0
        await world.jumpTo(end + 1)
        expect(await host.slotState(slotId(0), NEVER)).toBe('Finished')
        expect(await host.collect(slotId(1), NEVER)).toMatchObject({ done: false, why: 'not our slot' })
        expect(await host.collect(slotId(0), NEVER)).toMatchObject({ done: true })
        const reward = BigInt(end - filledAt) * PRICE
        expect(await host.tokenBalance(NEVER)).toBe(before + reward + COLLATERAL)
        expect(await host.collect(slotId(0), NEVER)).toMatchObject({ done: false, why: 'already paid' })
        expect(await host.slotState(slotId(0), NEVER)).toBe('Paid')
        expect(await host.mySlots(NEVER)).not.toContain(slotId(0))
        expect(await host.collect(UNKNOWN, NEVER)).toMatchObject({ done: false, why: 'not our slot' })
      })

      it('pays a cancelled slot until the expiry', async () => {
        const { id, slotId } = await filled()
        const [before, filledAt] = [await host.tokenBalance(NEVER), await slotFilledAt(id, 0)]
        const expiry = (await host.requestExpiry(id, NEVER)) ?? 0
        await world.jumpTo(expiry + 1)
        expect(await host.slotState(slotId(0), NEVER)).toBe('Cancelled')
        expect(await host.collect(slotId(0), NEVER)).toMatchObject({ done: true })
        expect(await host.tokenBalance(NEVER)).toBe(before + BigInt(expiry - filledAt) * PRICE + COLLATERAL)
      })
    })

    describe('giving up', () => {
      it('burns the collateral; another host repairs for less, in a later period', async () => {
        const { slot, slotId, landed } = await filled([host, rival])
        const before = await host.tokenBalance(NEVER)
        expect(await rival.abandon(slotId(0), NEVER)).toMatchObject({ done: false, why: 'not our slot' })
        expect(await host.abandon(slotId(0), NEVER)).toMatchObject({ done: true })
        expect(await host.abandon(slotId(0), NEVER)).toMatchObject({ done: false, why: 'not filled' })
        expect(await host.tokenBalance(NEVER)).toBe(before)
        expect(await host.slotState(slotId(0), NEVER)).toBe('Repair')
        expect(await host.hostOf(slotId(0), NEVER)).toBeUndefined()
        expect(await host.collect(slotId(0), NEVER)).toMatchObject({ done: false, why: 'not our slot' })
        expect((await past(landed.block)).at(-1)).toMatchObject({ type: 'SlotFreed', slotIndex: 0 })
        expect(await rival.slotCollateral(slot(0), NEVER)).toBe((COLLATERAL * 9n) / 10n)
        await rival.reserveSlot(slot(0), NEVER)
        expect(await rival.fillSlot(slot(0), PROOF, NEVER)).toMatchObject({
          done: false,
          why: 'proof already in this period',
        })
        await nextPeriod()
        const had = await rival.tokenBalance(NEVER)
        expect(await rival.fillSlot(slot(0), PROOF, NEVER)).toMatchObject({ done: true })
        expect(await rival.tokenBalance(NEVER)).toBe(had - (COLLATERAL * 9n) / 10n)
        expect(await rival.currentCollateral(slotId(0), NEVER)).toBe(COLLATERAL)
      })

      it('of more slots than may be lost fails the request, and nobody is paid', async () => {
        const { id, slotId, landed } = await filled([host, rival], { maxSlotLoss: 0n })
        await host.abandon(slotId(0), NEVER)
        expect(await host.requestState(id, NEVER)).toBe('Failed')
        expect((await past(landed.block)).at(-1)).toMatchObject({ type: 'RequestFailed', requestId: id })
        const before = await rival.tokenBalance(NEVER)
        expect(await rival.collect(slotId(1), NEVER)).toMatchObject({ done: true })
        expect(await rival.tokenBalance(NEVER)).toBe(before)
        expect(await rival.mySlots(NEVER)).not.toContain(slotId(1))
      })
    })

    describe('proofs', () => {
      it('are owed from the period after the fill on, each period once', async () => {
        await nextPeriod()
        const { slotId } = await filled()
        const current = new Periodicity(host.terms.proofs.period).periodOf(await world.now())
        expect(await host.proofDuty(slotId(0), current, NEVER)).toBeUndefined()
        const period = await nextPeriod()
        const duty = await host.proofDuty(slotId(0), period, NEVER)
        expect(duty).toEqual({
          slotId: slotId(0),
          period,
          due: (duty?.pointer ?? 0) >= host.terms.proofs.downtime ? 'now' : 'soon',
          challenge: expect.stringMatching(/^0x[0-9a-f]{64}$/),
          pointer: expect.any(Number),
        })
        expect(await host.proofDuty(slotId(0), period + 1, NEVER)).toBeUndefined()
        const duties = await host.slotDuties([slotId(0), slotId(1), UNKNOWN], NEVER)
        expect(duties).toMatchObject([
          { slotId: slotId(0), state: 'Filled', period, duty: { challenge: duty?.challenge } },
          { slotId: slotId(1), state: 'Free', duty: undefined },
          { slotId: UNKNOWN, state: 'Free', duty: undefined },
        ])
        await expect(host.submitProof(slotId(0), period, ZERO, NEVER)).rejects.toMatchObject({
          code: 'market/proof-invalid',
        })
        expect(await rival.submitProof(slotId(0), period, PROOF, NEVER)).toMatchObject({
          done: false,
          why: 'not our slot',
        })
        expect(await host.submitProof(slotId(0), period - 1, PROOF, NEVER)).toMatchObject({
          done: false,
          why: 'period over',
        })
        expect(await host.submitProof(slotId(0), period, PROOF, NEVER)).toMatchObject({ done: true })
        expect(await host.submitProof(slotId(0), period, PROOF, NEVER)).toMatchObject({
          done: false,
          why: 'already submitted',
        })
        expect(await host.submitProof(slotId(1), period, PROOF, NEVER)).toMatchObject({
          done: false,
          why: 'not our slot',
        })
      })

      it('that are missing can be marked once, by anybody, after their period', async () => {
        const { slotId } = await filled()
        const period = await dutyPeriod(slotId(0))
        expect(await rival.canMarkProofAsMissing(slotId(0), period, NEVER)).toBeUndefined()
        expect(await rival.markProofAsMissing(slotId(0), period, NEVER)).toMatchObject({
          done: false,
          why: 'period not over',
        })
        await nextPeriod()
        expect(await rival.canMarkProofAsMissing(slotId(0), period, NEVER)).toBe(true)
        expect(await rival.canMarkProofAsMissing(slotId(1), period, NEVER)).toBe(false)
        const before = await rival.tokenBalance(NEVER)
        expect(await rival.markProofAsMissing(slotId(0), period, NEVER)).toMatchObject({ done: true })
        expect(await rival.tokenBalance(NEVER)).toBe(before + COLLATERAL / 50n)
        expect(await host.currentCollateral(slotId(0), NEVER)).toBe((COLLATERAL * 9n) / 10n)
        expect(await host.missingProofs(slotId(0), NEVER)).toBe(1)
        expect(await rival.canMarkProofAsMissing(slotId(0), period, NEVER)).toBe(false)
        expect(await rival.markProofAsMissing(slotId(0), period, NEVER)).toMatchObject({
          done: false,
          why: 'not markable',
        })
      })
    })

    describe('events', () => {
      it('live and past are the same, each once, in order, with their places', async () => {
        const { id, landed } = await filled([host, rival])
        const ending = new AbortController()
        const told: unknown[] = []
        const done = (async () => {
          for await (const event of host.events({ from: landed.block, signal: ending.signal })) told.push(event)
        })().catch(() => undefined)
        await expect.poll(() => told.length).toBe(6)
        const another = await requested()
        await expect.poll(() => told.length).toBe(7)
        ending.abort(new Error('enough'))
        await done
        const events = await past(landed.block)
        expect(told).toEqual(events)
        expect(events[0]).toEqual({
          type: 'StorageRequested',
          requestId: id,
          ask: newRequest().ask,
          expiry: await host.requestExpiry(id, NEVER),
          block: landed.block,
          blockHash: landed.blockHash,
          logIndex: expect.any(Number),
        })
        expect(events.at(-1)).toMatchObject({ type: 'StorageRequested', requestId: another.id })
        expect(await past(landed.block, landed.block)).toEqual(events.slice(0, 1))
        expect(await past((events.at(-1)?.block ?? 0) + 1)).toEqual([])
        expect(await past(landed.block + 1_000_000)).toEqual([])
      })

      it('of the past are found by time', async () => {
        const first = await requested()
        const time = await world.now()
        await world.jumpTo(time + 1000)
        await world.mine(3)
        const second = await requested()
        expect(await host.blockAt(time, NEVER)).toBeLessThanOrEqual(first.landed.block)
        expect(await host.blockAt(time + 400, NEVER)).toBe(first.landed.block)
        expect(await host.blockAt(time + 600, NEVER)).toBe(first.landed.block + 1)
        // Of two equally near the later.
        expect(await host.blockAt(time + 500, NEVER)).toBe(first.landed.block + 1)
        expect(await host.blockAt(time + 1_000_000, NEVER)).toBeGreaterThanOrEqual(second.landed.block)
        expect(await host.blockAt(0, NEVER)).toBe(0)
      })
    })

    it('has nothing under way in the end', () => {
      for (const market of [client, host, rival]) expect(market.openIntents()).toEqual([])
      expect(host.endpointStatus()).toMatchObject({ state: 'connected' })
    })

    async function slotFilledAt(id: RequestId, slotIndex: number): Promise<Seconds> {
      const expiry = (await host.requestExpiry(id, NEVER)) ?? 0
      const events = await past(await host.blockAt(expiry - Number(EXPIRY), NEVER))
      const fill = events.find(
        (one) => one.type === 'SlotFilled' && one.requestId === id && one.slotIndex === slotIndex,
      )
      return world.timeOf(fill?.block ?? 0)
    }

    /** Goes on to a period whose proof is due now, and stays so while it lasts. */
    async function dutyPeriod(id: SlotId): Promise<number> {
      for (let tries = 0; tries < 50; tries++) {
        const period = await nextPeriod()
        const duty = await host.proofDuty(id, period, NEVER)
        if (duty?.due === 'now' && duty.pointer < 240) return period
      }
      throw new Error('no proof became due')
    }
  })
}
