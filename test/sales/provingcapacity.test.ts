// Never more slots than the prover can carry: what is one too many is left, with the figures that say why, and taken once there is room.

import { expect, it } from 'vitest'
import { safeSlots, typicalSeconds } from '../../src/protocol/safeslots.ts'
import { capacityOf, type ProvingCapacity } from '../../src/sales/provingcapacity.ts'
import { SaleWorld } from '../fakes/saleworld.ts'

const capacityFor = (slots: number): ProvingCapacity => ({
  ...{ slots, secondsPerProof: 4, periodSeconds: 20, share: 0.5 },
})

it('half a period is for proofs; what one takes is the median of the latest', () => {
  expect([5, 4, 10.1].map((seconds) => safeSlots(seconds, 20))).toEqual([2, 2, 0])
  expect(safeSlots(0, 20)).toBe(Number.MAX_SAFE_INTEGER)
  expect(typicalSeconds([])).toBeUndefined()
  expect(typicalSeconds([3, 90, 1])).toBe(3)
  // Long ago it was slow.
  expect(typicalSeconds([...Array<number>(20).fill(60), ...Array<number>(9).fill(2)])).toBe(2)
  expect(capacityOf({ recentSeconds: [4] }, 20)).toEqual(capacityFor(2))
  expect(capacityOf({ recentSeconds: [4] }, 20, 1)?.slots).toBe(5)
  expect(capacityOf({ recentSeconds: [] }, 20)).toBeUndefined()
})

it('takes no slot more than the prover can carry, says why, and takes more when it is faster', async () => {
  const world = new SaleWorld()
  let capacity = capacityFor(2)
  // All at once: no two of them may take the last place.
  const host = await world.host('host', 4, { workers: 4, capacity: () => capacity })
  await host.sales.start(world.never)
  const { slot, id } = await world.ask({ slots: 4n, maxSlotLoss: 3n }, 3000n)
  const filled = (): number => [0, 1, 2, 3].filter((index) => world.state(slot(index)) === 'Filled').length
  await world.runUntil(() => filled() === 2)
  await world.run(300)
  expect(filled()).toBe(2)
  expect(host.parts.reservations.countHeld()).toBe(2)
  const ignored = host.sales.decisions.latest(9, id).filter(({ verdict }) => verdict === 'ignored')
  expect(ignored[0]?.reasons).toEqual([
    'the prover is full: with 2 slots held or under way, one more would take 3 × 4.0 s = 12.0 s of each period, and 10 s of its 20 s is what proofs may take',
  ])
  expect(host.sales.queue.items().map(({ seen }) => seen)).toEqual([true, true])

  capacity = capacityFor(3)
  host.sales.queue.wake()
  await world.runUntil(() => filled() === 3)
  await world.run(60)
  expect(filled()).toBe(3)
  await host.sales.stop()
})

it('takes the next slot once one has ended, without being told', async () => {
  const world = new SaleWorld()
  const host = await world.host('host', 4, { capacity: () => capacityFor(1) })
  await host.sales.start(world.never)
  const first = await world.ask({ duration: 1000n }, 900n)
  await world.runUntil(() => world.state(first.slot(0)) === 'Filled')
  const second = await world.ask({}, 3500n)
  await world.run(300)
  expect(world.state(second.slot(0))).toBe('Free')
  await world.runUntil(() => world.state(first.slot(0)) === 'Paid')
  await world.runUntil(() => world.state(second.slot(0)) === 'Filled')
  await host.sales.stop()
})
