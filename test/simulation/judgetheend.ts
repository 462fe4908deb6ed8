// What must be so when a simulated world has come to its end: everybody has what is due, to the byte and to the wei, and nothing is left over.

import type { Address } from '../../src/market/market.ts'
import type { SlotId } from '../../src/protocol/request.ts'
import { MARKETPLACE_ADDRESS } from '../fakes/fakechainworld.ts'
import type { Provider } from './provider.ts'
import type { SimWorld } from './simworld.ts'
import { INITIAL_TOKENS, TERMS } from './simworld.ts'

export async function judgeTheEnd(world: SimWorld): Promise<void> {
  await world.referee.recount()
  const discounts = repairDiscounts(world)
  let forfeited = 0n
  for (const provider of world.providers) forfeited += await judgeProvider(world, provider, discounts)
  for (const watchman of world.watchmen) forfeited -= gainOf(world, watchman.address)
  judgeClients(world)
  const left = world.net.token.balanceOf(MARKETPLACE_ADDRESS)
  if (left !== forfeited)
    world.referee.breach(undefined, `the marketplace keeps ${left}, the hosts forfeited ${forfeited}`)
  for (const node of world.nodes) {
    const open = world.net.openIntents(node.address).length
    if (open > 0) world.referee.breach(node, `${open} transactions are still open`)
  }
}

/** @returns what it lost on chain, in token base units */
async function judgeProvider(
  world: SimWorld,
  provider: Provider,
  discounts: ReadonlyMap<Address, bigint>,
): Promise<bigint> {
  const { selling, address } = provider
  const breach = (what: string) => world.referee.breach(provider, `at the end ${what}`)
  if (selling === undefined) {
    breach('it is down')
    return 0n
  }
  const availabilities = selling.reservations.availabilities()
  for (const { id, freeSize, totalSize, totalRemainingCollateral, totalCollateral } of availabilities) {
    if (freeSize !== totalSize) breach(`availability ${id} has ${freeSize} of ${totalSize} bytes (I2)`)
    if (totalRemainingCollateral !== totalCollateral)
      breach(`availability ${id} has a collateral of ${totalRemainingCollateral} of ${totalCollateral} (I3)`)
  }
  for (const { requestId, slotIndex } of selling.reservations.reservations())
    breach(`the reservation of slot ${slotIndex} of ${requestId} is left over`)
  const { quotaUsedBytes } = await selling.repo.space()
  if (quotaUsedBytes > 0) breach(`${quotaUsedBytes} bytes of ended slots are still there (S12)`)
  const committed = availabilities.reduce((sum, { totalCollateral }) => sum + totalCollateral, 0n)
  const lost = provider.committed - committed
  const saved = discounts.get(address) ?? 0n
  const earned = rewardsOf(world, address)
  const gain = gainOf(world, address)
  if (gain !== earned - lost + saved)
    breach(`it gained ${gain}: earned ${earned}, its accounts lost ${lost}, repairs saved ${saved} (I8)`)
  const { reward, lostCollateral } = selling.earnings.totals
  if (gain !== reward - lostCollateral || lost !== lostCollateral)
    breach(`it gained ${gain} and lost ${lost}: its earnings say ${reward} and ${lostCollateral} (I8)`)
  return earned - gain
}

function judgeClients(world: SimWorld): void {
  const { records } = world.net.marketplace
  for (const id of world.referee.requests) {
    const record = records.requests.get(id)
    if (record !== undefined && record.fundsToReturn > 0n)
      world.referee.breach(undefined, `at the end ${record.fundsToReturn} of request ${id} are not withdrawn`)
  }
  for (const client of world.clients)
    for (const purchase of client.purchasing?.purchases ?? []) {
      world.history.cover(`purchase/${purchase.outcome?.end ?? purchase.state}`)
      const isKnown = records.requests.get(purchase.id) !== undefined
      if (purchase.outcome === undefined) world.referee.breach(client, `purchase ${purchase.id} has not ended`)
      else if ((purchase.outcome.end === 'errored') === isKnown)
        world.referee.breach(client, `purchase ${purchase.id} ended as ${purchase.outcome.end}`)
    }
}

function gainOf(world: SimWorld, address: Address): bigint {
  return world.net.token.balanceOf(address) - INITIAL_TOKENS
}

function rewardsOf({ net, referee }: SimWorld, host: Address): bigint {
  const { records } = net.marketplace
  let sum = 0n
  for (const id of referee.slots) {
    const slot = records.slots.get(id)
    if (slot?.state !== 'Paid' || slot.host !== host) continue
    const { request, state, endsAt, expiresAt } = records.known(slot.requestId)
    // A request that was withdrawn says so itself; of one that was not, the time does.
    const isCancelled = state === 'Cancelled' || (state === 'New' && records.now > expiresAt)
    const end = isCancelled ? expiresAt : endsAt
    sum += (end - slot.filledAt) * request.ask.pricePerBytePerSecond * request.ask.slotSize
  }
  return sum
}

/** What each host got back for slots that another had lost, and had not put in. */
function repairDiscounts({ net }: SimWorld): Map<Address, bigint> {
  const { records } = net.marketplace
  const discounts = new Map<Address, bigint>()
  const freed = new Set<SlotId>()
  for (const event of net.standing(0)) if (event.type === 'SlotFreed') freed.add(event.slotId)
  for (const id of freed) {
    const slot = records.slots.get(id)
    if (slot?.state !== 'Paid') continue
    const { ask } = records.known(slot.requestId).request
    const full = ask.collateralPerByte * ask.slotSize
    const saved = (full * BigInt(TERMS.collateral.repairRewardPercentage)) / 100n
    discounts.set(slot.host, (discounts.get(slot.host) ?? 0n) + saved)
  }
  return discounts
}
