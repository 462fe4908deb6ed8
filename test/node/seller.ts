// A provider of a world with one availability, and what its accounts must look like. Not a test.

import { expect } from 'vitest'
import { MiB } from '../../src/lib/units.ts'
import { slotId } from '../../src/protocol/ids.ts'
import type { RequestId } from '../../src/protocol/request.ts'
import type { Availability } from '../../src/sales/availability.ts'
import type { Earning } from '../../src/sales/earnings.ts'
import { NEVER, type NodeOptions, type NodeWorld, providerOf, TERMS, type WorldNode } from './nodeworld.ts'

export const OFFER = {
  totalSize: 16 * MiB,
  duration: 1000,
  minPricePerBytePerSecond: 1n,
  totalCollateral: 10n ** 9n,
} as const
/** What tests here sell: two rows of two and one of parity make four blocks a slot. */
export const DATASET_BYTES = 5 * 65_536
export const SLOT_BYTES = 4 * 65_536
export const SLOT_COLLATERAL = BigInt(SLOT_BYTES) * TERMS.collateralPerByte

export interface Seller {
  readonly node: WorldNode
  readonly account: number
  readonly offer: Availability
}

/** Named after its account. */
export async function seller(
  world: NodeWorld,
  account: number,
  { offer, ...options }: Omit<NodeOptions, 'account'> & { readonly offer?: { readonly totalSize: number } },
): Promise<Seller> {
  const node = await world.node(`seller${account}`, { account, roles: ['provider'], ...options })
  return { node, account, offer: await providerOf(node).createAvailability({ ...OFFER, ...offer }) }
}

/** Its availability as it is now. */
export function offerOf({ node, offer }: Seller): Availability | undefined {
  return providerOf(node).reservations.availability(offer.id)
}

export function earningsOf({ node }: Seller): readonly Earning[] {
  return providerOf(node).earnings
}

export function rewardOf(seller: Seller): bigint {
  return earningsOf(seller).reduce((sum, { reward }) => sum + reward, 0n)
}

/** Nothing is sold any more, all space is back and empty, and of the collateral only so much is missing. */
export async function expectAllBack(seller: Seller, lost = 0n): Promise<void> {
  const { node, offer } = seller
  expect(offerOf(seller)).toMatchObject({
    totalSize: offer.totalSize,
    freeSize: offer.totalSize,
    totalCollateral: offer.totalCollateral - lost,
    totalRemainingCollateral: offer.totalCollateral - lost,
  })
  expect((await node.repo.space()).quotaUsedBytes).toBe(0)
  expect(await providerOf(node).reservations.check(NEVER)).toEqual([])
  expect((await node.repo.recount(NEVER)).problems).toEqual([])
}

/** Who has which slot, on chain. */
export async function hosts(node: WorldNode, id: RequestId): Promise<(string | undefined)[]> {
  const slots = Array.from({ length: TERMS.nodes }, (_, i) => slotId(id, i))
  return Promise.all(slots.map((slot) => node.trade.market.hostOf(slot, NEVER)))
}
