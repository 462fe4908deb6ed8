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
    reservation: { collateral: 7n } as EndOfSale['reservation'],
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
