// Who has the queue and the workers, where one client asks again and again; and what a slot that ends lets others have.

import { expect, it } from 'vitest'
import { FakeMarket } from '../fakes/fakemarket.ts'
import { terms } from '../fakes/salesparts.ts'
import { addressOf, CLIENT, RICH, SaleWorld } from '../fakes/saleworld.ts'

it('a client that asks many times for one slot leaves room in the queue, and a worker, to the others', async () => {
  const world = new SaleWorld()
  const greedy = addressOf('greedy')
  world.net.mint(greedy, RICH)
  const other = new FakeMarket(world.net, greedy, world.clock)
  // Nothing ever comes of what it is about: whoever looks at it is held up.
  const host = await world.host('host', 60, { queueSize: 16, workers: 2, work: { pieceSeconds: 100_000 } })
  await host.sales.start(world.never)
  for (let number = 0; number < 40; number++) {
    const request = { ...world.request({ pricePerBytePerSecond: 100n + BigInt(number) }, 3000n), client: greedy }
    void other.requestStorage(request, world.never)
  }
  await world.run(60)
  const waiting = (client: string): number => host.sales.queue.items().filter((item) => item.client === client).length
  expect(waiting(greedy)).toBe(16)
  const { id } = await world.ask({ slots: 3n }, 3000n)
  await world.run(30)
  expect(waiting(CLIENT)).toBe(3)
  await world.runUntil(() => host.sales.agents.some(({ slot }) => slot.requestId === id))
  expect(waiting(CLIENT)).toBe(2)
  const stopping = host.sales.stop()
  await world.run(30)
  await stopping
})

it('a slot that was one too many for the prover is taken when another ends, whichever availability that was of', async () => {
  const world = new SaleWorld()
  const capacity = () => ({ slots: 1, secondsPerProof: 1, periodSeconds: 120, share: 0.5 })
  const host = await world.host('host', 1, { capacity })
  const [first] = host.parts.reservations.availabilities()
  await host.sales.start(world.never)
  const one = await world.ask({ duration: 2000n }, 900n)
  await world.runUntil(() => world.state(one.slot(0)) === 'Filled')
  await host.parts.reservations.change(first?.id as never, { enabled: false })
  await host.parts.reservations.create(terms(1))
  const other = await world.ask({}, 3000n)
  await world.run(60)
  expect(host.sales.decisions.latest(1, other.id)).toMatchObject([
    { verdict: 'ignored', reasons: [expect.stringContaining('the prover is full')] },
  ])
  await world.runUntil(() => world.state(one.slot(0)) === 'Paid')
  await world.run(400)
  expect(world.state(other.slot(0))).toBe('Filled')
  await host.sales.stop()
})
