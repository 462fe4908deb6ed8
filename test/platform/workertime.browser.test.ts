import { describe, expect, it } from 'vitest'

import { SystemClock } from '../../src/lib/systemclock.ts'
import type { TimerOrder } from '../../src/platform/browser/timerorder.ts'
import { type TimerLine, WorkerTime } from '../../src/platform/browser/workertime.ts'
import { HandWall } from '../fakes/handwall.ts'
import { clockSuite } from '../suites/clock.ts'

/** A worker whose timers are moved by hand, and which answers at once. */
class HandLine implements TimerLine {
  readonly wall = new HandWall(1_700_000_000_250)
  readonly #timers = new Map<number, () => void>()
  readonly #listeners = new Map<string, ((event: { readonly data: unknown }) => void)[]>()

  postMessage(order: TimerOrder): void {
    if ('clear' in order) return this.#timers.get(order.clear)?.()
    this.#timers.set(
      order.set,
      this.wall.wakeAfter(order.delayMs, () => this.say('message', order.set)),
    )
  }

  addEventListener(type: string, listener: (event: { readonly data: unknown }) => void): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener])
  }

  say(type: string, data?: unknown): void {
    for (const listener of this.#listeners.get(type) ?? []) listener({ data })
  }

  terminate(): void {
    for (const cancel of this.#timers.values()) cancel()
  }
}

class HandWorkerTime extends WorkerTime {
  readonly #line: HandLine

  constructor(line: HandLine) {
    super(() => line)
    this.#line = line
  }

  override readMs(): number {
    return this.#line.wall.readMs()
  }
}

clockSuite('SystemClock on WorkerTime', () => {
  const line = new HandLine()
  return { clock: new SystemClock(new HandWorkerTime(line)), pass: (span) => line.wall.passMs(span * 1000) }
})

describe('WorkerTime', () => {
  it('wakes from a real worker, takes timers back, and wakes nobody once closed', async () => {
    const time = new WorkerTime()
    const woken: string[] = []
    const take = time.wakeAfter(10, () => woken.push('taken back'))
    take()
    await new Promise<void>((resolve) => time.wakeAfter(30, resolve))
    expect(woken).toEqual([])
    time.wakeAfter(10, () => woken.push('closed'))
    time.close()
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(woken).toEqual([])
  })

  it('takes a timer back in the worker too', () => {
    const line = new HandLine()
    const take = new WorkerTime(() => line).wakeAfter(1000, () => undefined)
    expect(line.wall.timers.size).toBe(1)
    take()
    expect(line.wall.timers.size).toBe(0)
  })

  it('goes on with another worker when one is lost, at the same times', async () => {
    const lines: HandLine[] = []
    const time = new WorkerTime(() => {
      const line = new HandLine()
      lines.push(line)
      return line
    })
    const woken: string[] = []
    time.wakeAfter(10, () => woken.push('soon'))
    time.wakeAfter(60_000, () => woken.push('later'))
    lines[0]?.wall.passMs(10)
    lines[0]?.say('error')
    expect(lines.map(({ wall }) => wall.timers.size)).toEqual([0, 1])
    lines[1]?.wall.passMs(59_000)
    expect(woken).toEqual(['soon'])
    lines[1]?.wall.passMs(1000)
    expect(woken).toEqual(['soon', 'later'])
  })

  it('goes on with the timers of the page when the worker is lost before it has woken anybody', async () => {
    const line = new HandLine()
    const time = new WorkerTime(() => line)
    const before = new Promise<void>((resolve) => time.wakeAfter(20, resolve))
    line.say('error')
    await before
    await new Promise<void>((resolve) => time.wakeAfter(1, resolve))
  })
})
