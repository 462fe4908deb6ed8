// What people hear of a slot stands over restarts: since when it is ours, and how many of its proofs were missed.

import { expect, it } from 'vitest'
import { slotId } from '../../src/protocol/ids.ts'
import type { SalesAgent } from '../../src/sales/agent.ts'
import type { Earnings } from '../../src/sales/earnings.ts'
import type { Reservation } from '../../src/sales/reservation.ts'
import { type ProviderEvent, SaleNews } from '../../src/sales/salenews.ts'
import { requestIdOf } from '../fakes/salesparts.ts'
import { type SaleHost, SaleWorld } from '../fakes/saleworld.ts'
import vectors from '../vectors/marketplace.json' with { type: 'json' }

const missedOf = ({ sales }: SaleHost): number | undefined => {
  const phase = sales.agents[0]?.phase
  return phase?.at === 'proving' ? phase.missed : undefined
}

it('missed proofs are those that the chain has marked, from the moment a slot is taken up, and each period', async () => {
  const world = new SaleWorld()
  const first = await world.host('host', 1)
  await first.sales.start(world.never)
  const { slot } = await world.ask({}, 3000n)
  await world.runUntil(() => missedOf(first) === 0)
  const filledAt = first.parts.reservations.reservations()[0]?.filledAt ?? 0
  const onChain = Number(world.net.marketplace.records.slots.get(slot(0))?.filledAt)
  expect(Math.abs(filledAt - onChain)).toBeLessThan(30)
  await world.run(200)
  world.cutOff(first)

  const second = await world.restart(first)
  expect(second.parts.reservations.reservations()[0]?.filledAt).toBe(filledAt)
  let marked: number | Error = 2
  second.market.missingProofs = async () => {
    if (marked instanceof Error) throw marked
    return marked
  }
  await second.sales.start(world.never)
  await world.runUntil(() => missedOf(second) === 2)
  marked = new Error('no answer')
  await world.run(200)
  expect(missedOf(second)).toBe(2)
  marked = 3
  await world.runUntil(() => missedOf(second) === 3)
  await second.sales.stop()
})

function heardNews() {
  const told: ProviderEvent[] = []
  const news = new SaleNews({
    market: {
      terms: vectors.meta.configs.example,
      spending: () => ({ capWei: 1n, takenWei: 0n, laterWei: [], dutiesPerDayWei: 0n, refused: undefined }),
    },
    clock: { now: () => 9000 },
    earnings: {} as Earnings,
    tell: (event) => told.push(event),
  })
  return { news, told }
}

it('what was missed before a slot was taken up raises no alarm, what is missed then does; and a filled slot is ours since its fill', () => {
  const { news, told } = heardNews()
  const slot = { requestId: requestIdOf(1), slotIndex: 2 }
  const proving = (proven: number, missed: number): void => {
    const phase = { at: 'proving', period: 7, proven, missed } as const
    const taken = { filledAt: 500, collateral: 100n } as Reservation
    const agent = { slot, phase, state: 'SaleProving', outcome: undefined, taken } as SalesAgent
    news.hear({ ...slot, type: 'phase', phase }, agent)
  }
  const codes = (): string[] =>
    told
      .splice(0)
      .flatMap((event) => (event.type === 'alert' ? [event.alert.code] : event.type === 'proof' ? [event.result] : []))
  proving(0, 2)
  expect(told).toMatchObject([{ sale: { slotId: slotId(slot.requestId, 2), since: 500, missed: 2 } }])
  expect(codes()).toEqual([])
  proving(1, 2)
  expect(codes()).toEqual(['submitted'])
  proving(1, 3)
  expect(codes()).toEqual(['missed', 'sales/proof-missed'])
  expect(news.proofs).toEqual({ submitted: 1, missed: 1 })
})

it('why the last try at a proof failed is told until one is in the chain', () => {
  const { news, told } = heardNews()
  const slot = { requestId: requestIdOf(1), slotIndex: 2 }
  const id = slotId(slot.requestId, 2)
  const hear = (proven: number, missed: number): SalesAgent => {
    const phase = { at: 'proving', period: 7, proven, missed } as const
    const taken = { filledAt: 500, collateral: 100n } as Reservation
    const agent = { slot, phase, state: 'SaleProving', outcome: undefined, taken } as SalesAgent
    news.hear({ ...slot, type: 'phase', phase }, agent)
    return agent
  }
  hear(0, 0)
  news.troubled(id, new Error('gas costs too much; raise the cap'))
  expect(news.report(hear(0, 1)).trouble).toBe('gas costs too much; raise the cap')
  const alerts = told.flatMap((event) => (event.type === 'alert' ? [event.alert] : []))
  expect(alerts).toMatchObject([
    {
      code: 'sales/proof-missed',
      cause: expect.stringMatching(/; the last try failed: gas costs too much; raise the cap$/) as string,
      action: expect.stringMatching(/^Mend what it failed for/) as string,
    },
  ])
  expect(news.report(hear(1, 1)).trouble).toBeUndefined()
})

it('a slot is filled from its fill until it is paid, over restarts too, and anew when it is filled a second time', () => {
  let now = 1000
  const news = new SaleNews({
    market: {
      terms: vectors.meta.configs.example,
      spending: () => ({ capWei: 1n, takenWei: 0n, laterWei: [], dutiesPerDayWei: 0n, refused: undefined }),
    },
    clock: { now: () => now },
    earnings: { note: () => undefined } as unknown as Earnings,
    tell: () => undefined,
  })
  const slot = { requestId: requestIdOf(1), slotIndex: 2 }
  const filledAt = (at: 'filling' | 'filled' | 'collecting', taken: Partial<Reservation>): number | undefined => {
    const agent = { slot, phase: { at }, state: at, outcome: undefined, taken }
    return news.report(agent as unknown as SalesAgent).filledAt
  }
  const held = (more: Partial<Reservation>) => ({ ...slot, ...more }) as Reservation
  expect(filledAt('filling', { fill: 'sent' })).toBeUndefined()
  expect(filledAt('filled', { filledAt: 500 })).toBe(500)
  expect(filledAt('collecting', { filledAt: 500 })).toBe(500)
  expect(news.unknown(held({ fill: 'landed', filledAt: 500 })).filledAt).toBe(500)
  expect(news.unknown(held({ fill: 'sent' })).filledAt).toBeUndefined()
  // Nobody wrote down when it was filled: since this run first saw it.
  expect(news.unknown(held({ fill: 'landed' })).filledAt).toBe(1000)
  now = 2000
  expect(filledAt('collecting', {})).toBe(1000)
  news.hear({ ...slot, type: 'end', outcome: { end: 'freed' }, reservation: undefined }, undefined)
  expect(filledAt('filled', {})).toBe(2000)
})
