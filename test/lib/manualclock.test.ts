import { describe, expect, it } from 'vitest'

import { ManualClock } from '../../src/lib/manualclock.ts'
import { CountingController } from '../fakes/countingcontroller.ts'
import { clockSuite } from '../suites/clock.ts'

clockSuite('ManualClock', () => {
  const clock = new ManualClock(1_700_000_000)
  return { clock, pass: (span) => clock.advance(span) }
})

describe('ManualClock', () => {
  it('tells how many wait and for when', async () => {
    const clock = new ManualClock(100)
    const controller = new CountingController()
    expect([clock.waiting, clock.nextDue]).toEqual([0, undefined])
    const late = clock.until(120, controller)
    const early = clock.until(110, new AbortController())
    expect([clock.waiting, clock.nextDue]).toEqual([2, 110])
    controller.abort('no')
    await expect(late).rejects.toBe('no')
    expect([clock.waiting, clock.nextDue]).toEqual([1, 110])
    clock.set(110)
    await early
    expect(clock.waiting).toBe(0)
  })

  it('never goes back', () => {
    const clock = new ManualClock(100)
    expect(() => clock.set(99)).toThrow('never decreases')
    expect(() => clock.advance(-1)).toThrow('never decreases')
    expect(() => clock.set(Number.NaN)).toThrow('never decreases')
    clock.set(100)
    expect(clock.now()).toBe(100)
  })

  it('jumps: woken code sees the end of the jump', async () => {
    const clock = new ManualClock(0)
    const seen = clock.until(10, new AbortController()).then(() => clock.now())
    clock.advance(50)
    expect(await seen).toBe(50)
  })

  it('plays: a loop that waits again within the span is woken each time', async () => {
    const clock = new ManualClock(0)
    const controller = new AbortController()
    const seen: number[] = []
    const loop = (async () => {
      for (;;) {
        await clock.until(clock.now() + 10, controller)
        seen.push(clock.now())
      }
    })()
    await clock.play(35)
    expect(seen).toEqual([10, 20, 30])
    expect(clock.now()).toBe(35)
    await clock.play(5)
    expect(seen).toEqual([10, 20, 30, 40])
    controller.abort('done')
    await expect(loop).rejects.toBe('done')
    expect(clock.waiting).toBe(0)
  })
})
