// Selling as a whole, over the fake chain: what goes into the queue and what does not, what is looked at again, pause and drain, and the check of
// the accounts. Names in brackets are lines of the behaviour checklist (marketplace reference §6.8) and numbers of the field notes.

import { describe, expect, it } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import { requestId, slotId } from '../../src/protocol/ids.ts'
import type { RequestId } from '../../src/protocol/request.ts'
import type { EndOfSale } from '../../src/sales/saleteller.ts'
import type { MarketFaults } from '../fakes/fakemarket.ts'
import { COLLATERAL, type HostSettings, SLOT_BYTES, type SaleHost, SaleWorld, addressOf } from '../fakes/saleworld.ts'
import { PRICE, terms } from '../fakes/salesparts.ts'

async function selling(slots = 1, settings: HostSettings = {}, changes = {}) {
  const world = new SaleWorld()
  const host = await world.host('host', slots, settings, changes)
  await host.sales.start(world.never)
  return { world, host }
}

async function change(host: SaleHost, changes: object): Promise<void> {
  const [availability] = host.parts.reservations.availabilities()
  if (availability === undefined) throw new Error('there is one')
  await host.parts.reservations.change(availability.id, changes)
}

function statesOf(host: SaleHost): string[] {
  return host.sales.agents.map(({ state }) => state)
}

async function expectQuietStop(host: SaleHost): Promise<void> {
  await host.sales.stop()
  expect(host.clock.waiting).toBe(0)
  expect(await host.parts.reservations.check({ signal: new AbortController().signal })).toEqual([])
}

describe('the queue', () => {
  it('keeps all items, seen and paused, while no availability is there (queue wiring: items come back marked seen)', async () => {
    const { world, host } = await selling(0)
    await world.ask({ slots: 4n })
    await world.run(60)
    expect(host.sales.queue.items().map(({ seen }) => seen)).toEqual([true, true, true, true])
    expect(host.sales.queue.isPaused).toBe(true)
    expect(statesOf(host)).toEqual([])
    await expectQuietStop(host)
  })

  it('with room for one slot the other three remain, seen, paused (queue wiring)', async () => {
    const { world, host } = await selling(1)
    await world.ask({ slots: 4n }, 3000n)
    await world.runUntil(() => statesOf(host).includes('SaleDownloading'))
    await world.run(60)
    expect(host.sales.queue.items().map(({ seen }) => seen)).toEqual([true, true, true])
    expect(host.sales.queue.isPaused).toBe(true)
    await host.sales.stop()
  })

  it.each(['cancelled', 'failed', 'fulfilled'] as const)(
    'never hands out items of a request that is %s (queue wiring: never processed)',
    async (how) => {
      const world = new SaleWorld()
      const host = await world.host('host', 4)
      host.sales.pause()
      await host.sales.start(world.never)
      const rival = await world.host('rival', how === 'cancelled' ? 0 : 2)
      await rival.sales.start(world.never)
      const { slot, id } = await world.ask({ slots: 2n, maxSlotLoss: 0n }, 900n)
      await world.run(30)
      expect(host.sales.queue.items()).toHaveLength(how === 'cancelled' ? 2 : host.sales.queue.size)
      if (how === 'cancelled') await world.run(1000)
      else await world.runUntil(() => [0, 1].every((index) => world.state(slot(index)) === 'Filled'))
      if (how === 'cancelled') void world.client.withdrawFunds(id, world.never)
      if (how === 'failed') {
        const giving = rival.market.abandon(slot(0), world.never)
        await world.run(60)
        await giving
      }
      await world.run(30)
      host.sales.resume()
      await world.run(60)
      expect(statesOf(host)).toEqual([])
      expect(host.logged.filter(({ fields }) => fields['phase'] === 'reserving')).toEqual([])
      await rival.sales.stop()
      await expectQuietStop(host)
    },
  )

  it('has no item for a slot that is filled, nor for one that is fully reserved, and looks at neither (matching: slot not free; queue wiring: never processed)', async () => {
    const world = new SaleWorld()
    const host = await world.host('host', 2)
    host.sales.pause()
    await host.sales.start(world.never)
    const rival = await world.host('rival', 1)
    await rival.sales.start(world.never)
    const { slot, id } = await world.ask({ slots: 2n, maxSlotLoss: 1n }, 3000n)
    await world.runUntil(() => [0, 1].some((index) => world.state(slot(index)) === 'Filled'))
    const other = world.state(slot(0)) === 'Filled' ? 1 : 0
    await world.run(30)
    expect(host.sales.queue.items().map(({ slotIndex }) => slotIndex)).toEqual([other])
    for (const name of ['x', 'y', 'z'])
      world.act(addressOf(name), () => world.net.marketplace.reserveSlot(addressOf(name), id, BigInt(other)))
    await world.run(30)
    expect(world.net.standing(0).map(({ type }) => type)).not.toContain('RequestFulfilled')
    expect(host.sales.queue.items()).toEqual([])
    host.sales.resume()
    await world.run(60)
    expect(host.sales.decisions.latest(9, id).map(({ verdict }) => verdict)).toEqual(['queued'])
    await rival.sales.stop()
    await expectQuietStop(host)
  })

  it('has an item for a slot that was freed, which is repaired for less (queue wiring; repair)', async () => {
    const world = new SaleWorld()
    const host = await world.host('host', 2)
    const rival = await world.host('rival', 2)
    await rival.sales.start(world.never)
    const { slot, id } = await world.ask({ slots: 2n, maxSlotLoss: 1n }, 3000n)
    await world.runUntil(() => [0, 1].every((index) => world.state(slot(index)) === 'Filled'))
    await host.sales.start(world.never)
    await world.run(60)
    expect(host.sales.queue.size).toBe(0)
    rival.sales.pause()
    const giving = rival.market.abandon(slot(1), world.never)
    await world.runUntil(() => statesOf(host).length > 0)
    await giving
    const had = world.balance(host.address)
    await world.runUntil(() => world.state(slot(1)) === 'Filled')
    expect(world.balance(host.address)).toBe(had - COLLATERAL + COLLATERAL / 10n)
    expect(world.net.marketplace.records.getHost(slot(1))).toBe(host.address)
    expect(host.sales.decisions.latest(9, id).map(({ reasons }) => reasons[0])).toContain('another host lost it')
    await rival.sales.stop()
    await world.run(30)
    await host.sales.stop()
  })

  it('a slot that richer ones pressed out of the queue is served once these have turned out to be none for us', async () => {
    // As long as nobody knows whose they are, they are of many clients.
    let isTold = false
    const faults: MarketFaults = { call: (verb) => (verb === 'request' && !isTold ? { is: 'fails' } : undefined) }
    const { world, host } = await selling(1, { queueSize: 16, faults })
    const honest = world.request({}, 3000n)
    // Of the richer ones no place is left, which the first look shows. None is looked at before the last is heard.
    const { canReserveSlot } = host.market
    host.market.canReserveSlot = async (slot, options) =>
      slot.requestId === requestId(honest) && canReserveSlot.call(host.market, slot, options)
    host.sales.pause()
    for (let number = 0; number < 40; number++)
      world.tell(world.request({ pricePerBytePerSecond: 100n * PRICE }, 3000n))
    world.tell(honest)
    await world.run(30)
    isTold = true
    host.sales.resume()
    await world.runUntil(() => world.state(slotId(requestId(honest), 0)) === 'Filled')
    const told = host.sales.decisions.latest(1000, requestId(honest)).flatMap(({ reasons }) => reasons)
    expect(told).toContain('1 slots found no room among better ones')
    await world.run(30)
    await host.sales.stop()
  })

  it('a slot that another host lost is looked up again when the chain gave no answer', async () => {
    let fails = 0
    const faults: MarketFaults = {
      call: (verb) => (verb === 'requestEnd' && fails-- > 0 ? { is: 'fails' } : undefined),
    }
    const { world, host } = await selling(0, { faults })
    const rival = await world.host('rival', 2)
    await rival.sales.start(world.never)
    const { slot } = await world.ask({ slots: 2n }, 3000n)
    await world.runUntil(() => [0, 1].every((index) => world.state(slot(index)) === 'Filled'))
    rival.sales.pause()
    await host.parts.reservations.create(terms(1))
    await world.run(30)
    fails = 3
    const giving = rival.market.abandon(slot(1), world.never)
    await world.run(60)
    await giving
    expect(fails).toBeLessThanOrEqual(0)
    await world.runUntil(() => world.net.marketplace.records.getHost(slot(1)) === host.address)
    await rival.sales.stop()
    await world.run(30)
    await host.sales.stop()
  })

  it('a provider that ignored all slots of one request serves it, and the next, once it offers room (integration; T20)', async () => {
    const { world, host } = await selling(0)
    const first = await world.ask({}, 3000n)
    await world.run(60)
    expect(host.sales.decisions.latest(1, first.id)).toMatchObject([
      { verdict: 'ignored', reasons: ['no availability'] },
    ])
    await host.parts.reservations.create(terms(2))
    const second = await world.ask({}, 3000n)
    await world.runUntil(() => [first, second].every(({ slot }) => world.state(slot(0)) === 'Filled'))
    await world.run(30)
    await host.sales.stop()
  })
})

it.each(['that is new', 'that another host lost'])(
  'a slot %s and whose manifest finds no room is looked at again after a while, not at once, and taken when there is room',
  async (which) => {
    const { world, host } = await selling(1)
    let looks = 0
    const { look } = host.work
    host.work.look = async (...args) => {
      looks++
      if (looks < 5) throw new CodexError('sale/no-manifest-room', 'what is left of the quota is set aside for slots')
      return look.apply(host.work, args)
    }
    const isLost = which === 'that another host lost'
    if (isLost) host.sales.pause()
    const { slot } = await world.ask({ slots: isLost ? 2n : 1n }, 3000n)
    if (isLost) {
      const rival = await world.host('rival', 2)
      await rival.sales.start(world.never)
      await world.runUntil(() => [0, 1].every((index) => world.state(slot(index)) === 'Filled'))
      rival.sales.pause()
      const giving = rival.market.abandon(slot(0), world.never)
      await world.run(30)
      await giving
      await rival.sales.stop()
      host.sales.resume()
    }
    await world.run(130)
    expect(looks).toBeGreaterThan(0)
    expect(looks).toBeLessThanOrEqual(3)
    await world.runUntil(() => world.net.marketplace.records.getHost(slot(0)) === host.address)
    await world.run(30)
    await host.sales.stop()
    expect(await host.parts.reservations.check(world.never)).toEqual([])
  },
)

it('an end that cannot be written down before the node stops is settled at the next start, and no task fails', async () => {
  for (const isRetrying of [false, true]) {
    const { world, host } = await selling(1, { work: { deliveryOf: () => 'never' } })
    let stopping: Promise<void> | undefined
    host.parts.reservations.settle = async () => {
      if (!isRetrying) stopping ??= host.sales.stop()
      throw new CodexError('datastore/failed', 'the disk is full')
    }
    await world.ask({}, 3000n)
    await world.runUntil(() => statesOf(host).includes('SaleDownloading'))
    host.market.requestState = async () => 'Cancelled'
    await world.run(130)
    await (stopping ?? host.sales.stop())
    const told = host.logged.map(({ message }) => message)
    expect(told).toContain('the end of a sale could not be written down; trying again')
    expect(told.filter((message) => message.startsWith('a task of'))).toEqual([])
    const again = await world.restart(host)
    again.market.requestState = async () => 'Cancelled'
    again.sales.pause()
    await again.sales.start(world.never)
    await world.run(60)
    expect(again.parts.reservations.availabilities()).toMatchObject([
      { freeSize: SLOT_BYTES, totalRemainingCollateral: COLLATERAL },
    ])
    await expectQuietStop(again)
  }
})

describe('a request that none of our terms match', () => {
  it('is left alone without a question to the chain, whenever room comes back, and looked up once it may match', async () => {
    const { world, host } = await selling(2)
    const asked: string[] = []
    const { slotState } = host.market
    host.market.slotState = (id, options) => {
      asked.push(id)
      return slotState.call(host.market, id, options)
    }
    const { request } = host.market
    host.market.request = (id, options) => {
      asked.push(id)
      return request.call(host.market, id, options)
    }
    const { id } = await world.ask({ slots: 4n, pricePerBytePerSecond: PRICE - 1n }, 3000n)
    await world.run(60)
    const before = asked.length
    expect(asked.filter((each) => each !== id)).toEqual([])
    for (const longer of [1, 2, 3]) {
      await change(host, { duration: terms(2).duration + longer })
      await world.run(10)
    }
    expect(asked).toHaveLength(before)
    expect(host.sales.decisions.latest(1, id)[0]?.reasons[0]).toMatch('at least')
    await change(host, { minPricePerBytePerSecond: PRICE - 1n })
    await world.run(20)
    expect(host.parts.reservations.reservations()).toHaveLength(2)
    expect(asked.length).toBeGreaterThan(before)
    await host.sales.stop()
  })
})

describe('at a start', () => {
  it('requests that are open since before are looked for and served (S10)', async () => {
    const world = new SaleWorld()
    const { slot } = await world.ask({}, 3000n)
    await world.run(120)
    const host = await world.host('host', 1)
    await host.sales.start(world.never)
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    await world.run(30)
    await host.sales.stop()
  })
})

describe('a slot that cannot be decided', () => {
  it('for want of an answer is looked at again, whatever else came meanwhile; nothing was taken (T19, T28, preparing)', async () => {
    let isDown = false
    const faults: MarketFaults = { call: (verb) => (isDown && verb === 'slotState' ? { is: 'fails' } : undefined) }
    const { world, host } = await selling(3, { faults })
    isDown = true
    const { slot, id } = await world.ask({ slots: 3n }, 3000n)
    await world.run(50)
    expect(host.sales.decisions.latest(1, id)).toMatchObject([{ verdict: 'ignored', reasons: ['no answer'] }])
    expect(host.parts.reservations.reservations()).toEqual([])
    isDown = false
    await world.runUntil(() => [0, 1, 2].every((index) => world.state(slot(index)) === 'Filled'))
    await world.run(30)
    await host.sales.stop()
  })

  it('for want of tokens is taken when they have come; what other sales will put at stake counts (node key = host)', async () => {
    const world = new SaleWorld()
    const host = await world.host('host', 3)
    const all = world.balance(host.address)
    const { slot, request } = await world.ask({ slots: 2n }, 3000n)
    const each = request.ask.collateralPerByte * request.ask.slotSize
    const elsewhere = addressOf('elsewhere')
    world.act(host.address, () => world.net.token.transfer(host.address, elsewhere, all - each))
    await world.run(20)
    await host.sales.start(world.never)
    await world.run(400)
    expect([0, 1].map((index) => world.state(slot(index))).sort()).toEqual(['Filled', 'Free'])
    expect(host.sales.decisions.latest(50).some(({ reasons }) => reasons[0] === 'too few tokens')).toBe(true)
    world.act(elsewhere, () => world.net.token.transfer(elsewhere, host.address, each))
    await world.runUntil(() => [0, 1].every((index) => world.state(slot(index)) === 'Filled'))
    await world.run(30)
    await host.sales.stop()
  })
})

describe('until the fill the chain is watched', () => {
  const ENDS = [
    ['New', undefined],
    ['Started', undefined],
    ['Cancelled', 'cancelled'],
    ['Failed', 'failed'],
    ['Finished', 'declined'],
  ] as const
  const PHASES: readonly (readonly [phase: string, work: HostSettings['work']])[] = [
    ['SaleSlotReserving', undefined],
    ['SaleDownloading', { deliveryOf: () => 'never' }],
    ['SaleInitialProving', { proveFault: () => ({ is: 'takes', seconds: 10_000 }) }],
  ]
  it.each(PHASES.flatMap(([phase, work]) => ENDS.map(([state, end]) => [phase, state, end, work] as const)))(
    'and in %s a request that reads %s ends the sale as %s (slot reserving, downloading, initial proving: cancelled, failed; agent: cancel only when the chain says so; watcher ends; failed event reaches the state)',
    async (phase, state, end, work) => {
      const { world, host } = await selling(1, { work })
      if (work === undefined)
        host.work.look = (_, { signal }) => new Promise((_done, fail) => signal.addEventListener('abort', fail))
      await world.ask({}, 3000n)
      await world.runUntil(() => statesOf(host).includes(phase))
      host.market.requestState = async () => state
      await world.run(130)
      const ends = host.logged.flatMap(({ fields }) => (fields['end'] === undefined ? [] : [fields['end']]))
      expect(ends[0]).toBe(end)
      if (end === undefined) expect(statesOf(host)).toEqual([phase])
      else expect(host.parts.reservations.availabilities()[0]).toMatchObject({ freeSize: SLOT_BYTES })
      await host.sales.stop()
    },
  )

  it.each([
    ['Cancelled', 'cancelled'],
    ['Failed', 'failed'],
    ['Finished', 'declined'],
  ] as const)(
    'and a fill of a request that reads %s by then ends the sale as %s; everything is back (filling: cancelled, failed)',
    async (state, end) => {
      const { world, host } = await selling(1)
      host.market.fillSlot = async () => {
        host.market.slotState = async () => state
        host.market.requestState = async () => state
        return { done: false, why: 'request over', sentence: 'as the test asked for' }
      }
      await world.ask({}, 3000n)
      await world.run(1000)
      const ends = host.logged.flatMap(({ fields }) => (fields['end'] === undefined ? [] : [fields['end']]))
      expect(ends).toEqual([end])
      expect(host.parts.reservations.availabilities()).toMatchObject([
        { freeSize: SLOT_BYTES, totalRemainingCollateral: COLLATERAL },
      ])
      await expectQuietStop(host)
    },
  )

  it('and another host that fills the slot ends it at once, poked by the event (agent: slot-filled event reaches the state; T27)', async () => {
    const { world, host } = await selling(1, { work: { deliveryOf: () => 'never' } })
    const rival = await world.host('rival', 1)
    await rival.sales.start(world.never)
    const { slot } = await world.ask({}, 3000n)
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    await world.run(1)
    expect(statesOf(host)).toEqual([])
    await rival.sales.stop()
    await expectQuietStop(host)
  })
})

describe('a filled slot', () => {
  it('is kept until the end of its request; keeping that fails is tried again and costs no proof (filled: expiry update with request end)', async () => {
    const { world, host } = await selling(1)
    const real = host.work.keepUntil.bind(host.work)
    const kept: number[] = []
    let failures = 2
    host.work.keepUntil = async (content, until, options) => {
      if (failures-- > 0) throw new Error('not now')
      kept.push(until)
      return real(content, until, options)
    }
    const { slot, id } = await world.ask({}, 3000n)
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    await world.run(600)
    expect(kept).toEqual([Number(world.net.marketplace.records.known(id).endsAt)])
    expect(world.net.marketplace.records.missingProofs(slot(0))).toBe(0n)
    await host.sales.stop()
  })
})

describe('somebody who wants a rest', () => {
  it('pauses: nothing new is taken, what runs goes on, and what came meanwhile is looked at on resuming', async () => {
    const { world, host } = await selling(2)
    const first = await world.ask({}, 3000n)
    await world.runUntil(() => world.state(first.slot(0)) === 'Filled')
    host.sales.pause()
    const second = await world.ask({}, 3000n)
    await world.run(600)
    expect(world.state(second.slot(0))).toBe('Free')
    expect(statesOf(host)).toEqual(['SaleProving'])
    host.sales.resume()
    await world.runUntil(() => world.state(second.slot(0)) === 'Filled')
    await world.run(30)
    await host.sales.stop()
  })

  it('drains: it settles when the last sale has ended, and takes nothing meanwhile', async () => {
    const { world, host } = await selling(2)
    const first = await world.ask({}, 3000n)
    await world.runUntil(() => world.state(first.slot(0)) === 'Filled')
    let isDrained = false
    const draining = host.sales.drain(world.never).then(() => (isDrained = true))
    const second = await world.ask({}, 3000n)
    await world.run(1000)
    expect([isDrained, world.state(second.slot(0))]).toEqual([false, 'Free'])
    await world.runUntil(() => isDrained)
    await draining
    expect(world.state(first.slot(0))).toBe('Paid')
    expect(host.sales.agents).toEqual([])
    await expectQuietStop(host)
  })
})

describe('a restart whose endpoint is away', () => {
  it('drains not before what it has not looked up has ended', async () => {
    const { world, host } = await selling(1)
    const { slot } = await world.ask({}, 3000n)
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    world.cutOff(host)
    let isAway = true
    const faults: MarketFaults = { call: () => (isAway ? { is: 'fails' } : undefined) }
    const second = await world.restart(host, { faults })
    await second.sales.start(world.never)
    let isDrained = false
    const draining = second.sales.drain(world.never).then(() => (isDrained = true))
    await world.run(60)
    expect([isDrained, second.sales.agents]).toEqual([false, []])
    isAway = false
    await world.runUntil(() => isDrained)
    await draining
    expect(world.state(slot(0))).toBe('Paid')
    await expectQuietStop(second)
  })
})

describe('a slot that is handed out again at once', () => {
  it('because something changed while it was looked at, is not dropped without a word (T19)', async () => {
    const { world, host } = await selling(1, { workers: 2 })
    const real = host.market.request.bind(host.market)
    let asked = 0
    host.market.request = async (id, options) => {
      if (++asked > 1) return real(id, options)
      // In the middle of the first look at it, which ends without a decision.
      host.sales.queue.wake()
      throw new Error('no answer this time')
    }
    const { slot } = await world.ask({}, 3000n)
    await world.run(200)
    expect(world.state(slot(0))).toBe('Filled')
    await host.sales.stop()
  })
})

describe('proofs', () => {
  it('that hang are given up at the end of their period; the next is made in time (S13)', async () => {
    let hangs = false
    const { world, host } = await selling(1, {
      work: { proveFault: () => (hangs ? { is: 'takes', seconds: 1e9 } : undefined) },
    })
    const { slot } = await world.ask({}, 3000n)
    await world.runUntil(() => statesOf(host).includes('SaleProving'))
    hangs = true
    await world.run(240)
    const before = provenCount(world)
    hangs = false
    await world.run(240)
    expect(provenCount(world)).toBeGreaterThan(before)
    expect(host.logged.some(({ message }) => message.startsWith('a proof was missed'))).toBe(true)
    expect(world.state(slot(0))).toBe('Filled')
    await host.sales.stop()
  })

  it('that fail on purpose lose the slot after too many, not within two periods: its collateral and what it had earned, and nothing else (simulated; slot freed after too many invalid proofs)', async () => {
    const ends: EndOfSale[] = []
    const recordsOf: HostSettings['recordsOf'] = (event) => {
      ends.push(event)
      return []
    }
    const { world, host } = await selling(1, { failEveryProofs: 1, recordsOf })
    const had = world.balance(host.address)
    const { slot, id } = await world.ask({ duration: 3600n }, 3000n)
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    expect(world.balance(host.address)).toBe(had - COLLATERAL)
    // Collateral of other slots, which must stay where it is.
    await change(host, { totalCollateral: 3n * COLLATERAL })
    const marker = addressOf('marker')
    const { proofs } = world.net.marketplace
    const markAll = async (periods: number): Promise<void> => {
      for (let n = 0; n < periods; n++) {
        const period = world.periods.periodOf(world.clock.now())
        await world.run(world.periods.endOf(period) + 2 - world.clock.now())
        const may = () =>
          world.net.chain.view(() => proofs.canMarkProofAsMissing(slot(0), BigInt(period)), world.clock.now())
        try {
          may()
          world.act(marker, () => world.net.marketplace.markProofAsMissing(marker, slot(0), BigInt(period)))
        } catch {
          // Not due in this period.
        }
        await world.run(12)
      }
    }
    await markAll(1)
    expect(world.state(slot(0))).toBe('Filled')
    host.sales.pause()
    for (let tries = 0; tries < 20 && world.state(slot(0)) === 'Filled'; tries++) await markAll(1)
    expect(world.state(slot(0))).toBe('Repair')
    await world.run(300)
    const marks = 2n
    const slash = COLLATERAL / 5n
    expect(world.balance(marker)).toBe((marks * slash) / 5n)
    expect(world.balance(host.address)).toBe(had - COLLATERAL)
    expect(ends).toMatchObject([
      { requestId: id, slotIndex: 0, outcome: { end: 'freed' }, reservation: { collateral: COLLATERAL } },
    ])
    expect(host.parts.reservations.availabilities()).toMatchObject([
      {
        freeSize: SLOT_BYTES,
        totalSize: SLOT_BYTES,
        totalCollateral: 2n * COLLATERAL,
        totalRemainingCollateral: 2n * COLLATERAL,
      },
    ])
    expect(await host.parts.repo.space()).toMatchObject({ quotaUsedBytes: 0, quotaReservedBytes: SLOT_BYTES })
    await expectQuietStop(host)
  })
})

describe('a request from the chain that makes no sense (field notes §6; S6, S7)', () => {
  const MAX64 = 2n ** 64n - 1n
  const ABSURD: readonly (readonly [string, object])[] = [
    ['65537 slots', { slots: 65_537n }],
    ['2^64 - 1 slots', { slots: MAX64 }],
    ['no slots', { slots: 0n }],
    ['slots of 2^63 bytes', { slotSize: 2n ** 63n }],
    ['slots of 2^64 - 1 bytes', { slotSize: MAX64 }],
    ['slots of no bytes', { slotSize: 0n }],
    ['a duration of 0', { duration: 0n }],
    ['a duration of 2^64 - 1', { duration: MAX64 }],
    ['a price of 2^256 - 1', { pricePerBytePerSecond: 2n ** 256n - 1n, slotSize: 2n ** 62n }],
    ['a collateral of 2^256 - 1', { collateralPerByte: 2n ** 256n - 1n }],
    ['a proof probability of 2^256 - 1, which the contract cannot compute with', { proofProbability: 2n ** 256n - 1n }],
    ['a loss of more slots than it has', { maxSlotLoss: MAX64, collateralPerByte: 10n ** 30n }],
  ]
  it.each(ABSURD)('%s: nothing is taken, it is said why, and an honest one is served behind it', async (_, ask) => {
    const { world, host } = await selling(1)
    const honest = world.request()
    const absurd = { ...world.request(), ask: { ...honest.ask, ...ask } }
    // Of numbers like these no id could be computed.
    const id = world.tell(absurd, `0x${'ab'.repeat(32)}` as RequestId)
    await world.run(60)
    expect(host.sales.decisions.latest(5, id).map(({ verdict }) => verdict)).toContain('ignored')
    expect(world.net.marketplace.reserversOf(slotId(id, 0))).toEqual([])
    expect(host.parts.reservations.reservations()).toEqual([])
    const { slot } = await world.ask({}, 3000n)
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    await world.run(30)
    await host.sales.stop()
  })

  it('too many slots are told of once, however often our terms change', async () => {
    const { world, host } = await selling(1)
    const absurd = world.request()
    const id = world.tell({ ...absurd, ask: { ...absurd.ask, slots: 65_537n } }, `0x${'ab'.repeat(32)}` as RequestId)
    await world.run(60)
    const [first] = host.parts.reservations.availabilities()
    for (const enabled of [false, true, false, true]) {
      await host.parts.reservations.change(first?.id as never, { enabled })
      await world.run(60)
    }
    expect(host.sales.decisions.latest(10, id).map(({ verdict }) => verdict)).toEqual(['ignored'])
    await host.sales.stop()
  })

  it.each([
    ['of 0', 0n, []],
    ['of its whole duration', 3600n, ['paid']],
    ['far beyond its end', 2n ** 62n, ['paid']],
  ])('an expiry %s ends as the chain says; everything is back', async (_, expiry, ends) => {
    const { world, host } = await selling(1)
    const had = host.parts.reservations.availabilities()
    world.tell({ ...world.request(), expiry })
    await world.run(5000)
    expect(host.logged.flatMap(({ fields: { end } }) => (end === undefined ? [] : [end]))).toEqual(ends)
    expect(host.parts.reservations.availabilities()).toEqual(had)
    expect(await host.parts.repo.space()).toMatchObject({ quotaUsedBytes: 0, quotaReservedBytes: SLOT_BYTES })
    await expectQuietStop(host)
  })
})

it('decisions are kept, rule by rule, and asked for by request (decision log)', async () => {
  const { world, host } = await selling(1, {}, { minPricePerBytePerSecond: 1000n, duration: 60 })
  const { id } = await world.ask()
  await world.run(30)
  const [decision] = host.sales.decisions.latest(1, id)
  expect(decision?.reasons).toEqual([
    'the request lasts 1h, at most 1m are taken',
    'it pays 10 wei per byte and second, at least 1\u202f000 wei is asked',
  ])
  await change(host, { enabled: false })
  await expectQuietStop(host)
})

function provenCount(world: SaleWorld): number {
  return world.net.standing(0).filter(({ type }) => type === 'ProofSubmitted').length
}
