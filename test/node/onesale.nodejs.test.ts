// One provider sells all slots of a request, on a real chain, over real sockets, with real proofs.

import { afterEach, expect, test } from 'vitest'
import { MiB } from '../../src/lib/units.ts'
import { addressOf, buy, NEVER, NodeWorld, providerOf, purchaseState, RICH, slotStates, upload } from './nodeworld.ts'

let world: NodeWorld
afterEach(() => world.stop(), 60_000)

test('one provider fills all slots from one availability, proves them, is paid, and has all of its space and collateral again', async () => {
  world = await NodeWorld.start()
  const client = await world.node('client', { account: 1, roles: ['client'] })
  const node = await world.node('provider', { account: 2, roles: ['provider'], peer: client })
  const provider = providerOf(node)
  const terms = { totalSize: 16 * MiB, duration: 1000, minPricePerBytePerSecond: 1n, totalCollateral: 10n ** 9n }
  const { id } = await provider.createAvailability(terms)
  const cid = await upload(client, 5 * 65_536)
  const request = await buy(client, cid)
  await world.until('started', () => purchaseState(client, request) === 'started')
  expect(provider.reservations.reservationsOf(id)).toHaveLength(3)
  await world.until('finished', () => purchaseState(client, request) === 'finished')
  await world.until('all paid', () => provider.earnings.length === 3)
  await world.until('all over', () => provider.list().length === 0)
  expect(await slotStates(client, request)).toEqual(['Paid', 'Paid', 'Paid'])
  expect(provider.reservations.availability(id)).toMatchObject({
    ...terms,
    freeSize: terms.totalSize,
    totalRemainingCollateral: terms.totalCollateral,
  })
  const gained = (await world.tokensOf(addressOf(2))) - RICH
  const spent = RICH - (await world.tokensOf(addressOf(1)))
  expect(gained).toBe(spent)
  expect(gained).toBe(provider.earnings.reduce((sum, { reward }) => sum + reward, 0n))
  expect((await node.repo.space()).quotaUsedBytes).toBe(0)
  expect(await provider.reservations.check(NEVER)).toEqual([])
  expect((await node.repo.recount(NEVER)).problems).toEqual([])
  expect(world.said('error')).toEqual([])

  // What a person has to look after is told, and its end too.
  const told: string[] = []
  node.events.addEventListener('alert', ({ detail: { code } }) => told.push(code))
  node.events.addEventListener('alertOver', ({ detail: { code, at, over } }) =>
    told.push(`${code} over ${(over ?? 0) > at ? 'later' : 'at once'}`),
  )
  world.endpoint.tripwire = async () => 'drop'
  await world.until('told', () => told.length > 0)
  world.endpoint.tripwire = async () => 'go on'
  await world.until('over', () => told.length > 1)
  expect(told).toEqual(['market/unreachable', 'market/unreachable over later'])
}, 600_000)
