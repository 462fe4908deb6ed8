import { describe, expect, it } from 'vitest'

import { MAX_TIMER_MS, SystemClock } from '../../src/lib/systemclock.ts'
import { CountingController } from '../fakes/countingcontroller.ts'
import { HandWall } from '../fakes/handwall.ts'
import { isSettled } from '../fakes/issettled.ts'
import { clockSuite } from '../suites/clock.ts'

const START_MS = 1_700_000_000_250

clockSuite('SystemClock', () => {
  const wall = new HandWall(START_MS)
  return { clock: new SystemClock(wall), pass: (span) => wall.passMs(span * 1000) }
})

describe('SystemClock', () => {
  it('wakes on the edge of the second, not a span after the call', async () => {
    const wall = new HandWall(START_MS)
    const clock = new SystemClock(wall)
    const wait = clock.until(clock.now() + 1, new AbortController())
    wall.passMs(749)
    expect(await isSettled(wait)).toBe(false)
    wall.passMs(1)
    expect(await isSettled(wait)).toBe(true)
  })

  it('goes on when the wall clock is set back, and waits get no longer', async () => {
    const wall = new HandWall(START_MS)
    const clock = new SystemClock(wall)
    const before = clock.now()
    const wait = clock.until(before + 10, new AbortController())
    wall.jumpMs(-3_600_000)
    expect(clock.now()).toBe(before)
    wall.passMs(9_000)
    expect(clock.now()).toBe(before + 9)
    expect(await isSettled(wait)).toBe(false)
    wall.passMs(1_000)
    expect(clock.now()).toBe(before + 10)
    expect(await isSettled(wait)).toBe(true)
  })

  it('agrees with a wall clock again that was set back and is set right, and never decreases', () => {
    const wall = new HandWall(START_MS)
    const clock = new SystemClock(wall)
    const before = clock.now()
    wall.jumpMs(-3_600_000)
    expect(clock.now()).toBe(before)
    wall.passMs(5_000)
    expect(clock.now()).toBe(before + 5)
    wall.jumpMs(3_600_000)
    expect(clock.now()).toBe(before + 5)
    wall.passMs(7_000)
    expect(clock.now()).toBe(before + 12)
  })

  it('notices within one timer that the clock was set forward or the machine slept', async () => {
    const wall = new HandWall(START_MS)
    const clock = new SystemClock(wall)
    const wait = clock.until(clock.now() + 8 * 3600, new AbortController())
    wall.jumpMs(8 * 3_600_000)
    wall.passMs(MAX_TIMER_MS)
    expect(await isSettled(wait)).toBe(true)
  })

  it('sets no timer too long for the platform, and none for nothing', async () => {
    const wall = new HandWall(START_MS)
    const clock = new SystemClock(wall)
    const wait = clock.until(clock.now() + 100 * 86_400, new AbortController())
    wall.passMs(100 * 86_400_000)
    await wait
    expect(wall.delaysMs.length).toBe((100 * 86_400_000) / MAX_TIMER_MS)
    expect(wall.delaysMs.every((delayMs) => delayMs >= 1 && delayMs <= MAX_TIMER_MS)).toBe(true)
    expect(wall.timers.size).toBe(0)
  })

  it('waits for a fraction of a second without spinning', async () => {
    const wall = new HandWall(START_MS)
    const clock = new SystemClock(wall)
    const wait = clock.until(clock.now() + 0.5, new AbortController())
    wall.passMs(750)
    expect(await isSettled(wait)).toBe(true)
    expect(wall.delaysMs).toEqual([750])
  })

  it('takes its timer back when aborted', async () => {
    const wall = new HandWall(START_MS)
    const controller = new CountingController()
    const wait = new SystemClock(wall).until(Infinity, controller)
    wall.passMs(3 * MAX_TIMER_MS)
    expect(wall.timers.size).toBe(1)
    expect(controller.listeners).toBe(1)
    controller.abort('enough')
    await expect(wait).rejects.toBe('enough')
    expect(wall.timers.size).toBe(0)
  })

  it('runs on the real clock of the machine', async () => {
    const clock = new SystemClock()
    const start = clock.now()
    expect(Math.abs(start - Date.now() / 1000)).toBeLessThan(2)
    await clock.until(start + 1, new AbortController())
    expect(clock.now()).toBeGreaterThanOrEqual(start + 1)
    const controller = new AbortController()
    const endless = clock.until(Infinity, controller)
    controller.abort('enough')
    await expect(endless).rejects.toBe('enough')
  })
})
