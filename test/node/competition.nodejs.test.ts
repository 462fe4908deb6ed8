// Providers against one another, and what becomes of slots that nobody fills, on a real chain with real proofs.

import { expect, test } from 'vitest'
import { addressOf, buy, providerOf, purchaseState, RICH, TERMS, upload } from './nodeworld.ts'
import {
  DATASET_BYTES,
  earningsOf,
  expectAllBack,
  hosts,
  OFFER,
  offerOf,
  rewardOf,
  seller,
  SLOT_BYTES,
  SLOT_COLLATERAL,
} from './seller.ts'
import { sharedWorld } from './sharedworld.ts'

const LIMIT_MS = 600_000

const worldOf = sharedWorld()

test.runIf(import.meta.env['LONG'])(
  'three providers compete, and the accounts of each match to the byte and wei (integration: three providers competing)',
  async () => {
    const world = worldOf()
    const peer = await world.node('client', { account: 1, roles: ['client'] })
    const sellers = [
      await seller(world, 2, { peer }),
      await seller(world, 3, { peer }),
      await seller(world, 4, { peer }),
    ]
    // Longer than losers wait for their fill to land after all.
    const terms = { duration: 330, expiry: 300, proofProbability: 4n }
    const id = await buy(peer, await upload(peer, DATASET_BYTES), terms)
    await world.until('started', () => purchaseState(peer, id) === 'started')
    const taken = await hosts(peer, id)
    const wonBy = (account: number): number => taken.filter((host) => host === addressOf(account)).length
    await world.until('losers gave up', () =>
      sellers.every(({ node, account }) => providerOf(node).reservations.reservations().length === wonBy(account)),
    )
    for (const each of sellers) {
      const won = wonBy(each.account)
      const stake = BigInt(won) * SLOT_COLLATERAL
      expect(offerOf(each)).toMatchObject({
        freeSize: OFFER.totalSize - won * SLOT_BYTES,
        totalRemainingCollateral: OFFER.totalCollateral - stake,
      })
      expect(await world.tokensOf(addressOf(each.account))).toBe(RICH - stake)
    }
    await world.until('finished', () => purchaseState(peer, id) === 'finished')
    await world.until('over', () => sellers.every(({ node }) => providerOf(node).list().length === 0))
    let gained = 0n
    for (const each of sellers) {
      await expectAllBack(each)
      expect((await world.tokensOf(addressOf(each.account))) - RICH).toBe(rewardOf(each))
      gained += rewardOf(each)
    }
    expect(RICH - (await world.tokensOf(addressOf(1)))).toBe(gained)
  },
  LIMIT_MS,
)

test.runIf(import.meta.env['LONG'])(
  'a request that nobody fills whole expires: its host is paid until then, its client gets the rest (integration: expired request partially pays)',
  async () => {
    const world = worldOf()
    const peer = await world.node('client', { account: 1, roles: ['client'] })
    // Room for one slot only.
    const one = await seller(world, 2, { peer, offer: { totalSize: SLOT_BYTES } })
    const id = await buy(peer, await upload(peer, DATASET_BYTES))
    await world.until('cancelled', () => purchaseState(peer, id) === 'cancelled')
    await world.until('over', () => providerOf(one.node).list().length === 0 && earningsOf(one).length === 1)
    expect(earningsOf(one)).toMatchObject([{ end: 'cancelled', lostCollateral: 0n }])
    const gained = (await world.tokensOf(addressOf(2))) - RICH
    expect(gained).toBe(rewardOf(one))
    expect(gained).toBeGreaterThan(0n)
    expect(gained).toBeLessThan(BigInt(SLOT_BYTES) * BigInt(TERMS.expiry) * TERMS.pricePerBytePerSecond)
    expect(RICH - (await world.tokensOf(addressOf(1)))).toBe(gained)
    await expectAllBack(one)
  },
  LIMIT_MS,
)
