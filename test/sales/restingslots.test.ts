// Slots rest for a while: a minute, or the longer the longer they lack something.

import { expect, it } from 'vitest'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { RestingSlots } from '../../src/sales/restingslots.ts'
import { slot } from '../fakes/salesparts.ts'

function resting() {
  const clock = new ManualClock(1000)
  return { clock, slots: new RestingSlots(clock) }
}

it('lets a slot rest for a minute, and no other', () => {
  const { clock, slots } = resting()
  slots.rest(slot(1))
  clock.advance(59)
  expect([slots.isResting(slot(1)), slots.isResting(slot(2))]).toEqual([true, false])
  clock.advance(1)
  expect(slots.isResting(slot(1))).toBe(false)
})

it('lets one rest for an eighth of the time for which it has lacked something, a minute at least and an hour at most', () => {
  const { clock, slots } = resting()
  const rests: number[] = []
  for (let looks = 0; looks < 100; looks++) {
    const until = slots.restLonger(slot(1))
    rests.push(until - clock.now())
    clock.set(until)
    expect(slots.isResting(slot(1))).toBe(false)
  }
  expect(rests.slice(0, 10)).toEqual([60, 60, 60, 60, 60, 60, 60, 60, 60, 68])
  expect(rests.at(-1)).toBe(3600)
  clock.advance(3601)
  expect(slots.restLonger(slot(1)) - clock.now()).toBe(60)
})
