// What stays of purchases that have ended, and the data of those that go on.

import { expect, it } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import type { Seconds } from '../../src/lib/units.ts'
import { hasPurchases, whyBought } from '../../src/purchasing/boughtdata.ts'
import { PURCHASES_PREFIX, purchaseChange } from '../../src/purchasing/purchaserecord.ts'
import { requestFor } from '../../src/purchasing/purchaseterms.ts'
import { MAX_ENDED_PURCHASES, Purchasing } from '../../src/purchasing/purchasing.ts'
import { requestId } from '../../src/protocol/ids.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { FakeMarket } from '../fakes/fakemarket.ts'
import { CLIENT, SaleWorld } from '../fakes/saleworld.ts'
import { seededSource } from '../fakes/salesparts.ts'
import { randomWish } from '../simulation/terms.ts'

const TERMS = { duration: 3600, expiry: 600, pricePerBytePerSecond: 2n, collateralPerByte: 3n }
const wish = randomWish(seededSource(5))

function purchasing(
  world: SaleWorld,
  datastore: MemoryDatastore,
  keepUntil: (until: Seconds) => Promise<{ missingBlocks: number } | undefined>,
  alerts: string[] = [],
  market?: FakeMarket,
) {
  const clock = market === undefined ? world.clockOfAnother() : world.clock
  const log = new Log({ clock, levels: new LogLevels('off'), sinks: [] })
  const random = seededSource(9)
  return new Purchasing({
    market: market ?? new FakeMarket(world.net, CLIENT, clock),
    clock,
    random,
    datastore,
    log,
    keepUntil: (_, until) => keepUntil(until),
    raise: ({ code }) => alerts.push(code),
    over: (code) => alerts.push(`${code} is over`),
  })
}

it('the latest that ended are told of and on record, and no more of them', async () => {
  const world = new SaleWorld()
  const datastore = new MemoryDatastore()
  const random = seededSource(1)
  const old = Array.from({ length: MAX_ENDED_PURCHASES + 3 }, () => requestFor(wish, TERMS, { client: CLIENT, random }))
  await datastore.commit(
    old.map((request) => purchaseChange(requestId(request), { request, outcome: { end: 'cancelled' } })),
  )
  const client = purchasing(world, datastore, async () => undefined)
  await client.start(world.never)
  const purchase = await client.request(wish.cid, wish.manifest, TERMS)
  await world.runUntil(() => purchase.outcome !== undefined)
  await world.run(20)
  expect(client.purchases.length).toBe(MAX_ENDED_PURCHASES)
  expect(client.purchase(purchase.id)).toBe(purchase)
  let records = 0
  for await (const _ of datastore.entries(PURCHASES_PREFIX, world.never)) records++
  expect(records).toBe(MAX_ENDED_PURCHASES)
  await client.stop()
})

it('data that could not be kept longer is tried again, while the purchase goes on', async () => {
  const world = new SaleWorld()
  const tries: Seconds[] = []
  const client = purchasing(world, new MemoryDatastore(), async (until) => {
    tries.push(until)
    if (tries.length <= 3) throw new Error('the store is busy')
    return undefined
  })
  await client.start(world.never)
  const purchase = await client.request(wish.cid, wish.manifest, TERMS)
  await world.runUntil(() => tries.length === 4)
  expect(new Set(tries).size).toBe(1)
  expect(purchase.outcome).toBeUndefined()
  await world.run(400)
  expect(tries.length).toBe(4)
  await client.stop()
})

it('of data of which blocks are gone an alert tells, until they are there again', async () => {
  const world = new SaleWorld()
  const alerts: string[] = []
  let missingBlocks = 3
  const client = purchasing(world, new MemoryDatastore(), async () => ({ missingBlocks }), alerts)
  await client.start(world.never)
  await client.request(wish.cid, wish.manifest, { ...TERMS, expiry: 3000 })
  await world.run(1000)
  expect(alerts).toEqual(['purchase/data-missing'])
  missingBlocks = 0
  await world.run(700)
  expect(alerts).toEqual(['purchase/data-missing', 'purchase/data-missing is over'])
  await client.stop()
})

it('the data of a purchase that goes on is not removed, on record while nothing runs, until it is over', async () => {
  const world = new SaleWorld()
  const datastore = new MemoryDatastore()
  const client = purchasing(world, datastore, async () => undefined)
  await client.start(world.never)
  expect(await hasPurchases(datastore, world.never)).toBe(false)
  const purchase = await client.request(wish.cid, wish.manifest, TERMS)
  const why = () => whyBought(datastore, { cid: wish.cid, now: world.clock.now() }, world.never)
  expect(await why()).toMatchObject({ code: 'dataset/bought', detail: { until: null } })
  await world.run(60)
  const { phase } = purchase
  const until = (phase?.at === 'submitted' ? phase.expiry : 0) + TERMS.duration
  await client.stop()
  expect(await why()).toMatchObject({ code: 'dataset/bought', detail: { requestId: purchase.id, until } })
  expect(await hasPurchases(datastore, world.never)).toBe(true)
  const other = randomWish(seededSource(6)).cid
  expect(await whyBought(datastore, { cid: other, now: world.clock.now() }, world.never)).toBeUndefined()
  expect(await whyBought(datastore, { cid: wish.cid, now: until }, world.never)).toBeUndefined()
  await client.start(world.never)
  await world.run(700)
  expect(client.purchase(purchase.id)?.state).toBe('cancelled')
  expect([await why(), await hasPurchases(datastore, world.never)]).toEqual([undefined, false])
  await client.stop()
})

it('what another program with this key bought under a name that is no dataset is followed to its money, and keeps no other data', async () => {
  const world = new SaleWorld()
  const datastore = new MemoryDatastore()
  const client = purchasing(world, datastore, () => Promise.reject(new Error('there is nothing to keep')))
  await client.start(world.never)
  const { id } = await world.ask({}, 600n)
  await expect(client.withdraw(id, world.never)).rejects.toMatchObject({ code: 'purchase/not-over' })
  await world.run(60)
  expect(client.purchase(id)?.state).toBe('submitted')
  expect(await whyBought(datastore, { cid: wish.cid, now: world.clock.now() }, world.never)).toBeUndefined()
  await world.run(1000)
  expect(client.purchase(id)).toMatchObject({ state: 'cancelled', outcome: { end: 'cancelled' } })
  await client.stop()
})

it('a request that the chain does not tell holds up no other of this key', async () => {
  const world = new SaleWorld()
  const [untold, other] = [await world.ask({}, 600n), await world.ask({}, 600n)]
  const market = new FakeMarket(world.net, CLIENT, world.clock)
  const real = market.request.bind(market)
  market.request = async (id, options) => {
    if (id === untold.id) throw new Error('this answer cannot be read')
    return real(id, options)
  }
  const client = purchasing(world, new MemoryDatastore(), async () => undefined, [], market)
  await client.start(world.never)
  await world.run(60)
  expect(client.purchases.map(({ id }) => id)).toEqual([other.id])
  await world.run(1000)
  expect(client.purchase(other.id)?.state).toBe('cancelled')
  market.request = real
  await world.run(60)
  expect(client.purchase(untold.id)?.state).toBe('cancelled')
  await client.stop()
})

it('of a dataset that is not here at all the same alert tells, once', async () => {
  const world = new SaleWorld()
  const alerts: string[] = []
  let tries = 0
  const client = purchasing(
    world,
    new MemoryDatastore(),
    () => {
      tries++
      return Promise.reject(new CodexError('dataset/not-found', 'it is not here'))
    },
    alerts,
  )
  await client.start(world.never)
  await client.request(wish.cid, wish.manifest, { ...TERMS, expiry: 3000 })
  await world.run(1000)
  expect(alerts).toEqual(['purchase/data-missing'])
  expect(tries).toBeLessThan(6)
  await client.stop()
})

it('the data of a purchase that ends in a year beyond all calendars is kept, in words', async () => {
  const datastore = new MemoryDatastore()
  const request = requestFor(wish, TERMS, { client: CLIENT, random: seededSource(3) })
  await datastore.commit([purchaseChange(requestId(request), { request, outcome: undefined, until: 9e12 })])
  const { signal } = new AbortController()
  expect(await whyBought(datastore, { cid: wish.cid, now: 1 }, { signal })).toMatchObject({ code: 'dataset/bought' })
})
