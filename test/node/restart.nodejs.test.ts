// A provider that is stopped in each phase of a sale and started again goes on where it was.

import { afterEach, expect, test } from 'vitest'
import { MiB } from '../../src/lib/units.ts'
import { addressOf, buy, NEVER, NodeWorld, providerOf, purchaseState, RICH, upload } from './nodeworld.ts'

const OFFER = { totalSize: 8 * MiB, duration: 1000, minPricePerBytePerSecond: 1n, totalCollateral: 10n ** 9n }
const STATES = ['SaleSlotReserving', 'SaleDownloading', 'SaleInitialProving', 'SaleFilling', 'SaleProving']

let world: NodeWorld
afterEach(() => world.stop(), 60_000)

test.runIf(import.meta.env['LONG'])(
  'a provider that stops in every phase is paid all the same, and has all of its space and collateral again',
  async () => {
    world = await NodeWorld.start()
    const client = await world.node('client', { account: 1, roles: ['client'] })
    let node = await world.node('provider', { account: 2, roles: ['provider'], peer: client })
    const { id } = await providerOf(node).createAvailability(OFFER)
    const request = await buy(client, await upload(client, 5 * 65_536), {
      duration: 310,
      expiry: 300,
      proofProbability: 4n,
    })
    for (const state of STATES) {
      // Some last for a moment only.
      const seen = providerOf(node)
        .list()
        .map((sale) => sale.state)
      node.events.addEventListener('sale', ({ detail }) => seen.push(detail.state))
      await world.until(state, () => seen.includes(state))
      await world.stopNode(node)
      node = await world.node('provider', { account: 2, roles: ['provider'], peer: client })
      expect(await providerOf(node).reservations.check(NEVER)).toEqual([])
    }
    await world.until('finished', () => purchaseState(client, request) === 'finished')
    await world.until(
      'over',
      () => providerOf(node).list().length === 0 && providerOf(node).reservations.reservations().length === 0,
    )
    expect(providerOf(node).reservations.availability(id)).toMatchObject({
      freeSize: OFFER.totalSize,
      totalRemainingCollateral: OFFER.totalCollateral,
      totalCollateral: OFFER.totalCollateral,
    })
    const gained = (await world.tokensOf(addressOf(2))) - RICH
    expect(gained).toBe(RICH - (await world.tokensOf(addressOf(1))))
    expect(gained).toBe(providerOf(node).earnings.reduce((sum, { reward }) => sum + reward, 0n))
    expect((await node.repo.space()).quotaUsedBytes).toBe(0)
    expect((await node.repo.recount(NEVER)).problems).toEqual([])
  },
  600_000,
)
