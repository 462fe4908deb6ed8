// Providers against one another, and what becomes of slots that nobody fills or somebody loses, on a real chain with real proofs.

import { afterEach, expect, test } from 'vitest'
import { MiB } from '../../src/lib/units.ts'
import type { RequestId } from '../../src/protocol/request.ts'
import type { Availability } from '../../src/sales/availability.ts'
import { slotId } from '../../src/protocol/ids.ts'
import type { WorldNode } from './nodeworld.ts'
import {
  addressOf,
  buy,
  NEVER,
  NodeWorld,
  providerOf,
  purchaseState,
  RICH,
  slotStates,
  TERMS,
  upload,
} from './nodeworld.ts'

const LIMIT_MS = 600_000
const OFFER = { totalSize: 16 * MiB, duration: 1000, minPricePerBytePerSecond: 1n, totalCollateral: 10n ** 9n }
const SLOT_BYTES = 4 * 65_536
const SLOT_COLLATERAL = BigInt(SLOT_BYTES) * TERMS.collateralPerByte

let world: NodeWorld
afterEach(() => world.stop(), 60_000)

interface Seller {
  readonly node: WorldNode
  readonly account: number
  readonly offer: Availability
}

async function seller(
  name: string,
  account: number,
  peer: WorldNode,
  offer: Partial<typeof OFFER> = {},
): Promise<Seller> {
  const node = await world.node(name, { account, roles: ['provider'], peer })
  return { node, account, offer: await providerOf(node).createAvailability({ ...OFFER, ...offer }) }
}

function offerOf({ node, offer }: Seller): Availability | undefined {
  return providerOf(node).reservations.availability(offer.id)
}

async function expectCleanAccounts({ node }: Seller): Promise<void> {
  expect(await providerOf(node).reservations.check(NEVER)).toEqual([])
  expect((await node.repo.recount(NEVER)).problems).toEqual([])
}

/** Who has which slot, on chain. */
async function hosts(node: WorldNode, id: RequestId): Promise<(string | undefined)[]> {
  const slots = Array.from({ length: TERMS.nodes }, (_, i) => slotId(id, i))
  return Promise.all(slots.map((slot) => node.trade.market.hostOf(slot, NEVER)))
}

test.runIf(import.meta.env['LONG'])(
  'three providers compete, and the accounts of each match to the byte and wei',
  async () => {
    world = await NodeWorld.start()
    const client = await world.node('client', { account: 1, roles: ['client'] })
    const sellers = [await seller('one', 2, client), await seller('two', 3, client), await seller('three', 4, client)]
    // Longer than losers wait for their fill to land after all.
    const id = await buy(client, await upload(client, 5 * 65_536), { duration: 330, expiry: 300, proofProbability: 4n })
    await world.until('started', () => purchaseState(client, id) === 'started')
    const taken = await hosts(client, id)
    await world.until('losers gave up', () =>
      sellers.every(({ node, account }) => {
        const won = taken.filter((host) => host === addressOf(account)).length
        return providerOf(node).reservations.reservations().length === won
      }),
    )
    for (const each of sellers) {
      const won = taken.filter((host) => host === addressOf(each.account)).length
      expect(offerOf(each)).toMatchObject({
        freeSize: OFFER.totalSize - won * SLOT_BYTES,
        totalRemainingCollateral: OFFER.totalCollateral - BigInt(won) * SLOT_COLLATERAL,
      })
      expect(await world.tokensOf(addressOf(each.account))).toBe(RICH - BigInt(won) * SLOT_COLLATERAL)
    }
    await world.until('finished', () => purchaseState(client, id) === 'finished')
    await world.until('over', () => sellers.every(({ node }) => providerOf(node).list().length === 0))
    let gained = 0n
    for (const each of sellers) {
      expect(offerOf(each)).toMatchObject({
        ...OFFER,
        freeSize: OFFER.totalSize,
        totalRemainingCollateral: OFFER.totalCollateral,
      })
      const reward = providerOf(each.node).earnings.reduce((sum, earning) => sum + earning.reward, 0n)
      expect((await world.tokensOf(addressOf(each.account))) - RICH).toBe(reward)
      gained += reward
      expect((await each.node.repo.space()).quotaUsedBytes).toBe(0)
      await expectCleanAccounts(each)
    }
    expect(RICH - (await world.tokensOf(addressOf(1)))).toBe(gained)
  },
  LIMIT_MS,
)

test.runIf(import.meta.env['LONG'])(
  'a request that nobody fills whole expires: its host is paid until then, its client gets the rest',
  async () => {
    world = await NodeWorld.start()
    const client = await world.node('client', { account: 1, roles: ['client'] })
    // Room for one slot only.
    const one = await seller('one', 2, client, { totalSize: SLOT_BYTES })
    const id = await buy(client, await upload(client, 5 * 65_536))
    await world.until('cancelled', () => purchaseState(client, id) === 'cancelled')
    await world.until(
      'over',
      () => providerOf(one.node).list().length === 0 && providerOf(one.node).earnings.length === 1,
    )
    const [earning] = providerOf(one.node).earnings
    expect(earning).toMatchObject({ end: 'cancelled', lostCollateral: 0n })
    const gained = (await world.tokensOf(addressOf(2))) - RICH
    expect(gained).toBe(earning?.reward)
    expect(gained).toBeGreaterThan(0n)
    expect(gained).toBeLessThan(BigInt(SLOT_BYTES) * BigInt(TERMS.expiry) * TERMS.pricePerBytePerSecond)
    expect(RICH - (await world.tokensOf(addressOf(1)))).toBe(gained)
    expect(offerOf(one)).toMatchObject({ freeSize: SLOT_BYTES, totalRemainingCollateral: OFFER.totalCollateral })
    expect((await one.node.repo.space()).quotaUsedBytes).toBe(0)
    await expectCleanAccounts(one)
  },
  LIMIT_MS,
)

test.runIf(import.meta.env['LONG'])(
  'a slot whose proofs are missing is taken from its host and rebuilt by another from the other slots',
  async () => {
    world = await NodeWorld.start()
    const client = await world.node('client', { account: 1, roles: ['client', 'validator'] })
    const bad = await world.node('bad', { account: 2, roles: ['provider'], peer: client, simulateProofFailures: 1 })
    const lost = await providerOf(bad).createAvailability({ ...OFFER, totalSize: SLOT_BYTES })
    const cid = await upload(client, 5 * 65_536)
    const id = await buy(client, cid, { duration: 330, expiry: 300, proofProbability: 1n })
    await world.until('bad has one', () =>
      providerOf(bad)
        .list()
        .some(({ state }) => state === 'SaleProving'),
    )
    const [sold] = providerOf(bad).list()
    // What it loses is for others.
    providerOf(bad).pause()
    const good = await seller('good', 3, client)
    await world.until('started', () => purchaseState(client, id) === 'started')
    await world.until('lost', () => providerOf(bad).earnings.length === 1)
    expect(providerOf(bad).earnings[0]).toMatchObject({ end: 'freed', lostCollateral: SLOT_COLLATERAL })
    expect(providerOf(bad).reservations.availability(lost.id)).toMatchObject({
      freeSize: SLOT_BYTES,
      totalCollateral: OFFER.totalCollateral - SLOT_COLLATERAL,
      totalRemainingCollateral: OFFER.totalCollateral - SLOT_COLLATERAL,
    })
    await world.until('repaired', async () => (await hosts(client, id)).every((host) => host === addressOf(3)))
    const repaired = slotId(id, sold?.slotIndex ?? 0)
    await world.until('proven', () => (providerOf(good.node).sale(repaired)?.proven ?? 0) > 0)
    await world.until('finished', () => purchaseState(client, id) === 'finished')
    await world.until('over', () => providerOf(good.node).list().length === 0)
    expect(await slotStates(client, id)).toEqual(['Paid', 'Paid', 'Paid'])
    expect(offerOf(good)).toMatchObject({ freeSize: OFFER.totalSize, totalRemainingCollateral: OFFER.totalCollateral })
    expect((await good.node.repo.space()).quotaUsedBytes).toBe(0)
    await expectCleanAccounts(good)
    await expectCleanAccounts({ node: bad, account: 2, offer: lost })
  },
  LIMIT_MS,
)
