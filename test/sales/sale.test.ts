// One slot from its request to its end, over the fake chain: how each sale ends, and what the accounts say then. Names in brackets are the
// lines of the behaviour checklist (marketplace reference §6.8) and the numbers of the field notes (§7).

import { describe, expect, it } from 'vitest'
import { formatBytes } from '../../src/lib/format.ts'
import { CodexError } from '../../src/lib/errors.ts'
import { nextTask } from '../../src/lib/nexttask.ts'
import { slotId } from '../../src/protocol/ids.ts'
import type { RequestId, StorageRequest } from '../../src/protocol/request.ts'
import type { SaleOutcome } from '../../src/sales/saleoutcome.ts'
import { DEFAULT_WORKERS } from '../../src/sales/slotqueueworkers.ts'
import type { ProveOptions, SlotContent } from '../../src/sales/slotwork.ts'
import { MARKETPLACE_ADDRESS } from '../fakes/fakechainworld.ts'
import {
  type Asked,
  type Delivery,
  MANIFEST_BYTES,
  type NetFault,
  type ProveFault,
  proofFor,
} from '../fakes/fakeslotwork.ts'
import type { MarketFaults } from '../fakes/fakemarket.ts'
import {
  COLLATERAL,
  type HostSettings,
  SLOT_BYTES,
  START,
  type SaleHost,
  SaleWorld,
  addressOf,
} from '../fakes/saleworld.ts'
import { PRICE, terms } from '../fakes/salesparts.ts'

const PPS = PRICE * BigInt(SLOT_BYTES)
const SLASH = COLLATERAL / 5n

async function selling(slots = 1, settings: HostSettings = {}, changes = {}) {
  const world = new SaleWorld()
  const host = await world.host('host', slots, settings, changes)
  await host.sales.start(world.never)
  return { world, host, before: world.balance(host.address) }
}

/** Everything is back: bytes, collateral, space; and nothing runs any more once it is stopped. */
async function expectWhole(world: SaleWorld, host: SaleHost, lost = 0n): Promise<void> {
  const { reservations, repo } = host.parts
  const [availability] = reservations.availabilities()
  const committed = terms(1).totalCollateral * BigInt((availability?.totalSize ?? 0) / SLOT_BYTES)
  expect(availability?.freeSize).toBe(availability?.totalSize)
  expect(availability?.totalCollateral).toBe(committed - lost)
  expect(availability?.totalRemainingCollateral).toBe(committed - lost)
  expect(reservations.reservations()).toEqual([])
  expect(await reservations.check(world.never)).toEqual([])
  expect(await repo.space()).toMatchObject({ quotaUsedBytes: 0, quotaReservedBytes: availability?.totalSize })
  await host.sales.stop()
  expect(host.clock.waiting).toBe(0)
  expect(host.logged.filter(({ message }) => message === 'a task of sales failed')).toEqual([])
}

function phasesOf(host: SaleHost): unknown[] {
  const phases = host.logged.flatMap(({ message, fields }) =>
    message === 'a sale entered a phase' ? [fields['phase']] : [],
  )
  return phases.filter((phase, i) => phase !== phases[i - 1])
}

function endsOf(host: SaleHost): unknown[] {
  return host.logged.flatMap(({ fields }) => (fields['end'] === undefined ? [] : [fields['end']]))
}

/** Fails each question of this kind once it is asked for the n-th time. */
function failing(verb: string, times = 1): MarketFaults {
  let left = times
  return { call: (asked) => (asked === verb && left-- > 0 ? { is: 'fails' } : undefined) }
}

describe('a slot that is sold', () => {
  it('whose endpoint is a block behind the one that told of it is looked at again, and sold', async () => {
    const { world, host } = await selling()
    const real = host.market.request.bind(host.market)
    let unknown = 1
    host.market.request = async (id, options) => (unknown-- > 0 ? undefined : real(id, options))
    const { slot } = await world.ask({}, 3000n)
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    expect(host.sales.decisions.latest(9).map(({ verdict }) => verdict)).toContain('ignored')
    await host.sales.stop()
  })

  it('has ended what went on beside its proofs before its accounts are settled', async () => {
    const { world, host } = await selling()
    const prove = host.work.prove.bind(host.work)
    const held: boolean[] = []
    const linger = async (signal: AbortSignal): Promise<void> => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      await nextTask()
      held.push(host.parts.reservations.reservations().length > 0)
    }
    host.work.prove = (slot, challenge, options: ProveOptions) => {
      if (options.beside?.running.length === 0) options.beside.spawn('lingering', linger)
      return prove(slot, challenge, options)
    }
    await world.ask()
    await world.runUntil(() => endsOf(host).length > 0)
    expect([held, endsOf(host)]).toEqual([[true], ['paid']])
    await expectWhole(world, host)
  })

  it('goes through every phase; bytes and collateral are taken, then back; reward and collateral are exact (flow; accounting: freeSize drops, returns)', async () => {
    const { world, host, before } = await selling(2)
    const { slot, id } = await world.ask()
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    const [availability] = host.parts.reservations.availabilities()
    expect(availability?.freeSize).toBe(SLOT_BYTES)
    expect(availability?.totalRemainingCollateral).toBe(COLLATERAL)
    expect(await host.parts.repo.space()).toMatchObject({
      quotaUsedBytes: SLOT_BYTES + MANIFEST_BYTES,
      quotaReservedBytes: SLOT_BYTES,
    })
    expect(world.balance(host.address)).toBe(before - COLLATERAL)
    const filledAt = Number(world.net.marketplace.records.slots.get(slot(0))?.filledAt)
    const end = Number(world.net.marketplace.records.requests.get(id)?.endsAt)
    await world.run(200)
    expect(host.sales.agent({ requestId: id, slotIndex: 0 })?.state).toBe('SaleProving')
    await world.runUntil(() => world.state(slot(0)) === 'Paid')
    await world.run(20)
    expect(world.balance(host.address)).toBe(before + BigInt(end - filledAt) * PPS)
    expect(phasesOf(host)).toEqual([
      ...['preparing', 'reserving', 'downloading', 'initial proving', 'filling', 'filled', 'proving', 'collecting'],
    ])
    expect(host.sales.decisions.latest(9, id).map(({ verdict }) => verdict)).toEqual(['ended', 'taken', 'queued'])
    await expectWhole(world, host)
  })

  it('is proven once in every period that asks for it, in time, none before the period after the fill (proving; proofs submitted regularly; T8)', async () => {
    const { world, host } = await selling()
    const { slot } = await world.ask()
    await world.runUntil(() => world.state(slot(0)) === 'Paid')
    const proofs = world.net.standing(0).filter((event) => event.type === 'ProofSubmitted')
    const filled = world.net.standing(0).find(({ type }) => type === 'SlotFilled')
    const periods = proofs.map(({ block }) => world.periods.periodOf(world.net.chain.block(block)?.time ?? 0))
    const first = world.periods.periodOf(world.net.chain.block(filled?.block ?? 0)?.time ?? 0)
    // The request asks for a proof in every period.
    expect(periods).toEqual(Array.from({ length: periods.length }, (_, i) => first + i))
    expect(periods.length).toBeGreaterThan(20)
    await host.sales.stop()
  })

  it('three providers compete: each one’s remaining collateral is what its own slots left (integration)', async () => {
    const world = new SaleWorld()
    const hosts = await Promise.all(['a', 'b', 'c'].map((name) => world.host(name, 3)))
    for (const host of hosts) await host.sales.start(world.never)
    const { slot } = await world.ask({ slots: 3n }, 3000n)
    await world.runUntil(() => [0, 1, 2].every((index) => world.state(slot(index)) === 'Filled'))
    await world.run(300)
    let sold = 0
    for (const { address, parts } of hosts) {
      const own = world.net.marketplace.records.mySlots(address).length
      const [availability] = parts.reservations.availabilities()
      expect(availability?.totalRemainingCollateral).toBe(BigInt(3 - own) * COLLATERAL)
      expect(availability?.freeSize).toBe((3 - own) * SLOT_BYTES)
      sold += own
    }
    expect(sold).toBe(3)
    await world.runUntil(() => [0, 1, 2].every((index) => world.state(slot(index)) === 'Paid'))
    await world.run(100)
    for (const host of hosts) await expectWhole(world, host)
  })

  it('one provider fills all slots of a request from one availability, several at once, and more than it has workers (queue wiring: every slot is processed; integration; T15)', async () => {
    const { world, host } = await selling(8, { workers: 3 })
    const { slot } = await world.ask({ slots: 8n }, 3000n)
    await world.runUntil(() => host.sales.agents.filter(({ state }) => state === 'SaleDownloading').length === 3)
    await world.runUntil(() =>
      Array.from({ length: 8 }, (_, i) => world.state(slot(i))).every((state) => state === 'Filled'),
    )
    expect(host.parts.reservations.availabilities()[0]?.freeSize).toBe(0)
    await world.runUntil(() => world.state(slot(7)) === 'Paid')
    await world.run(100)
    await expectWhole(world, host)
  })
})

describe('before the fill', () => {
  const NO_MATCH: readonly (readonly [string, object, object])[] = [
    ['duration too short', { duration: 3599 }, {}],
    ['size too small', { totalSize: SLOT_BYTES - 65_536 }, {}],
    ['price too low', { minPricePerBytePerSecond: PRICE + 1n }, {}],
    ['collateral too high', { totalCollateral: COLLATERAL - 1n }, {}],
    ['disabled', { enabled: false }, {}],
    ['`until` before the request ends', { until: START + 3599 }, {}],
    ['a slot of no bytes (field notes §6)', {}, { slotSize: 0n }],
    ['a slot of 2^63 bytes (T32)', {}, { slotSize: 2n ** 63n }],
  ]
  it.each(NO_MATCH)('nothing is taken and nothing sent: %s (matching)', async (_, changes, ask) => {
    const { world, host } = await selling(1, {}, changes)
    const wanted = await world.ask(ask).catch(() => undefined)
    await world.run(400)
    expect(host.sales.agents).toEqual([])
    expect(host.parts.reservations.reservations()).toEqual([])
    if (wanted !== undefined) expect(world.net.marketplace.reserversOf(wanted.slot(0))).toEqual([])
    if (wanted !== undefined && wanted.request.ask.slotSize > 0n)
      expect(host.sales.decisions.latest(1, wanted.id)[0]?.verdict).toBe('ignored')
    await host.sales.stop()
  })

  it('`until` after the end of the request stores (matching, positive)', async () => {
    const { world, host } = await selling(1, {}, { until: START + 4000 })
    const { slot } = await world.ask()
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    await host.sales.stop()
  })

  it.each<[Delivery, SaleOutcome['end']]>([
    ['lies', 'broke'],
    ['stops at 99 %', 'declined'],
    ['never', 'declined'],
    ['trickles', 'declined'],
  ])(
    'a client that %s costs nothing: everything is back (accounting: download fails, expires; T2, T4, T5)',
    async (delivery, end) => {
      const { world, host, before } = await selling(1, { work: { deliveryOf: () => delivery } })
      const { slot } = await world.ask()
      await world.run(1300)
      expect(world.state(slot(0))).toBe('Free')
      expect(endsOf(host)).toEqual([end, ...endsOf(host).slice(1)])
      expect(world.balance(host.address)).toBe(before)
      await expectWhole(world, host)
    },
  )

  it.each<[Delivery, number]>([
    ['stops at 99 %', 3],
    ['never', 0],
    ['trickles', 0],
  ])(
    'a client that %s does not hold a worker: its slot is given up in minutes, and the next one is sold',
    async (delivery, pieces) => {
      const bad = DEFAULT_WORKERS
      const deliveryOf = ({ content }: StorageRequest): Delivery => ((content.cid[3] ?? 0) <= bad ? delivery : 'good')
      const { world, host } = await selling(8, { work: { deliveryOf } })
      for (let asked = 0; asked < bad; asked++) await world.ask({}, 3500n)
      await world.runUntil(() => host.parts.reservations.countHeld() === bad)
      const { slot } = await world.ask({}, 3500n)
      await world.runUntil(() => world.state(slot(0)) === 'Filled', world.clock.now() + 700)
      const tooSlow = host.sales.decisions
        .latest(99)
        .flatMap(({ reasons }) => reasons)
        .filter((reason) => reason.startsWith('too slow'))
      expect(tooSlow).toHaveLength(bad)
      const got = `${formatBytes((pieces * SLOT_BYTES) / 4)} of ${formatBytes(SLOT_BYTES)}`
      for (const reason of tooSlow) expect(reason).toMatch(`too slow to be here in time: ${got} in `)
      expect(host.parts.reservations.countHeld()).toBe(1)
      await host.sales.stop()
    },
  )

  it('a client that does not even give the manifest costs no gas: nothing is reserved on chain', async () => {
    const { world, host } = await selling(1)
    host.work.look = (_, { signal }) => new Promise((_done, fail) => signal.addEventListener('abort', fail))
    const { id, slot } = await world.ask({}, 3000n)
    await world.run(300)
    expect(endsOf(host)).toEqual(['declined'])
    expect(host.sales.decisions.latest(1, id)[0]?.reasons[0]).toMatch(/^too slow to be here in time: 0 B of/)
    expect(world.net.standing(0).filter(({ type }) => type !== 'StorageRequested')).toEqual([])
    expect(await host.market.hasReservedSlot({ requestId: id, slotIndex: 0 }, world.never)).toBe(false)
    expect(world.state(slot(0))).toBe('Free')
    await expectWhole(world, host)
  })

  it('expiry by our own clock alone cancels nothing: the chain has to say so (accounting; T11)', async () => {
    const { world, host } = await selling(1, { work: { proveFault: () => ({ is: 'takes', seconds: 9000 }) } })
    const { id } = await world.ask()
    const expiry = Number(world.net.marketplace.records.requestExpiry(id))
    await world.run(expiry - world.clock.now())
    expect(host.sales.agents.map(({ state }) => state)).toEqual(['SaleInitialProving'])
    await world.run(70)
    await expectWhole(world, host)
  })

  it('another host was quicker while we downloaded: everything is back, and it is not tried again (accounting; downloading; T6)', async () => {
    const { world, host, before } = await selling(1, { work: { pieceSeconds: 300 } })
    const rival = await world.host('rival', 1)
    await rival.sales.start(world.never)
    const { slot } = await world.ask()
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    await world.run(60)
    expect(world.net.marketplace.records.getHost(slot(0))).toBe(rival.address)
    expect(endsOf(host)).toEqual(['declined'])
    expect(world.balance(host.address)).toBe(before)
    await rival.sales.stop()
    await expectWhole(world, host)
  })

  it('both fill at once: one loses the race in the chain, and has its collateral back (filling: not free; T6)', async () => {
    const world = new SaleWorld()
    const hosts = [await world.host('a', 1), await world.host('b', 1)]
    for (const host of hosts) await host.sales.start(world.never)
    const { slot } = await world.ask()
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    await world.run(400)
    const loser = hosts.find(({ address }) => address !== world.net.marketplace.records.getHost(slot(0))) as SaleHost
    expect(endsOf(loser)).toEqual(['declined'])
    for (const host of hosts) if (host !== loser) await host.sales.stop()
    await expectWhole(world, loser)
  })

  it('a full slot is left alone before anything is taken for it (slot reserving: cannot reserve; T19)', async () => {
    const { world, host } = await selling(1, {}, { enabled: false })
    const { id } = await world.ask()
    for (const name of ['x', 'y', 'z'])
      world.act(addressOf(name), () => world.net.marketplace.reserveSlot(addressOf(name), id, 0n))
    await world.run(20)
    const [availability] = host.parts.reservations.availabilities()
    if (availability === undefined) throw new Error('there is one')
    await host.parts.reservations.change(availability.id, { enabled: true })
    await world.run(200)
    expect(endsOf(host)).toEqual(['declined'])
    expect(host.sales.decisions.latest(1, id)).toMatchObject([{ verdict: 'ignored', reasons: ['reservations full'] }])
    await expectWhole(world, host)
  })

  it('a place that others were given meanwhile leaves the slot alone, and it is not tried again (slot reserving: not allowed)', async () => {
    const { world, host } = await selling(1)
    const sentence = 'all places are taken'
    host.market.reserveSlot = async () => ({ done: false, why: 'reservation not allowed', sentence })
    await world.ask()
    await world.run(600)
    expect(endsOf(host)).toEqual(['declined'])
    await expectWhole(world, host)
  })

  it('a place that cannot be reserved for another reason costs the sale, which says that reason (slot reserving: other error)', async () => {
    const { world, host } = await selling(1)
    const reason = new CodexError('market/out-of-gas', 'the gas did not suffice')
    host.market.reserveSlot = () => Promise.reject(reason)
    await world.ask()
    await world.run(600)
    expect(host.logged.map(({ fields }) => fields['error'])).toContainEqual(
      expect.objectContaining({ code: reason.code }),
    )
    expect(endsOf(host)).toEqual(['broke'])
    await expectWhole(world, host)
  })

  it.each([
    // Of 256, and a downtime of 64.
    [192, [192]],
    [193, [193, 3]],
    [250, [250, 3]],
    [255, [255, 3]],
  ])(
    'waits for the start of a period, and, at pointer %i, for a challenge that stays (initial proving)',
    async (first, seen) => {
      const { world, host } = await selling(1)
      const real = host.market.challenge.bind(host.market)
      const told: number[] = []
      host.market.challenge = async (id, options) => {
        const pointer = told.length === 0 ? first : 3
        told.push(pointer)
        return { ...(await real(id, options)), pointer }
      }
      const prove = host.work.prove.bind(host.work)
      const proofs: { readonly told: readonly number[]; readonly second: number }[] = []
      host.work.prove = (...args) => {
        const now = world.clock.now()
        proofs.push({ told: [...told], second: now - world.periods.startOf(world.periods.periodOf(now)) })
        return prove(...args)
      }
      const { slot } = await world.ask()
      await world.runUntil(() => world.state(slot(0)) === 'Filled')
      expect(proofs).toEqual([{ told: seen, second: 1 }])
      await host.sales.stop()
    },
  )

  it('a proof that outlasts its period is never sent: the slot is proven again in the next, as often as it takes (initial proving)', async () => {
    let late = 5
    const proveFault = (): ProveFault | undefined => (late-- > 0 ? { is: 'takes', seconds: 150 } : undefined)
    let fills = 0
    const send: MarketFaults['send'] = (verb) => void (verb === 'fillSlot' && fills++)
    const { world, host } = await selling(1, { work: { proveFault }, faults: { send } })
    const { slot } = await world.ask({}, 3000n)
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    expect([late < 0, fills]).toEqual([true, 1])
    await host.sales.stop()
  })

  it.each(['canReserveSlot', 'request', 'slotState', 'requestState', 'challenge', 'hostOf'] as const)(
    'one failing answer to %s costs at most this slot, never bytes or collateral (T28)',
    async (verb) => {
      const faults = failing(verb)
      const { world, host } = await selling(1, { faults })
      const { slot } = await world.ask()
      await world.run(1000)
      if (world.state(slot(0)) === 'Filled') await world.runUntil(() => world.state(slot(0)) === 'Paid')
      await world.run(1000)
      await expectWhole(world, host)
    },
  )

  it('a slot that was reserved on chain before the node stopped is taken up again, and not reserved twice', async () => {
    const { world, host } = await selling(1)
    const { slot } = await world.ask()
    await world.runUntil(() => host.sales.agents.some(({ state }) => state === 'SaleDownloading'))
    await host.sales.stop()
    await host.sales.start(world.never)
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    await world.runUntil(() => world.state(slot(0)) === 'Paid')
    await world.run(100)
    await expectWhole(world, host)
  })

  it('one of three places on chain is ours, the others are taken too: after a restart the slot is ours to fill all the same', async () => {
    const { world, host } = await selling(1)
    const { slot, id } = await world.ask()
    await world.runUntil(() => host.sales.agents.some(({ state }) => state === 'SaleDownloading'))
    for (const name of ['x', 'y'])
      world.act(addressOf(name), () => world.net.marketplace.reserveSlot(addressOf(name), id, 0n))
    await world.runUntil(() => world.net.standing(0).some(({ type }) => type === 'SlotReservationsFull'))
    await host.sales.stop()
    await host.sales.start(world.never)
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    expect(world.net.marketplace.records.getHost(slot(0))).toBe(host.address)
    await host.sales.stop()
  })

  it('a proof that fails costs the sale, and everything is back (initial proving: prove failure; onClear)', async () => {
    const { world, host } = await selling(1, { work: { proveFault: () => ({ is: 'fails' }) } })
    await world.ask()
    await world.run(1000)
    expect(endsOf(host)).toEqual(['broke'])
    await expectWhole(world, host)
  })

  it('the quota vanishes in mid-way: all bytes are back (T4)', async () => {
    const { world, host } = await selling(1)
    await world.ask()
    await world.runUntil(() => host.sales.agents.some(({ state }) => state === 'SaleDownloading'))
    for (let n = 1; n < 4; n++) host.parts.slab.failAt(n)
    await world.run(1000)
    expect(endsOf(host)[0]).toBe('broke')
    await expectWhole(world, host)
  })
})

describe('the fill', () => {
  it.each([
    ['is refused by the endpoint', { is: 'refused' }],
    ['gets into a block late', { is: 'lost', seconds: 300 }],
    ['lands and nobody hears of it (T21)', { is: 'answer lost' }],
  ] as const)('%s: the slot becomes ours all the same, once', async (_, fault) => {
    let left = 1
    const faults: MarketFaults = { send: (verb) => (verb === 'fillSlot' && left-- > 0 ? fault : undefined) }
    const { world, host } = await selling(1, { faults })
    const { slot } = await world.ask({ duration: 3600n }, 3000n)
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    await world.run(100)
    expect(host.sales.agents.map(({ state }) => state)).toEqual(['SaleProving'])
    await world.runUntil(() => world.state(slot(0)) === 'Paid')
    await world.run(100)
    expect(world.net.standing(0).filter(({ type }) => type === 'SlotFilled')).toHaveLength(1)
    expect(endsOf(host)).toEqual(['paid'])
    await expectWhole(world, host)
  })

  it('is never sent after three refusals; the collateral is back (filling: other error)', async () => {
    const { world, host } = await selling(1, {
      faults: { send: (verb) => (verb === 'fillSlot' ? { is: 'refused' } : undefined) },
    })
    await world.ask()
    await world.run(1300)
    expect(endsOf(host)[0]).toBe('broke')
    await expectWhole(world, host)
  })

  it('nothing is released while a fill is under way, however late it is (I7, T25)', async () => {
    let left = 1
    const faults: MarketFaults = {
      send: (verb) => (verb === 'fillSlot' && left-- > 0 ? { is: 'lost', seconds: 900 } : undefined),
    }
    const { world, host } = await selling(1, { faults })
    const { slot } = await world.ask({}, 3000n)
    const isOpen = (): boolean => host.market.openIntents().some(({ verb }) => verb === 'fillSlot')
    await world.runUntil(isOpen)
    const end = world.periods.endOf(world.periods.periodOf(world.clock.now()))
    await world.run(end - world.clock.now() - 1)
    expect(host.parts.reservations.reservations()).toMatchObject([{ fill: 'sent', collateral: COLLATERAL }])
    expect([isOpen(), world.state(slot(0))]).toEqual([true, 'Free'])
    // In a block of the next period its proof is wrong: it is withdrawn, and another one fills the slot.
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    await world.runUntil(() => world.state(slot(0)) === 'Paid')
    await world.run(100)
    await expectWhole(world, host)
  })

  it('a reorganisation takes it back, and its transaction is lost: it is filled again (field notes §6)', async () => {
    const { world, host } = await selling(1)
    const { slot } = await world.ask({}, 3000n)
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    world.net.reorganise(2, { lost: ({ verb }) => verb === 'fillSlot' })
    expect(world.state(slot(0))).toBe('Free')
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    await world.runUntil(() => world.state(slot(0)) === 'Paid')
    await world.run(100)
    expect(endsOf(host)).toEqual(['paid'])
    await expectWhole(world, host)
  })
})

it('a fill that failed in its block and succeeds after a reorganisation is ours all the same: proven, paid, nothing lost (I5)', async () => {
  const world = new SaleWorld()
  const hosts = [await world.host('a', 1), await world.host('b', 1)]
  for (const host of hosts) await host.sales.start(world.never)
  const { slot } = await world.ask({}, 3000n)
  await world.runUntil(() => world.state(slot(0)) === 'Filled')
  await world.run(45)
  const { records } = world.net.marketplace
  const winner = records.getHost(slot(0))
  const loser = hosts.find(({ address }) => address !== winner) as SaleHost
  const before = world.balance(loser.address)
  const filled = world.net.standing(0).find(({ type }) => type === 'SlotFilled')
  world.net.reorganise(world.net.chain.latest.number - (filled?.block ?? 0) + 1, {
    lost: ({ verb, host }) => verb === 'fillSlot' && host === winner,
  })
  await world.run(100)
  expect(records.getHost(slot(0))).toBe(loser.address)
  expect(loser.sales.agents.map(({ state }) => state)).toEqual(['SaleProving'])
  const { filledAt } = records.filledOnce(slot(0))
  await world.runUntil(() => world.state(slot(0)) === 'Paid')
  await world.run(100)
  expect(world.balance(loser.address)).toBe(
    before + (records.known(records.filledOnce(slot(0)).requestId).endsAt - filledAt) * PPS,
  )
  for (const host of hosts) if (host !== loser) await host.sales.stop()
  await expectWhole(world, loser)
})

it('a slot that cannot be proven before its deadline any more gets no place on chain, and no look', async () => {
  const { world, host } = await selling(1)
  // The next period begins in less than its 60 seconds, and a fill wants some of the rest.
  await world.run(45)
  const { slot, id } = await world.ask({}, 40n)
  await world.run(20)
  expect(host.sales.decisions.latest(1, id)).toMatchObject([
    { verdict: 'ignored', reasons: [expect.stringMatching(/^too late: it has to be filled within \d+ s/)] },
  ])
  expect(world.net.marketplace.reserversOf(slot(0))).toEqual([])
  await host.sales.stop()
})

describe('a slot that is another’s after a reorganisation', () => {
  it.each([
    ['came first this time: nothing of ours is lost', false, 0],
    ['repairs what the contract took from us: the collateral is', true, 0],
    ['repairs what the contract took from us, who filled it while our clock was ahead: the collateral is', true, 700],
  ])('which %s', async (_, isTaken, aheadSeconds) => {
    const { world, host, before } = await selling(1)
    const { slot, id } = await world.ask({}, 3000n)
    await world.runUntil(() => host.sales.agents.some(({ state }) => state === 'SaleInitialProving'))
    host.clock.set(world.clock.now() + aheadSeconds)
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    await world.run(30)
    const { marketplace, chain } = world.net
    const rival = addressOf('rival')
    const take = () => {
      const { request } = marketplace.records.known(id)
      const challenge = marketplace.proofs.getChallenge(slot(0))
      marketplace.reserveSlot(rival, id, 0n)
      world.net.token.mint(rival, COLLATERAL)
      world.net.token.approve(rival, MARKETPLACE_ADDRESS, COLLATERAL)
      marketplace.fillSlot(rival, id, 0n, proofFor({ request, slotIndex: 0 }, challenge))
    }
    if (isTaken) {
      world.act(host.address, () => marketplace.freeSlot(host.address, slot(0)))
      await world.run(1)
      world.net.mine()
      // In the next period, before anybody looks.
      const period = world.periods.periodOf(world.clock.now())
      world.isMining = false
      await world.run(world.periods.endOf(period) - world.clock.now())
      world.act(rival, take)
      world.isMining = true
    } else {
      const filled = world.net.standing(0).find(({ type }) => type === 'SlotFilled')
      world.net.reorganise(chain.latest.number - (filled?.block ?? 0) + 1, { lost: ({ verb }) => verb === 'fillSlot' })
      world.act(rival, take)
      world.net.mine()
    }
    await world.run(400 + aheadSeconds)
    expect(marketplace.records.getHost(slot(0))).toBe(rival)
    expect(world.balance(host.address)).toBe(before - (isTaken ? COLLATERAL : 0n))
    await expectWhole(world, host, isTaken ? COLLATERAL : 0n)
  })
})

/** A host that fills the first slot of the request, and gives it up. */
async function isLostByAnother(world: SaleWorld, id: RequestId): Promise<void> {
  const { marketplace, token } = world.net
  const [host, slot] = [addressOf('another'), slotId(id, 0)]
  world.act(host, () => {
    const { request } = marketplace.records.known(id)
    token.mint(host, COLLATERAL)
    token.approve(host, MARKETPLACE_ADDRESS, COLLATERAL)
    marketplace.reserveSlot(host, id, 0n)
    marketplace.fillSlot(host, id, 0n, proofFor({ request, slotIndex: 0 }, marketplace.proofs.getChallenge(slot)))
  })
  await world.run(20)
  world.act(host, () => marketplace.freeSlot(host, slot))
  await world.run(20)
}

it('a slot in repair whose request has not started is fetched only if it comes before the expiry of that', async () => {
  const { world, host } = await selling(1, { work: { pieceSeconds: 170 } })
  host.sales.pause()
  const { id } = await world.ask({ slots: 2n }, 700n)
  await isLostByAnother(world, id)
  expect(world.state(slotId(id, 0))).toBe('Repair')
  host.sales.queue.remove(id, 1)
  host.sales.resume()
  await world.run(400)
  const told = host.sales.decisions.latest(9, id).filter(({ slotIndex }) => slotIndex === 0)
  expect(told.map(({ reasons }) => reasons[0])).toContainEqual(expect.stringMatching(/^too slow to be here in time/))
  await host.sales.stop()
})

it('a slot that we repaired, and a reorganisation has it so no more, is repaired again: what its first host lost is none of ours', async () => {
  const world = new SaleWorld()
  const host = await world.host('host', 1)
  host.sales.pause()
  await host.sales.start(world.never)
  const { slot, id } = await world.ask({ slots: 2n }, 3000n)
  const { marketplace, chain } = world.net
  await isLostByAnother(world, id)
  const before = world.balance(host.address)
  host.sales.resume()
  const isOurs = () => marketplace.records.getHost(slot(0)) === host.address
  await world.runUntil(isOurs)
  await world.run(30)
  const filled = world.net.standing(0).findLast(({ type }) => type === 'SlotFilled')
  world.net.reorganise(chain.latest.number - (filled?.block ?? 0) + 1, { lost: ({ verb }) => verb === 'fillSlot' })
  expect(world.state(slot(0))).toBe('Repair')
  await world.runUntil(isOurs)
  await world.run(10)
  expect(world.balance(host.address)).toBe(before - COLLATERAL + COLLATERAL / 10n)
  expect(endsOf(host)).not.toContain('freed')
  await host.sales.stop()
})

describe('after the fill', () => {
  it('a question that fails, for hours, ends nothing: proofs go on (S1, T28)', async () => {
    let isDown = false
    const faults: MarketFaults = { call: () => (isDown ? { is: 'fails' } : undefined) }
    const { world, host } = await selling(1, { faults })
    const { slot } = await world.ask({}, 3000n)
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    await world.run(300)
    isDown = true
    await world.run(1000)
    isDown = false
    await world.run(300)
    expect(host.sales.agents.map(({ state }) => state)).toEqual(['SaleProving'])
    const proofs = world.net
      .standing(world.net.chain.latest.number - 30)
      .filter(({ type }) => type === 'ProofSubmitted')
    expect(proofs.length).toBeGreaterThan(1)
    await host.sales.stop()
  })

  it.each(['Free', 'Repair'] as const)(
    'an endpoint that lags, and reads %s once at the start of a period, costs no proof (T28)',
    async (state) => {
      const { world, host } = await selling()
      const { slot } = await world.ask()
      await world.runUntil(() => host.sales.agents[0]?.state === 'SaleProving')
      await world.run(200)
      const real = host.market.slotDuties.bind(host.market)
      let wrong = 1
      host.market.slotDuties = async (ids, options) => {
        const duties = await real(ids, options)
        return wrong-- > 0 ? duties.map((duty) => ({ ...duty, state, duty: undefined })) : duties
      }
      await world.runUntil(() => wrong < 0)
      await world.run(500)
      expect(world.net.marketplace.records.slots.get(slot(0))?.missed).toBe(0n)
      const proofs = world.net.standing(0).filter(({ type }) => type === 'ProofSubmitted')
      const periods = proofs.map(({ block }) => world.periods.periodOf(world.net.chain.block(block)?.time ?? 0))
      expect(periods).toEqual(Array.from(periods, (_, i) => (periods[0] ?? 0) + i))
      await host.sales.stop()
    },
  )

  it('proofs that fail cost the collateral that the contract takes, and no byte; the rest comes back (slot freed after too many; T1)', async () => {
    let isBroken = false
    const { world, host, before } = await selling(1, {
      work: { proveFault: () => (isBroken ? { is: 'fails' } : undefined) },
    })
    const { slot, id } = await world.ask()
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    isBroken = true
    const marker = addressOf('marker')
    const mark = (period: number) =>
      world.act(marker, () => world.net.marketplace.markProofAsMissing(marker, slot(0), BigInt(period)))
    await world.run(240)
    const period = world.periods.periodOf(world.clock.now())
    await world.run(world.periods.endOf(period) + 2 - world.clock.now())
    mark(period)
    await world.run(20)
    expect(world.net.marketplace.records.currentCollateral(slot(0))).toBe(COLLATERAL - SLASH)
    isBroken = false
    await world.runUntil(() => world.state(slot(0)) === 'Paid')
    await world.run(100)
    const end = Number(world.net.marketplace.records.requests.get(id)?.endsAt)
    const filledAt = Number(world.net.marketplace.records.slots.get(slot(0))?.filledAt)
    expect(world.balance(host.address)).toBe(before + BigInt(end - filledAt) * PPS - SLASH)
    await expectWhole(world, host, SLASH)
  })

  it('a slot that the contract takes away is given up: bytes back, collateral lost, and the sale is over (freed)', async () => {
    const { world, host, before } = await selling(1)
    const { slot } = await world.ask()
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    await world.run(20)
    const abandoning = host.market.abandon(slot(0), world.never)
    await world.run(300)
    await abandoning
    expect(endsOf(host)).toEqual(['freed'])
    expect(world.balance(host.address)).toBe(before - COLLATERAL)
    await expectWhole(world, host, COLLATERAL)
  })

  it('the request is cancelled: paid until the expiry, collateral back (cancelled, hosting)', async () => {
    const { world, host, before } = await selling(1)
    const { slot, id } = await world.ask({ slots: 2n })
    await world.runUntil(() => ['Filled'].includes(world.state(slot(0))) || ['Filled'].includes(world.state(slot(1))))
    const index = world.state(slot(0)) === 'Filled' ? 0 : 1
    const filledAt = Number(world.net.marketplace.records.slots.get(slot(index))?.filledAt)
    const expiry = Number(world.net.marketplace.records.requestExpiry(id))
    await world.runUntil(() => world.state(slot(index)) === 'Paid')
    await world.run(100)
    expect(endsOf(host).at(-1)).toBe('cancelled')
    expect(world.balance(host.address)).toBe(before + BigInt(expiry - filledAt) * PPS)
    await expectWhole(world, host)
  })

  it('the request fails: nothing is paid, the collateral is gone, the bytes are back (failed)', async () => {
    const { world, host, before } = await selling(2)
    const { slot } = await world.ask({ slots: 2n, maxSlotLoss: 0n, duration: 3600n }, 3000n)
    await world.runUntil(() => [0, 1].every((index) => world.state(slot(index)) === 'Filled'))
    const abandoning = host.market.abandon(slot(0), world.never)
    await world.run(300)
    await abandoning
    expect([...endsOf(host)].sort()).toEqual(['failed', 'freed'])
    expect(world.balance(host.address)).toBe(before - 2n * COLLATERAL)
    expect(world.net.marketplace.records.mySlots(host.address)).toEqual([])
    await expectWhole(world, host, 2n * COLLATERAL)
  })

  it('a collected slot whose answer was lost is paid once (T9, T10, I8)', async () => {
    let left = 1
    const faults: MarketFaults = {
      send: (verb) => (verb === 'collect' && left-- > 0 ? { is: 'answer lost' } : undefined),
    }
    const { world, host } = await selling(1, { faults })
    const { slot } = await world.ask()
    await world.runUntil(() => world.state(slot(0)) === 'Paid')
    await world.run(100)
    expect(endsOf(host)).toEqual(['paid'])
    await expectWhole(world, host)
  })

  it.each([
    ['collected only when no reorganisation can start the request any more', 180],
    ['is proven on, where one did', 20],
  ] as const)('the request is cancelled: the slot %s', async (_, seconds) => {
    const { world, host } = await selling(1)
    const { slot, id } = await world.ask({ slots: 2n }, 300n)
    await world.runUntil(() => [0, 1].some((index) => world.state(slot(index)) === 'Filled'))
    const ours = world.state(slot(0)) === 'Filled' ? 0 : 1
    await world.runUntil(() => world.state(slot(ours)) === 'Cancelled')
    await world.run(seconds - 10)
    expect(world.state(slot(ours))).toBe('Cancelled')
    if (seconds < 180) {
      // Somebody else's fill, in its last second.
      const { records } = world.net.marketplace
      const real = records.requestState.bind(records)
      records.requestState = (asked) => (asked === id ? 'Started' : real(asked))
      await world.run(400)
      expect(world.state(slot(ours))).toBe('Filled')
      records.requestState = real
    }
    await world.runUntil(() => world.state(slot(ours)) === 'Paid')
    await world.run(20)
    expect(endsOf(host)).toContain('cancelled')
    await host.sales.stop()
  })

  it('a reorganisation takes the fill of a cancelled slot back: nothing was lost (I8)', async () => {
    const { world, host, before } = await selling(1)
    const { slot } = await world.ask({ slots: 2n }, 300n)
    await world.runUntil(() => [0, 1].some((index) => world.state(slot(index)) === 'Filled'))
    const ours = world.state(slot(0)) === 'Filled' ? 0 : 1
    const filledAt = world.net.chain.latest.number
    await world.runUntil(() => world.state(slot(ours)) === 'Cancelled')
    await world.run(60)
    const depth = world.net.chain.latest.number - filledAt + 1
    world.net.reorganise(depth, { lost: ({ verb }) => verb === 'fillSlot' })
    await world.run(600)
    expect(endsOf(host).at(-1)).toBe('cancelled')
    expect(world.balance(host.address)).toBe(before)
    await expectWhole(world, host)
  })

  it.each(['Finished', 'Failed', 'Cancelled'] as const)(
    'an end (%s) that a reorganisation takes back is none: proofs go on',
    async (end) => {
      let lie = 0
      const world = new SaleWorld()
      const host = await world.host('host', 1)
      const real = host.market.slotState.bind(host.market)
      host.market.slotState = async (id, options) => (lie-- > 0 ? end : real(id, options))
      await host.sales.start(world.never)
      const { slot } = await world.ask()
      await world.runUntil(() => world.state(slot(0)) === 'Filled')
      await world.run(30)
      lie = 2
      await world.run(400)
      expect(phasesOf(host)).toContain('collecting')
      expect(host.sales.agents.map(({ state }) => state)).toEqual(['SaleProving'])
      await world.runUntil(() => world.state(slot(0)) === 'Paid')
      await world.run(100)
      expect(endsOf(host)).toEqual(['paid'])
      await expectWhole(world, host)
    },
  )
})

describe('a slot in repair of which too few rows are given', () => {
  /** A host that looks for a slot from when another lost it, and counts the places it takes on chain. */
  async function repairing(
    { slots = 1n, expiry = 3000n }: { readonly slots?: bigint; readonly expiry?: bigint },
    gives: (what: Asked, seconds: number) => NetFault | undefined,
  ) {
    const world = new SaleWorld()
    let lostAt = Infinity
    const netFault = ({ slotIndex }: SlotContent, what: Asked) =>
      slotIndex === 0 ? gives(what, world.clock.now() - lostAt) : undefined
    const host = await world.host('host', Number(slots), { work: { netFault } })
    host.sales.pause()
    await host.sales.start(world.never)
    const { id } = await world.ask({ slots }, expiry)
    await isLostByAnother(world, id)
    const slot = { requestId: id, slotIndex: 0 }
    const counts = { places: 0, looks: 0 }
    const { reserveSlot } = host.market
    host.market.reserveSlot = (...args) => {
      if (args[0].slotIndex === 0) counts.places++
      return reserveSlot.apply(host.market, args)
    }
    const { look } = host.work
    host.work.look = (...args) => {
      if (args[0].slotIndex === 0) counts.looks++
      return look.apply(host.work, args)
    }
    lostAt = world.clock.now()
    host.sales.resume()
    const isOurs = () => world.net.marketplace.records.getHost(slotId(id, 0)) === host.address
    const told = () =>
      host.sales.decisions
        .latest(99, id)
        .filter(({ slotIndex }) => slotIndex === 0)
        .flatMap(({ reasons }) => reasons)
    return { world, host, slot, counts, isOurs, told }
  }
  const tooFew = { is: 'fails', error: new CodexError('erasure/too-few-rows', 'found 1 of 3') } as const
  const silence = { is: 'lost', seconds: 5 } as const

  it.each([
    ['has started', 1n],
    // What it gave back wakes the queue, and offers the slots again.
    ['has not started', 2n],
  ])(
    'is looked for again, and filled once they are there; its place on chain is taken once (its request %s)',
    async (_, slots) => {
      const { world, host, counts, isOurs, told } = await repairing({ slots }, (what, seconds) =>
        what === 'rows' && seconds < 90 ? tooFew : undefined,
      )
      await world.runUntil(isOurs, world.clock.now() + 600)
      expect(isOurs()).toBe(true)
      expect(counts).toEqual({ places: 1, looks: 3 })
      expect(told()).toContainEqual(expect.stringMatching(/^its data could not be had from peers.*: found 1 of 3$/))
      expect(endsOf(host)).toEqual(['declined', 'declined'])
      await host.sales.stop()
      expect(await host.parts.reservations.check(world.never)).toEqual([])
    },
  )

  it('is looked for again where not even its manifest is given any more: the place on chain is paid for', async () => {
    const { world, host, counts, isOurs } = await repairing({}, (what, seconds) => {
      if (what === 'rows') return seconds < 400 ? tooFew : undefined
      return seconds > 30 && seconds < 400 ? silence : undefined
    })
    await world.runUntil(isOurs, world.clock.now() + 1200)
    expect(isOurs()).toBe(true)
    expect(counts.places).toBe(1)
    await host.sales.stop()
    expect(await host.parts.reservations.check(world.never)).toEqual([])
  })

  it('is given up when it would come too late', async () => {
    const order = { slots: 2n, expiry: 900n }
    const { world, host, counts, told } = await repairing(order, (what) => (what === 'rows' ? tooFew : undefined))
    await world.runUntil(() => told()[0]?.startsWith('too late') === true, world.clock.now() + 900)
    expect(told()[0]).toMatch(/^too late/)
    const { looks } = counts
    await world.run(600)
    expect(counts).toEqual({ places: 1, looks })
    await expectWhole(world, host)
  })

  it('is looked at less and less', async () => {
    const { world, host, counts } = await repairing({}, (what) => (what === 'rows' ? tooFew : undefined))
    await world.run(600)
    expect(counts.looks).toBe(10)
    await world.run(2400)
    expect(counts.looks).toBe(24)
    expect(counts.places).toBe(1)
    await world.run(700)
    await expectWhole(world, host)
  })

  it('is left to the next start when the node stops while it rests', async () => {
    const { world, host, isOurs } = await repairing({}, (what) => (what === 'rows' ? tooFew : undefined))
    await world.run(30)
    expect(endsOf(host)).toEqual(['declined'])
    await host.sales.stop()
    expect(host.clock.waiting).toBe(0)
    const again = await world.restart(host)
    await again.sales.start(world.never)
    await world.runUntil(isOurs, world.clock.now() + 600)
    expect(isOurs()).toBe(true)
    await again.sales.stop()
  })

  it('is looked for again too where an earlier run had taken it', async () => {
    const { world, host, isOurs } = await repairing({}, (what) => (what === 'rows' ? silence : undefined))
    await world.run(30)
    expect(phasesOf(host).at(-1)).toBe('downloading')
    await host.sales.stop()
    const givenAt = world.clock.now() + 150
    const netFault = (_: unknown, what: Asked) => (what === 'rows' && world.clock.now() < givenAt ? tooFew : undefined)
    const again = await world.restart(host, { work: { netFault } })
    await again.sales.start(world.never)
    await world.runUntil(isOurs, givenAt + 300)
    expect(isOurs()).toBe(true)
    expect(endsOf(again)).toContain('declined')
    await again.sales.stop()
  })
})
