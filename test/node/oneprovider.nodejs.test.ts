// One provider on a real chain, over real sockets, with real proofs: it sells all slots of a request, leaves nothing running when it stops, and goes on where it
// was when it is started again.

import { afterEach, expect, test } from 'vitest'
import { addressOf, buy, NEVER, providerOf, purchaseState, RICH, slotStates, upload } from './nodeworld.ts'
import { DATASET_BYTES, earningsOf, expectAllBack, rewardOf, seller, type Seller } from './seller.ts'
import { SellingProcess } from './sellingprocess.ts'
import { sharedWorld } from './sharedworld.ts'

const STATES = [
  'SalePreparing',
  'SaleSlotReserving',
  'SaleDownloading',
  'SaleInitialProving',
  'SaleFilling',
  'SaleProving',
  'SalePayout',
]

const worldOf = sharedWorld()
let running: SellingProcess | undefined
afterEach(() => running?.kill(), 60_000)

test('it fills all slots from one availability, downloads several at once, proves them, is paid, and has all of its space and collateral again', async () => {
  const world = worldOf()
  const client = await world.node('client', { account: 1, roles: ['client'] })
  const selling = await seller(world, 2, { peer: client })
  const provider = providerOf(selling.node)
  const downloading = new Set<number>()
  let mostAtOnce = 0
  selling.node.events.addEventListener('sale', ({ detail: { slotIndex, state } }) => {
    if (state === 'SaleDownloading') downloading.add(slotIndex)
    else downloading.delete(slotIndex)
    mostAtOnce = Math.max(mostAtOnce, downloading.size)
  })
  const request = await buy(client, await upload(client, DATASET_BYTES))
  await world.until('started', () => purchaseState(client, request) === 'started')
  expect(provider.reservations.reservationsOf(selling.offer.id)).toHaveLength(3)
  expect(mostAtOnce).toBeGreaterThan(1)
  await world.until('finished', () => purchaseState(client, request) === 'finished')
  await world.until('all paid', () => earningsOf(selling).length === 3)
  await world.until('all over', () => provider.list().length === 0)
  expect(await slotStates(client, request)).toEqual(['Paid', 'Paid', 'Paid'])
  const gained = (await world.tokensOf(addressOf(2))) - RICH
  expect(gained).toBe(RICH - (await world.tokensOf(addressOf(1))))
  expect(gained).toBe(rewardOf(selling))
  await expectAllBack(selling)
  expect(world.said('error')).toEqual([])

  // What a person has to look after is told, and its end too.
  const told: string[] = []
  selling.node.events.addEventListener('alert', ({ detail: { code } }) => told.push(code))
  selling.node.events.addEventListener('alertOver', ({ detail: { code, at, over } }) =>
    told.push(`${code} over ${(over ?? 0) > at ? 'later' : 'at once'}`),
  )
  world.endpoint.tripwire = async () => 'drop'
  await world.until('told', () => told.length > 0)
  world.endpoint.tripwire = async () => 'go on'
  await world.until('over', () => told.length > 1)
  expect(told).toEqual(['market/unreachable', 'market/unreachable over later'])
}, 600_000)

test('stopped in the middle of sales it waits for no time, and leaves no handle and no timer behind: its process ends by itself (T29); another key does not start with what it sold', async () => {
  const world = worldOf()
  const client = await world.node('client', { account: 1, roles: ['client'] })
  const process = (running = await SellingProcess.inWorld(world, { account: 2, client }))
  await buy(client, await upload(client, DATASET_BYTES), { duration: 410, expiry: 400 })
  await world.until('selling', () => process.isRunning && process.states.includes('SaleDownloading'))
  // No block comes and no timer rings meanwhile: what it needs for that is work alone.
  expect(await world.time.holdDuring(() => process.stop())).toBe(0)
  expect(process.failure).toBe('')
  // What its folder holds for another key and another day nobody deletes.
  const other = world.node('provider', { account: 3, roles: ['provider'] })
  await expect(other).rejects.toMatchObject({ code: 'sales/other-place', detail: { host: addressOf(2) } })
}, 300_000)

test.runIf(import.meta.env['LONG'])(
  'stopped in every phase that takes a while it is paid all the same, and has all of its space and collateral again',
  async () => {
    const world = worldOf()
    const client = await world.node('client', { account: 1, roles: ['client'] })
    let selling: Seller = await seller(world, 2, { peer: client })
    const terms = { duration: 310, expiry: 300, proofProbability: 4n }
    const request = await buy(client, await upload(client, DATASET_BYTES), terms)
    for (const state of STATES) {
      // Some last for a moment only.
      const seen = providerOf(selling.node)
        .list()
        .map((sale) => sale.state)
      selling.node.events.addEventListener('sale', ({ detail }) => seen.push(detail.state))
      await world.until(state, () => seen.includes(state))
      await world.stopNode(selling.node)
      selling = { ...selling, node: await world.node('seller2', { account: 2, roles: ['provider'], peer: client }) }
      expect(await providerOf(selling.node).reservations.check(NEVER)).toEqual([])
    }
    await world.until('finished', () => purchaseState(client, request) === 'finished')
    const provider = providerOf(selling.node)
    await world.until('over', () => provider.list().length === 0 && provider.reservations.reservations().length === 0)
    await expectAllBack(selling)
    const gained = (await world.tokensOf(addressOf(2))) - RICH
    expect(gained).toBe(RICH - (await world.tokensOf(addressOf(1))))
    expect(gained).toBe(rewardOf(selling))
  },
  600_000,
)
