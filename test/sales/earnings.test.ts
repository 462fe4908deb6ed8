// What ended slots brought in, over crashes between the payout, the settlement and the picture of it.

import { expect, it } from 'vitest'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { Earnings, MAX_EARNINGS } from '../../src/sales/earnings.ts'
import type { EndOfSale } from '../../src/sales/saleteller.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { requestIdOf } from '../fakes/salesparts.ts'
import { COLLATERAL, type HostSettings, type SaleHost, SaleWorld } from '../fakes/saleworld.ts'

async function earningsOf(host: SaleHost): Promise<Earnings> {
  const log = new Log({ clock: host.clock, levels: new LogLevels('off'), sinks: [] })
  return Earnings.open(host.parts.repo.parts.datastore, log, { signal: new AbortController().signal })
}

/** Keeps the books of a host that is made with them. */
function bookkeeping(): Pick<HostSettings, 'recordsOf'> & { books: Earnings | undefined } {
  const kept: ReturnType<typeof bookkeeping> = {
    books: undefined,
    recordsOf: (event) => kept.books?.recordsOf(event, 7) ?? [],
  }
  return kept
}

it('are on record with the settlement, in one commit, whatever came after it', async () => {
  const world = new SaleWorld()
  const kept = bookkeeping()
  const host = await world.host('host', 1, { recordsOf: kept.recordsOf })
  kept.books = await earningsOf(host)
  const had = world.balance(host.address)
  await host.sales.start(world.never)
  const { id } = await world.ask()
  await world.runUntil(() => host.parts.reservations.reservations().length === 1)
  // The power goes with the very commit that settles: nobody was told of it.
  await world.runUntil(() => host.parts.reservations.reservations().length === 0)
  world.cutOff(host)
  const { all } = await earningsOf(await world.restart(host))
  expect(all).toEqual([
    {
      ...{ at: 7, requestId: id, slotIndex: 0, end: 'paid', lostCollateral: 0n },
      reservationId: expect.stringMatching(/^0x/) as string,
      reward: world.balance(host.address) - had,
    },
  ])
  expect(all[0]?.reward).toBeGreaterThan(COLLATERAL)
})

it('keep the latest, in the order of their time, and totals of all, over restarts', async () => {
  const datastore = new MemoryDatastore()
  const log = new Log({ clock: new ManualClock(), levels: new LogLevels('off'), sinks: [] })
  const open = (): Promise<Earnings> => Earnings.open(datastore, log, { signal: new AbortController().signal })
  const first = await open()
  const count = MAX_EARNINGS + 50
  const paid = (number: number): EndOfSale => ({
    ...{ type: 'end', requestId: requestIdOf(number), slotIndex: 0 },
    reservation: { id: '0x1', collateral: 7n } as unknown as EndOfSale['reservation'],
    outcome: { end: 'paid', payout: { reward: 3n, collateral: 5n } },
  })
  // Records lie in the order of hashes, which is none.
  const changes = Array.from({ length: count }, (_, i) => first.recordsOf(paid(i), i)).flat()
  await datastore.commit(changes, { durability: 'relaxed' })
  const { all, totals } = await open()
  expect(all.map(({ at }) => at)).toEqual(Array.from({ length: MAX_EARNINGS }, (_, i) => 50 + i))
  expect(totals).toEqual({ reward: 3n * BigInt(count), lostCollateral: 2n * BigInt(count) })

  // What is told of a slot again, because more came in, takes the place of what was told.
  const books = await Earnings.open(new MemoryDatastore(), log, { signal: new AbortController().signal })
  books.note({ ...paid(1), outcome: { end: 'paid', payout: { reward: 0n, collateral: 7n } } }, 1)
  books.note(paid(1), 2)
  expect(books.all).toMatchObject([{ at: 2, reward: 3n }])
  expect(books.totals).toEqual({ reward: 3n, lostCollateral: 2n })
})

it('are known of a slot that was collected before the power went, and settled after it came back', async () => {
  const world = new SaleWorld()
  const first = await world.host('host', 1)
  const had = world.balance(first.address)
  await first.sales.start(world.never)
  const { slot } = await world.ask()
  await world.runUntil(() => first.sales.agents.some(({ state }) => state === 'SalePayout'))
  world.cutOff(first)
  await world.runUntil(() => world.state(slot(0)) === 'Paid')
  const kept = bookkeeping()
  const second = await world.restart(first, { recordsOf: kept.recordsOf })
  kept.books = await earningsOf(second)
  await second.sales.start(world.never)
  await world.runUntil(() => second.parts.reservations.reservations().length === 0)
  const { all } = await earningsOf(second)
  expect(all).toMatchObject([{ end: 'paid', reward: world.balance(first.address) - had, lostCollateral: 0n }])
  await second.sales.stop()
})

it('of a slot that was lost, taken again and lost once more count both losses, over a restart too', async () => {
  const datastore = new MemoryDatastore()
  const log = new Log({ clock: new ManualClock(), levels: new LogLevels('off'), sinks: [] })
  const open = (): Promise<Earnings> => Earnings.open(datastore, log, { signal: new AbortController().signal })
  const books = await open()
  const end = (id: string, stake: bigint, outcome: EndOfSale['outcome']): EndOfSale => ({
    ...{ type: 'end', requestId: requestIdOf(1), slotIndex: 0, outcome },
    reservation: { id, collateral: 100n, stake } as unknown as EndOfSale['reservation'],
  })
  const events = [
    end('0x1', 100n, { end: 'freed' }),
    // In repair less goes in.
    end('0x2', 90n, { end: 'freed' }),
    end('0x3', 90n, { end: 'paid', payout: { reward: 7n, collateral: 80n } }),
  ]
  for (const event of events) {
    await datastore.commit(books.recordsOf(event, 1))
    books.note(event, 1)
    // Told again, as by a start that was interrupted: nothing new.
    expect(books.recordsOf({ ...event, outcome: { end: 'freed' } }, 2)).toEqual([])
  }
  // 87 came back of 90: 17 were earned, 20 were slashed.
  const totals = { reward: 17n, lostCollateral: 100n + 90n + 20n }
  expect(books.totals).toEqual(totals)
  expect((await open()).totals).toEqual(totals)
})

it('of an earlier version, which named no reservation, are read, and replaced when the same slot is paid once more', async () => {
  const datastore = new MemoryDatastore()
  const log = new Log({ clock: new ManualClock(), levels: new LogLevels('off'), sinks: [] })
  const open = (): Promise<Earnings> => Earnings.open(datastore, log, { signal: new AbortController().signal })
  const event = (reservation: object | undefined, reward: bigint): EndOfSale => ({
    ...{ type: 'end', requestId: requestIdOf(1), slotIndex: 0 },
    reservation: reservation as EndOfSale['reservation'],
    outcome: { end: 'paid', payout: { reward, collateral: 0n } },
  })
  await datastore.commit((await open()).recordsOf(event(undefined, 5n), 1))
  const books = await open()
  expect(books.all).toEqual([
    { at: 1, requestId: requestIdOf(1), slotIndex: 0, end: 'paid', reward: 5n, lostCollateral: 0n },
  ])
  await datastore.commit(books.recordsOf(event({ id: '0x2', collateral: 0n }, 6n), 2))
  expect((await open()).totals).toEqual({ reward: 6n, lostCollateral: 0n })
})
