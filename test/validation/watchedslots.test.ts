import { expect, it } from 'vitest'
import type { SlotId } from '../../src/protocol/request.ts'
import { WatchedSlots } from '../../src/validation/watchedslots.ts'

const id = (number: number): SlotId => `0x${number.toString(16).padStart(64, '0')}` as SlotId

it('of those that wait in vain each comes to be looked at in its turn', () => {
  const slots = new WatchedSlots(1)
  for (let number = 1; number <= 4; number++) slots.offer(id(number))
  slots.watch(id(1))
  expect(slots.waiting(2)).toEqual([id(2), id(3)])
  // Still filled, and no room for them.
  for (const looked of slots.waiting(2)) slots.watch(looked)
  expect(slots.watched).toEqual([id(1)])
  expect(slots.waiting(2)).toEqual([id(4), id(2)])
  slots.forget(id(4))
  slots.forget(id(1))
  slots.watch(id(2))
  expect(slots.watched).toEqual([id(2)])
  expect(slots.waiting(9)).toEqual([id(3)])
})

it('one that nobody holds is forgotten when that is so in a second period', () => {
  const slots = new WatchedSlots(1)
  for (const number of [1, 2, 3]) slots.offer(id(number))
  slots.watch(id(1))
  for (const number of [1, 2]) for (let twice = 0; twice < 2; twice++) slots.vacant(id(number), 7)
  expect([slots.watched, slots.waiting(9)]).toEqual([[id(1)], [id(3), id(2)]])
  slots.offer(id(1))
  slots.vacant(id(1), 8)
  slots.vacant(id(2), 8)
  expect([slots.watched, slots.waiting(9)]).toEqual([[id(1)], [id(3)]])
  slots.watch(id(1))
  slots.vacant(id(1), 9)
  expect(slots.watched).toEqual([id(1)])
  slots.vacant(id(1), 10)
  expect(slots.watched).toEqual([])
  slots.vacant(id(4), 10)
  expect(slots.waitingCount).toBe(1)
})

it('what was never heard of is not watched', () => {
  const slots = new WatchedSlots(0)
  slots.watch(id(1))
  expect(slots.watched).toEqual([])
  expect(slots.waiting(9)).toEqual([])
})
