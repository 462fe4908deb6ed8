// A node that goes down in the middle of a sale and comes back: in every phase, to every state the chain may be in by then (field notes T8, T9,
// S2, S3; I5, I7, I8, I10). What ran before is left to itself, its store is opened anew as after a power cut.

import { describe, expect, it, vi } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import type { SlotId } from '../../src/protocol/request.ts'
import type { SalesAgent } from '../../src/sales/agent.ts'
import type { AvailabilityId } from '../../src/sales/availability.ts'
import { reservationKey } from '../../src/sales/salesrecords.ts'
import { MAX_UNDO_BLOCKS } from '../fakes/fakechain.ts'
import type { MarketFaults } from '../fakes/fakemarket.ts'
import { COLLATERAL, type HostSettings, SLOT_BYTES, type SaleHost, SaleWorld, addressOf } from '../fakes/saleworld.ts'
import { PRICE, terms } from '../fakes/salesparts.ts'
import { forSeconds, standInThePast } from '../fakes/standinthepast.ts'

const PPS = PRICE * BigInt(SLOT_BYTES)
/** Of what is played in every phase: no longer than it takes. */
const DURATION_SECONDS = 1500
const EXPIRY_SECONDS = 900
const ASK = { duration: BigInt(DURATION_SECONDS) }

const PHASES = [
  ...(['SalePreparing', 'SaleSlotReserving', 'SaleDownloading', 'SaleInitialProving'] as const),
  ...(['SaleFilling', 'SaleFilled', 'SaleProving', 'SalePayout'] as const),
] as const
/** Slow answers, without which some phases pass within an instant. */
const SLOW: MarketFaults = {
  call: (verb) => (verb === 'canReserveSlot' || verb === 'missingProofs' ? { is: 'late', seconds: 5 } : undefined),
}
const MEANWHILE = {
  nothing: async () => undefined,
  'another host filled it': async (world: SaleWorld) => {
    const rival = await world.host('rival', 1)
    await rival.sales.start(world.never)
    await world.run(300)
    await rival.sales.stop()
  },
  'a reorganisation took our fill': async (world: SaleWorld) => {
    const { latest } = world.net.chain
    const filled = world.net.standing(0).find(({ type }) => type === 'SlotFilled')?.block ?? latest.number + 1
    const depth = latest.number - filled + 1
    if (depth > 0 && depth <= MAX_UNDO_BLOCKS) world.net.reorganise(depth, { lost: ({ verb }) => verb === 'fillSlot' })
  },
  'the contract took it, and another host repaired it': async (world: SaleWorld, { address }: SaleHost, id: SlotId) => {
    const rival = await world.host('rival', 1)
    if (world.state(id) === 'Filled') world.act(address, () => world.net.marketplace.freeSlot(address, id))
    await rival.sales.start(world.never)
    await world.run(400)
    // What it has bought it keeps.
    await rival.sales.stop()
  },
  'the request expired': async (world: SaleWorld) => world.run(EXPIRY_SECONDS + 100),
  'the request ended': async (world: SaleWorld) => world.run(DURATION_SECONDS + 100),
} as const

describe.each(PHASES)('a node that went down in %s', (phase) => {
  it.each(Object.keys(MEANWHILE) as (keyof typeof MEANWHILE)[])(
    'and comes back after: %s. Goes on or settles; paid exactly once; everything is back (start: agents for all own slots; inactive reservations removed)',
    async (meanwhile) => {
      const world = new SaleWorld()
      const first = await world.host('host', 1, { work: { pieceSeconds: 30 }, faults: SLOW })
      const had = world.balance(first.address)
      await first.sales.start(world.never)
      const { slot, id } = await world.ask(ASK, BigInt(EXPIRY_SECONDS))
      await world.runUntil(() => first.sales.agents.some(({ state }) => state === phase))
      const second = await crash(world, first)
      await MEANWHILE[meanwhile](world, first, slot(0))
      await second.sales.start(world.never)
      await world.run(DURATION_SECONDS + 300)
      await expectEnded(world, second, { id, slotId: slot(0), had })
    },
  )

  it('and again while it recovers, three times (I10)', async () => {
    const world = new SaleWorld()
    let host = await world.host('host', 1, { faults: SLOW })
    const had = world.balance(host.address)
    await host.sales.start(world.never)
    const { slot, id } = await world.ask(ASK, BigInt(EXPIRY_SECONDS))
    await world.runUntil(() => host.sales.agents.some(({ state }) => state === phase))
    for (const seconds of [0, 1, 20]) {
      host = await crash(world, host)
      await host.sales.start(world.never)
      await world.run(seconds)
    }
    await world.run(DURATION_SECONDS + 300)
    await expectEnded(world, host, { id, slotId: slot(0), had })
  })

  it('by stopping: nothing is left running, and the same objects start again (T29)', async () => {
    const world = new SaleWorld()
    const host = await world.host('host', 1, { work: { pieceSeconds: 30 }, faults: SLOW })
    const had = world.balance(host.address)
    await host.sales.start(world.never)
    const { slot, id } = await world.ask(ASK, BigInt(EXPIRY_SECONDS))
    await world.runUntil(() => host.sales.agents.some(({ state }) => state === phase))
    for (let times = 0; times < 5; times++) {
      const stopping = host.sales.stop()
      await world.run(30)
      await stopping
      expect(host.clock.waiting).toBe(0)
      await host.sales.start(world.never)
    }
    await world.run(DURATION_SECONDS + 300)
    await expectEnded(world, host, { id, slotId: slot(0), had })
  })
})

it.each(['SaleDownloading', 'SaleInitialProving'])(
  'a slot that was not filled yet goes on where it was in %s: what was set aside, its place on chain and the blocks that came stay',
  async (phase) => {
    const world = new SaleWorld()
    const work = { pieceSeconds: 100, proveSeconds: 20 }
    const first = await world.host('host', 1, { work })
    await first.sales.start(world.never)
    const { slot } = await world.ask(ASK, BigInt(EXPIRY_SECONDS))
    await world.runUntil(() => first.sales.agents.some(({ state }) => state === phase))
    // Three of four pieces are here at least.
    await world.runUntil(() => first.sales.agents.some((agent) => doneBytes(agent) >= (3 * SLOT_BYTES) / 4))
    const [before] = first.parts.reservations.reservations()
    const places = vi.spyOn(world.net.marketplace, 'reserveSlot')
    world.cutOff(first)
    const second = await world.restart(first, { work })
    // What our terms say by now is for new slots.
    const [offered] = second.parts.reservations.availabilities()
    await second.parts.reservations.change(offered?.id as AvailabilityId, { enabled: false })
    second.sales.pause()
    const began = world.clock.now()
    await second.sales.start(world.never)
    await world.runUntil(() => world.net.marketplace.records.getHost(slot(0)) === second.address)
    expect(second.parts.reservations.reservations()).toMatchObject([{ id: before?.id }])
    expect(places).not.toHaveBeenCalled()
    // One piece at most, a period's beginning, the proof and its block.
    expect(world.clock.now() - began).toBeLessThan(100 + 120 + 60)
    await second.sales.stop()
  },
)

describe('a slot that was taken before the restart, and not filled,', () => {
  const expectQuiet = async ({ sales, parts, clock }: SaleHost, world: SaleWorld): Promise<void> => {
    await sales.stop()
    expect(await parts.reservations.check(world.never)).toEqual([])
    expect(clock.waiting).toBe(0)
  }
  /** Cut off when the slot was on its way. */
  const cutOff = async (settings: HostSettings = {}, again = settings) => {
    const world = new SaleWorld()
    const first = await world.host('host', 1, { work: { pieceSeconds: 100 }, ...settings })
    await first.sales.start(world.never)
    const { slot } = await world.ask(ASK, BigInt(EXPIRY_SECONDS))
    await world.runUntil(() => first.sales.agents.some(({ state }) => state === 'SaleDownloading'))
    world.cutOff(first)
    const second = await world.restart(first, again)
    const isFilled = () => world.net.marketplace.records.getHost(slot(0)) === second.address
    const reserved = () => second.parts.reservations.reservations().map(({ id }) => id)
    return { world, second, slotId: slot(0), isFilled, reserved }
  }

  it('waits while no slot may be taken, and is given up when its request is over before', async () => {
    for (const isOver of [false, true]) {
      const { world, second, isFilled, reserved } = await cutOff()
      const fetched = vi.spyOn(second.work, 'fetch')
      second.sales.pause()
      second.sales.holdBack(true)
      await second.sales.start(world.never)
      await world.run(isOver ? EXPIRY_SECONDS + 100 : 120)
      expect([fetched.mock.calls.length, reserved().length]).toEqual([0, isOver ? 0 : 1])
      if (!isOver) {
        second.sales.holdBack(false)
        await world.runUntil(isFilled)
        const why = second.sales.decisions.latest(10).flatMap(({ reasons }) => reasons)
        expect(why.some((each) => each.startsWith('it was taken for availability'))).toBe(true)
      }
      await expectQuiet(second, world)
    }
  })

  it('is not filled from an empty purse or with tokens that are not there: all comes back, and it is taken when they are', async () => {
    for (const [poor, why] of [
      ['coinBalance', 'Send coins to'],
      ['tokenBalance', 'too few tokens'],
    ] as const) {
      const { world, second, isFilled, reserved } = await cutOff()
      vi.spyOn(second.market, 'gasPrice').mockResolvedValue(1n)
      const balance = vi.spyOn(second.market, poor).mockResolvedValue(0n)
      await second.sales.start(world.never)
      await world.run(60)
      expect(reserved()).toEqual([])
      const told = second.sales.decisions.latest(10).flatMap(({ reasons }) => reasons)
      expect(told.join()).toContain(why)
      balance.mockRestore()
      await world.runUntil(isFilled)
      await expectQuiet(second, world)
    }
  })

  it('is kept when an endpoint that lags, or a reorganisation, knows nothing of its request for a moment, or names another host', async () => {
    const { world, second, isFilled, reserved } = await cutOff()
    const before = reserved()
    const { market } = second
    const [request, state] = [market.request.bind(market), market.slotState.bind(market)]
    const until = world.clock.now() + 20
    market.request = async (...args) => (world.clock.now() < until ? undefined : request(...args))
    market.slotState = async (...args) => (world.clock.now() < until - 10 ? 'Filled' : state(...args))
    await second.sales.start(world.never)
    await world.runUntil(isFilled)
    expect(reserved()).toEqual(before)
    await expectQuiet(second, world)
  })

  it('is given up, to be looked at again, when the chain does not know its request any more', async () => {
    const { world, second, isFilled, reserved } = await cutOff()
    const asked = vi.spyOn(second.market, 'request').mockResolvedValue(undefined)
    await second.sales.start(world.never)
    await world.run(60)
    expect(reserved()).toEqual([])
    asked.mockRestore()
    await world.runUntil(isFilled)
    await expectQuiet(second, world)
  })

  /** Several of one request, cut off while they were on their way; they go on at once by what is given. */
  const several = async (slots: number, settings: HostSettings, again: HostSettings = settings) => {
    const world = new SaleWorld()
    const first = await world.host('host', slots, { ...settings, workers: slots })
    await first.sales.start(world.never)
    const asked = await world.ask({ ...ASK, slots: BigInt(slots) }, BigInt(EXPIRY_SECONDS))
    await world.runUntil(() => first.sales.agents.filter(({ state }) => state === 'SaleDownloading').length === slots)
    world.cutOff(first)
    const second = await world.restart(first, again)
    const fetched = vi.spyOn(second.work, 'fetch')
    return { world, second, fetched, ...asked }
  }

  it('leaves no place to a new slot while nothing new is taken, though a worker waited for it', async () => {
    const settings = { work: { deliveryOf: () => 'never' as const } }
    const { world, second } = await several(2, settings, { ...settings, workers: 2 })
    await second.parts.reservations.create(terms(4))
    second.sales.pause()
    await second.sales.start(world.never)
    // Better than those that are going on, and first for the workers therefore.
    await world.ask({ ...ASK, slots: 4n, pricePerBytePerSecond: 10n * PRICE }, BigInt(EXPIRY_SECONDS))
    await world.run(30)
    second.sales.resume()
    await world.run(30)
    const before = second.sales.agents.length
    second.sales.pause()
    // Those of the earlier run are given up as too slow.
    await world.run(300)
    expect([before, second.sales.agents.length]).toEqual([2, 0])
    second.sales.resume()
    await world.run(30)
    expect(second.sales.agents).toHaveLength(2)
    await expectQuiet(second, world)
  })

  it('waits too when the reason to came while it stood in line', async () => {
    const { world, second, fetched } = await several(3, { work: { pieceSeconds: 20 } }, { workers: 1 })
    await second.sales.start(world.never)
    await world.runUntil(() => fetched.mock.calls.length === 1)
    second.sales.holdBack(true)
    await world.run(400)
    expect(fetched).toHaveBeenCalledTimes(1)
    second.sales.holdBack(false)
    await world.runUntil(() => fetched.mock.calls.length === 3)
    await expectQuiet(second, world)
  })

  it('goes on as far as the tokens do: of three, two', async () => {
    const { world, second, fetched } = await several(3, { work: { pieceSeconds: 20 } }, { workers: 3 })
    const { market, parts } = second
    const real = market.tokenBalance.bind(market)
    const had = await real(world.never)
    market.tokenBalance = async (...args) => (await real(...args)) - had + 2n * COLLATERAL
    second.sales.pause()
    await second.sales.start(world.never)
    await world.run(400)
    expect(fetched).toHaveBeenCalledTimes(2)
    expect(parts.reservations.reservations().map(({ fill }) => fill)).toEqual(['landed', 'landed'])
    await expectQuiet(second, world)
  })

  it('is not given up for tokens that seem to be short for a moment', async () => {
    const { world, second, isFilled, reserved } = await cutOff()
    const before = reserved()
    const { market } = second
    const real = market.tokenBalance.bind(market)
    const until = world.clock.now() + 10
    market.tokenBalance = async (...args) => (world.clock.now() < until ? 0n : real(...args))
    await second.sales.start(world.never)
    await world.runUntil(isFilled)
    expect(reserved()).toEqual(before)
    await expectQuiet(second, world)
  })

  it('is given up where the prover cannot carry it any more', async () => {
    const capacity = { slots: 0, secondsPerProof: 50, periodSeconds: 120, share: 0.5 }
    const { world, second, reserved } = await cutOff({}, { capacity: () => capacity })
    await second.sales.start(world.never)
    await world.run(60)
    expect(reserved()).toEqual([])
    const told = second.sales.decisions.latest(10).flatMap(({ reasons }) => reasons)
    expect(told).toContainEqual(expect.stringContaining('the prover is full'))
    await expectQuiet(second, world)
  })

  it('does not count a fill twice that landed while nobody was there to hear of it', async () => {
    const world = new SaleWorld()
    const first = await world.host('host', 1)
    await first.sales.start(world.never)
    await world.ask(ASK, BigInt(EXPIRY_SECONDS))
    await world.runUntil(() => first.sales.agents.some(({ state }) => state === 'SaleFilling'))
    await world.runUntil(() => first.parts.reservations.reservations().some(({ fill }) => fill === 'sent'))
    world.cutOff(first)
    await world.run(30)
    const second = await world.restart(first)
    expect(second.parts.reservations.reservations()).toMatchObject([{ fill: 'sent' }])
    await second.sales.start(world.never)
    await world.run(10)
    expect(second.parts.reservations.reservations()).toMatchObject([{ fill: 'landed' }])
    await expectQuiet(second, world)
  })

  it.each([0, 2])(
    'takes a place of the workers until it is decided, also after %i questions to the chain that fail',
    async (failures) => {
      const world = new SaleWorld()
      const settings = { work: { deliveryOf: () => 'never' as const }, workers: 2 }
      const first = await world.host('host', 6, settings)
      await first.sales.start(world.never)
      await world.ask({ ...ASK, slots: 6n }, BigInt(EXPIRY_SECONDS))
      const downloading = ({ sales }: SaleHost) =>
        sales.agents.filter(({ state }) => state === 'SaleDownloading').length
      await world.runUntil(() => downloading(first) === 2)
      world.cutOff(first)
      const second = await world.restart(first, settings)
      const state = second.market.slotState.bind(second.market)
      let asked = 0
      second.market.slotState = async (...args) => {
        if (asked++ < failures) throw new CodexError('market/unreachable', 'nobody answers')
        return state(...args)
      }
      await second.sales.start(world.never)
      await world.run(170)
      expect([asked > failures, downloading(second)]).toEqual([true, 2])
      await expectQuiet(second, world)
    },
  )
})

function doneBytes({ phase }: SalesAgent): number {
  if (phase?.at === 'downloading') return phase.doneBytes
  return phase?.at === 'initial proving' ? SLOT_BYTES : 0
}

it.each([
  ['as large as ours', undefined],
  // Filled by another program with this key: the contract compares it with nothing.
  ['of more bytes than a number says', 2n ** 60n],
])(
  'takes up a slot of ours, %s, whose records are lost: it is proven, collected, and its collateral known',
  async (_, slotSize) => {
    const world = new SaleWorld()
    const first = await world.host('host', 1)
    await first.sales.start(world.never)
    const { slot } = await world.ask()
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    await first.sales.stop()
    const fresh = await world.host('host', 0)
    const real = fresh.market.activeSlot.bind(fresh.market)
    fresh.market.activeSlot = async (id, options) => {
      const found = await real(id, options)
      if (found === undefined || slotSize === undefined) return found
      const { request } = found
      return { ...found, request: { ...request, ask: { ...request.ask, slotSize } } }
    }
    await fresh.sales.start(world.never)
    await world.runUntil(() => world.state(slot(0)) === 'Paid')
    await world.run(60)
    const [availability] = fresh.parts.reservations.availabilities()
    expect(availability).toMatchObject({ enabled: false, totalRemainingCollateral: COLLATERAL })
    await fresh.sales.stop()
  },
)

it('one slot that cannot be looked up holds up no other (S1)', async () => {
  const world = new SaleWorld()
  const first = await world.host('host', 2)
  await first.sales.start(world.never)
  const { slot } = await world.ask({ slots: 2n }, 3000n)
  await world.runUntil(() => [0, 1].every((index) => world.state(slot(index)) === 'Filled'))
  const second = await crash(world, first)
  const real = second.market.slotState.bind(second.market)
  second.market.slotState = async (asked, options) => {
    if (asked === slot(0)) throw new Error('this answer cannot be read')
    return real(asked, options)
  }
  await second.sales.start(world.never)
  await world.run(60)
  expect(second.sales.agents.map(({ slot: { slotIndex } }) => slotIndex)).toEqual([1])
  second.market.slotState = real
  await world.run(60)
  expect(second.sales.agents).toHaveLength(2)
  await second.sales.stop()
})

it.each(['slotState', 'hostOf', 'mySlots', 'currentCollateral', 'blockAt', 'events'] as const)(
  'at a start whose first %s fails nothing is released, and the sale goes on (T26, T40)',
  async (verb) => {
    const world = new SaleWorld()
    const first = await world.host('host', 1)
    const had = world.balance(first.address)
    await first.sales.start(world.never)
    const { slot, id } = await world.ask()
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    await world.run(20)
    let left = 2
    const faults = { call: (asked: string) => (asked === verb && left-- > 0 ? ({ is: 'fails' } as const) : undefined) }
    const second = await crash(world, first, faults)
    await second.sales.start(world.never)
    await world.run(100)
    expect(second.sales.agents.map(({ state }) => state)).toEqual(['SaleProving'])
    await world.run(4000)
    await expectEnded(world, second, { id, slotId: slot(0), had })
  },
)

it('an endpoint that lags, and names another host, takes no slot from us (I7, T40)', async () => {
  const world = new SaleWorld()
  const first = await world.host('host', 1)
  const had = world.balance(first.address)
  await first.sales.start(world.never)
  const { slot, id } = await world.ask()
  await world.runUntil(() => first.sales.agents.some(({ state }) => state === 'SaleProving'))
  const second = await crash(world, first)
  const real = second.market.hostOf.bind(second.market)
  let stale = 2
  second.market.hostOf = async (asked, options) => (stale-- > 0 ? addressOf('before us') : real(asked, options))
  await second.sales.start(world.never)
  await world.run(4000)
  await expectEnded(world, second, { id, slotId: slot(0), had })
})

describe('an endpoint that stands in the past for a while', () => {
  const PAST_SECONDS = 1000
  const proving = async () => {
    const world = new SaleWorld()
    const host = await world.host('host', 1)
    const had = world.balance(host.address)
    await host.sales.start(world.never)
    const { slot, id } = await world.ask()
    await world.runUntil(() => host.sales.agents.some(({ state }) => state === 'SaleProving'))
    const filled = world.net.standing(0).find(({ type }) => type === 'SlotFilled')?.block ?? 0
    return { world, host, filled, end: { id, slotId: slot(0), had } }
  }
  const held = ({ parts }: SaleHost) => parts.reservations.reservations().map(({ id }) => id)
  const look = async (host: SaleHost) => {
    const { quotaUsedBytes, totalBlocks } = await host.parts.repo.space()
    return { held: held(host), quotaUsedBytes, totalBlocks }
  }
  const proofs = (world: SaleWorld) => world.net.standing(0).filter(({ type }) => type === 'ProofSubmitted').length
  const expectProven = async (world: SaleWorld, host: SaleHost, end: Parameters<typeof expectEnded>[2]) => {
    const before = proofs(world)
    await world.run(2 * 120)
    expect(proofs(world)).toBeGreaterThan(before)
    await world.runUntil(() => world.state(end.slotId as SlotId) === 'Paid')
    await world.run(60)
    await expectEnded(world, host, end)
  }

  // Also where it has all blocks up to the one before the fill: by when that was sent nobody could tell.
  describe.each([1, 24])('%i blocks before the fill', (blocks) => {
    const fall = ({ market }: SaleHost, world: SaleWorld, filled: number) =>
      standInThePast(market, filled - blocks, forSeconds(world.clock, PAST_SECONDS))

    it('at a start: slot and data stay, and are proven when it has caught up', async () => {
      const { world, host, filled, end } = await proving()
      const second = await crash(world, host)
      fall(second, world, filled)
      const before = await look(second)
      await second.sales.start(world.never)
      await world.run(PAST_SECONDS)
      expect(await look(second)).toEqual(before)
      await expectProven(world, second, end)
    })

    it('while slots are proven: they stay, with their data, and are proven when it has caught up', async () => {
      const { world, host, filled, end } = await proving()
      fall(host, world, filled)
      const before = await look(host)
      await world.run(PAST_SECONDS)
      expect(await look(host)).toEqual(before)
      await expectProven(world, host, end)
    })
  })

  it('takes no slot either that was adopted, of whose fill no record tells', async () => {
    const { world, host } = await proving()
    await host.sales.stop()
    const fresh = await world.host('host', 0)
    await fresh.sales.start(world.never)
    await world.run(60)
    const [adopted] = held(fresh)
    standInThePast(fresh.market, world.net.chain.latest.number - 30, forSeconds(world.clock, PAST_SECONDS))
    await world.run(PAST_SECONDS)
    expect(held(fresh)).toEqual([adopted])
    await world.run(60)
    expect(fresh.sales.agents.map(({ state }) => state)).toEqual(['SaleProving'])
    await fresh.sales.stop()
  })

  it('holds up no stop', async () => {
    const { world, host, filled } = await proving()
    standInThePast(host.market, filled - 24, () => true)
    await world.run(PAST_SECONDS)
    const before = await look(host)
    await host.sales.stop()
    expect(host.clock.waiting).toBe(0)
    expect(await look(host)).toEqual(before)
  })
})

it('a fill that landed after the power went, in a slot that the contract took since: the collateral is lost, and the books say so', async () => {
  const world = new SaleWorld()
  const first = await world.host('host', 1)
  const had = world.balance(first.address)
  await first.sales.start(world.never)
  const { slot } = await world.ask({}, 3000n)
  await world.runUntil(() => first.market.openIntents().some(({ verb }) => verb === 'fillSlot'))
  const second = await crash(world, first)
  await world.runUntil(() => world.state(slot(0)) === 'Filled')
  world.act(first.address, () => world.net.marketplace.freeSlot(first.address, slot(0)))
  await world.run(60)
  expect(world.state(slot(0))).toBe('Repair')
  await second.sales.start(world.never)
  await world.run(600)
  expect(world.balance(second.address)).toBe(had - COLLATERAL)
  expect(second.parts.reservations.reservations()).toEqual([])
  expect(second.parts.reservations.availabilities()).toMatchObject([{ freeSize: SLOT_BYTES, totalCollateral: 0n }])
  await second.sales.stop()
})

it('a fill that a reorganisation took back while the node was down, in a slot that is another’s now: nothing is lost', async () => {
  const world = new SaleWorld()
  const rival = await world.host('rival', 1)
  const first = await world.host('host', 1)
  const had = world.balance(first.address)
  await first.sales.start(world.never)
  const { slot, id } = await world.ask({}, 3000n)
  await world.runUntil(() => first.sales.agents.some(({ state }) => state === 'SaleProving'))
  const second = await crash(world, first)
  const filled = world.net.standing(0).find(({ type }) => type === 'SlotFilled')
  world.net.reorganise(world.net.chain.latest.number - (filled?.block ?? 0) + 1, {
    lost: ({ verb }) => verb === 'fillSlot',
  })
  await rival.sales.start(world.never)
  await world.runUntil(() => world.state(slot(0)) === 'Filled')
  await second.sales.start(world.never)
  await world.run(600)
  expect(world.net.marketplace.records.getHost(slot(0))).toBe(rival.address)
  await rival.sales.stop()
  await expectEnded(world, second, { id, slotId: slot(0), had })
})

it('a payout that a reorganisation took back while the node was down is collected again, and the accounts stay as they are', async () => {
  const world = new SaleWorld()
  const first = await world.host('host', 1)
  const had = world.balance(first.address)
  await first.sales.start(world.never)
  const { slot, id } = await world.ask({}, 3000n)
  await world.runUntil(() => world.state(slot(0)) === 'Paid')
  await world.runUntil(() => first.parts.reservations.reservations().length === 0)
  await first.sales.stop()
  world.net.reorganise(1, { lost: ({ verb }) => verb === 'collect' })
  expect(world.state(slot(0))).toBe('Finished')
  const second = await world.restart(first, { hasEnded: ({ requestId }) => requestId === id })
  await second.sales.start(world.never)
  await world.runUntil(() => world.state(slot(0)) === 'Paid')
  await world.run(60)
  expect(second.parts.reservations.availabilities()).toHaveLength(1)
  await expectEnded(world, second, { id, slotId: slot(0), had })
})

it('what lay beside the blocks of a slot goes at the next start, when the power went right after the settlement', async () => {
  const world = new SaleWorld()
  const first = await world.host('host', 1)
  const had = world.balance(first.address)
  first.work.letGo = () => new Promise(() => undefined)
  await first.sales.start(world.never)
  const { slot, id } = await world.ask({}, 3000n)
  await world.runUntil(() => world.state(slot(0)) === 'Paid')
  await world.runUntil(() => first.parts.reservations.reservations().length === 0)
  expect((await first.parts.repo.space()).quotaUsedBytes).toBeGreaterThan(0)
  const second = await crash(world, first)
  await second.sales.start(world.never)
  // Until the chain has been asked twice which slots are ours.
  await world.run(330)
  await expectEnded(world, second, { id, slotId: slot(0), had })
})

describe('a slot of ours whose reservation is damaged', () => {
  const damaged = async (faults: MarketFaults = {}) => {
    const world = new SaleWorld()
    const first = await world.host('host', 1)
    await first.sales.start(world.never)
    const { slot } = await world.ask()
    await world.runUntil(() => first.sales.agents.some(({ state }) => state === 'SaleProving'))
    const [reservation] = first.parts.reservations.reservations()
    if (reservation === undefined) throw new Error('a slot that is proven has its reservation')
    world.cutOff(first)
    await first.parts.datastore.commit([{ put: reservationKey(reservation), value: Uint8Array.of(1) }])
    const second = await world.restart(first, { faults })
    const blocks = async () => (await second.parts.repo.space()).totalBlocks
    return { world, second, slotId: slot(0), blocks, before: await blocks() }
  }
  const expectAdopted = ({ parts, alerts, sales }: SaleHost) => {
    expect(parts.reservations.reservations()).toMatchObject([{ fill: 'landed', collateral: COLLATERAL }])
    expect(alerts).toMatchObject([{ code: 'sales/slots-adopted', atStake: COLLATERAL }])
    expect(sales.agents.map(({ state }) => state)).toEqual(['SaleProving'])
  }

  it.each(['mySlots', 'activeSlot', 'currentCollateral', 'blockAt'] as const)(
    'loses nothing while %s gives no answer after the start, and is adopted then: its owner is told of the collateral',
    async (verb) => {
      let isAway = (): boolean => false
      const call = (asked: string) => (asked === verb && isAway() ? ({ is: 'fails' } as const) : undefined)
      const { world, second, slotId, blocks, before } = await damaged({ call })
      isAway = forSeconds(world.clock, 60)
      await second.sales.start(world.never)
      await world.run(59)
      expect(await blocks()).toBe(before)
      await world.run(30)
      expectAdopted(second)
      await world.run(400)
      expect(await blocks()).toBe(before)
      await world.runUntil(() => world.state(slotId) === 'Paid')
      await second.sales.stop()
    },
  )

  it.each(['mySlots', 'activeSlot'] as const)(
    'is adopted, and its data is still here, where an endpoint that is behind does not tell of it at the start (%s)',
    async (verb) => {
      const { world, second, slotId, blocks, before } = await damaged()
      const real = second.market[verb].bind(second.market) as (...args: unknown[]) => Promise<never>
      let isFirst = true
      const behind = async (...args: unknown[]) => {
        const answer = await real(...args)
        if (!isFirst) return answer
        isFirst = false
        return (verb === 'mySlots' ? [] : undefined) as never
      }
      Reflect.set(second.market, verb, behind)
      await second.sales.start(world.never)
      await world.run(600 + 60)
      expectAdopted(second)
      expect(await blocks()).toBe(before)
      await world.runUntil(() => world.state(slotId) === 'Paid')
      await world.run(60)
      expect(second.alerts).toHaveLength(1)
      await second.sales.stop()
      expect(second.clock.waiting).toBe(0)
    },
  )

  it('is adopted too when it comes to light hours after the start', async () => {
    const world = new SaleWorld()
    const host = await world.host('host', 1, {}, { duration: 20_000 })
    await host.sales.start(world.never)
    const { slot, id } = await world.ask({ duration: 20_000n })
    await world.runUntil(() => host.sales.agents.some(({ state }) => state === 'SaleProving'))
    await host.sales.stop()
    const fresh = await world.host('host', 0)
    const real = fresh.market.mySlots.bind(fresh.market)
    const isHidden = forSeconds(world.clock, 5000)
    fresh.market.mySlots = async (options) => (isHidden() ? [] : real(options))
    await fresh.sales.start(world.never)
    await world.run(5000 + 3600 + 300)
    expect(fresh.parts.reservations.reservations()).toMatchObject([{ requestId: id, slotIndex: 0 }])
    expect(fresh.alerts).toMatchObject([{ code: 'sales/slots-adopted', atStake: COLLATERAL }])
    expect(world.net.marketplace.records.mySlots(fresh.address)).toEqual([slot(0)])
    await fresh.sales.stop()
  })
})

it('a slot that has ended is not adopted because one answer of the chain is from before', async () => {
  const world = new SaleWorld()
  const host = await world.host('host', 1)
  await host.sales.start(world.never)
  const { slot } = await world.ask({ duration: 1500n }, 900n)
  await world.runUntil(() => world.state(slot(0)) === 'Paid')
  const real = host.market.mySlots.bind(host.market)
  let isBefore = true
  host.market.mySlots = async (options) => {
    const answer = isBefore ? [slot(0)] : real(options)
    isBefore = false
    return answer
  }
  await world.run(3600 + 900)
  expect(isBefore).toBe(false)
  expect([host.alerts, host.parts.reservations.reservations()]).toEqual([[], []])
  expect(host.parts.reservations.availabilities()).toHaveLength(1)
  await host.sales.stop()
})

/** The old run is cut off: it never gets another answer. */
async function crash(world: SaleWorld, host: SaleHost, faults?: object): Promise<SaleHost> {
  world.cutOff(host)
  return world.restart(host, faults === undefined ? {} : { faults })
}

async function expectEnded(
  world: SaleWorld,
  host: SaleHost,
  { slotId, had }: { readonly id: string; readonly slotId: string; readonly had: bigint },
): Promise<void> {
  // Of one slot at a time at most, which no other host had before.
  const freed = world.net.standing(0).some(({ type }) => type === 'SlotFreed')
  const lost = freed ? COLLATERAL : 0n
  const record = world.net.marketplace.records.slots.get(slotId)
  const { reservations, repo } = host.parts
  expect(reservations.reservations()).toEqual([])
  const [availability] = reservations.availabilities()
  expect(availability).toMatchObject({ freeSize: SLOT_BYTES, totalSize: SLOT_BYTES })
  const left = COLLATERAL - lost
  expect(availability).toMatchObject({ totalCollateral: left, totalRemainingCollateral: left })
  expect(await reservations.check(world.never)).toEqual([])
  expect(await repo.space()).toMatchObject({ quotaUsedBytes: 0, quotaReservedBytes: SLOT_BYTES })
  if (record?.host === host.address) {
    expect(record.state).toBe('Paid')
    const request = world.net.marketplace.records.known(record.requestId)
    expect(world.balance(host.address)).toBe(had + (request.endsAt - record.filledAt) * PPS)
  } else expect(world.balance(host.address)).toBe(had - lost)
  await host.sales.stop()
  expect(host.clock.waiting).toBe(0)
}
