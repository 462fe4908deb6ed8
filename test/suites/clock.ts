// The laws of the Clock seam. Every implementation runs it, the hand-wound one included.

import { describe, expect, it } from 'vitest'

import type { Clock } from '../../src/lib/clock.ts'
import type { Seconds } from '../../src/lib/units.ts'
import { CountingController } from '../fakes/countingcontroller.ts'
import { isSettled } from '../fakes/issettled.ts'

export interface ClockUnderTest {
  readonly clock: Clock
  /** Lets time go by; due waits have been woken when it returns. */
  pass(span: Seconds): void
}

const TIMER_LIMIT_S = Math.ceil(2 ** 31 / 1000)

export function clockSuite(name: string, setup: () => ClockUnderTest): void {
  describe(`${name} keeps the law of Clock`, () => {
    it('tells whole seconds, the same until time passes', () => {
      const { clock, pass } = setup()
      const start = clock.now()
      expect(Number.isSafeInteger(start)).toBe(true)
      expect(clock.now()).toBe(start)
      pass(5)
      expect(clock.now()).toBe(start + 5)
    })

    it('settles at the first moment the time has come', async () => {
      const { clock, pass } = setup()
      const wait = clock.until(clock.now() + 10, new AbortController())
      pass(9)
      expect(await isSettled(wait)).toBe(false)
      pass(1)
      expect(await isSettled(wait)).toBe(true)
      await wait
    })

    it('settles at once for an instant that has come or passed', async () => {
      const { clock } = setup()
      expect(await isSettled(clock.until(clock.now(), new AbortController()))).toBe(true)
      expect(await isSettled(clock.until(clock.now() - 1, new AbortController()))).toBe(true)
      expect(await isSettled(clock.until(-Infinity, new AbortController()))).toBe(true)
    })

    it('wakes in the order of time, equal ones in the order they came', async () => {
      const { clock, pass } = setup()
      const start = clock.now()
      const woken: string[] = []
      const waits = [
        ['late', 30],
        ['early', 10],
        ['middle', 20],
        ['early too', 10],
      ].map(async ([who, span]) => {
        await clock.until(start + Number(span), new AbortController())
        woken.push(String(who))
      })
      pass(100)
      await Promise.all(waits)
      expect(woken).toEqual(['early', 'early too', 'middle', 'late'])
    })

    it('waits for spans beyond the longest timer', async () => {
      const { clock, pass } = setup()
      const span = 2 * TIMER_LIMIT_S + 7
      const wait = clock.until(clock.now() + span, new AbortController())
      expect(await isSettled(wait)).toBe(false)
      pass(span - 1)
      expect(await isSettled(wait)).toBe(false)
      pass(1)
      expect(await isSettled(wait)).toBe(true)
    })

    it('waits for ever until aborted when asked to', async () => {
      const { clock, pass } = setup()
      const controller = new CountingController()
      const wait = clock.until(Infinity, controller)
      pass(TIMER_LIMIT_S)
      expect(await isSettled(wait)).toBe(false)
      controller.abort('enough')
      await expect(wait).rejects.toBe('enough')
    })

    it('rejects with the very reason of the signal, early and late', async () => {
      const { clock, pass } = setup()
      const reason = { stop: 'now' }
      await expect(clock.until(clock.now() + 1, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
      await expect(clock.until(clock.now() - 1, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
      const controller = new CountingController()
      const wait = clock.until(clock.now() + 10, controller)
      pass(5)
      controller.abort(reason)
      await expect(wait).rejects.toBe(reason)
      pass(10)
    })

    it('aborts one wait and leaves the others', async () => {
      const { clock, pass } = setup()
      const controller = new CountingController()
      const time = clock.now() + 10
      const other = clock.until(time, new AbortController())
      const aborted = clock.until(time, controller)
      controller.abort('one')
      await expect(aborted).rejects.toBe('one')
      pass(10)
      expect(await isSettled(other)).toBe(true)
    })

    it('leaves no listener behind', async () => {
      const { clock, pass } = setup()
      const controller = new CountingController()
      await clock.until(clock.now(), controller)
      expect(controller.listeners).toBe(0)
      const wait = clock.until(clock.now() + 3, controller)
      expect(controller.listeners).toBe(1)
      pass(3)
      await wait
      expect(controller.listeners).toBe(0)
    })

    it('refuses to wait for no instant at all', () => {
      const { clock } = setup()
      expect(() => clock.until(Number.NaN, new AbortController())).toThrow('NaN')
    })
  })
}
