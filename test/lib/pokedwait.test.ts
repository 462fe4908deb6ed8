// A wait ends by its time or by a ring, never misses a ring, and leaves nothing behind with a bell that is silent for weeks.

import { expect, it } from 'vitest'
import type { AbortOptions } from '../../src/lib/abort.ts'
import { Bell } from '../../src/lib/bell.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { PokedWait } from '../../src/lib/pokedwait.ts'
import { isSettled } from '../fakes/issettled.ts'

/** Counts who waits at its promises. */
class CountingBell extends Bell {
  reactions = 0
  asked = 0

  override listen(options: AbortOptions): AsyncGenerator<void, never> {
    const rings = super.listen(options)
    const ask = rings.next.bind(rings)
    rings.next = (...args) => {
      this.asked++
      const ring = ask(...args)
      const react = ring.then.bind(ring)
      ring.then = ((...reaction: Parameters<typeof react>) => {
        this.reactions++
        return react(...reaction)
      }) as typeof ring.then
      return ring
    }
    return rings
  }
}

function waiting(bell: Bell = new Bell()) {
  const clock = new ManualClock()
  const controller = new AbortController()
  return { bell, clock, controller, wait: new PokedWait(clock, bell, controller.signal) }
}

it('waits as long as it is told where nothing rings', async () => {
  const { clock, wait } = waiting()
  const waited = wait.atMost(5)
  await clock.play(4)
  expect(await isSettled(waited)).toBe(false)
  await clock.play(1)
  expect(await isSettled(waited)).toBe(true)
})

it('leaves nothing with the bell, however many waits end by their time', async () => {
  const bell = new CountingBell()
  const { clock, wait } = waiting(bell)
  for (let n = 0; n < 1000; n++) {
    const waited = wait.atMost(5)
    clock.advance(5)
    await waited
  }
  expect(bell).toMatchObject({ asked: 1, reactions: 1 })
  const last = wait.atMost(5)
  bell.ring()
  await last
  expect(clock.waiting).toBe(0)
})

it('ends at once by a ring, and its timer with it; many rings are one', async () => {
  const { bell, clock, wait } = waiting()
  const waited = wait.atMost(5)
  bell.ring()
  bell.ring()
  await waited
  expect(clock.waiting).toBe(0)
  expect(await isSettled(wait.atMost(5))).toBe(false)
})

it.each([
  ['before the first wait', 0],
  ['between two waits', 1],
])('hears what rang %s, once', async (_, waits) => {
  const { bell, clock, wait } = waiting()
  for (let n = 0; n < waits; n++) {
    const waited = wait.atMost(5)
    await clock.play(5)
    await waited
  }
  bell.ring()
  expect(await isSettled(wait.atMost(5))).toBe(true)
  expect(await isSettled(wait.atMost(5))).toBe(false)
})

it('hears a ring in the moment in which the time is over', async () => {
  const { bell, clock, wait } = waiting()
  const waited = wait.atMost(5)
  clock.advance(5)
  bell.ring()
  await waited
  const next = wait.atMost(5)
  bell.ring()
  await next
})

it('wakes all who wait', async () => {
  const { bell, wait } = waiting()
  const both = [wait.atMost(5), wait.atMost(7)]
  bell.ring()
  await Promise.all(both)
})

it('rejects with the reason of its signal, then and ever after, also where it rang', async () => {
  const { bell, clock, controller, wait } = waiting()
  const waited = wait.atMost(5)
  const reason = new Error('enough')
  controller.abort(reason)
  await expect(waited).rejects.toBe(reason)
  bell.ring()
  await expect(wait.atMost(5)).rejects.toBe(reason)
  expect(clock.waiting).toBe(0)
})

it('rejects when it is ended', async () => {
  const { clock, wait } = waiting()
  const waited = wait.atMost(5)
  wait.end()
  await expect(waited).rejects.toMatchObject({ code: 'wait/over' })
  await expect(wait.atMost(5)).rejects.toMatchObject({ code: 'wait/over' })
  expect(clock.waiting).toBe(0)
})
