// ChainClock: block times carried on by a wall clock that is wound by hand.

import { describe, expect, it } from 'vitest'
import { Log, type LogRecord } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { ChainClock, DRIFT_ALERT_SECONDS, JUMP_SECONDS } from '../../src/market/chainclock.ts'
import { Periodicity } from '../../src/market/periodicity.ts'
import { isSettled } from '../fakes/issettled.ts'
import { clockSuite } from '../suites/clock.ts'

const START = 1_700_000_000
const never = { signal: new AbortController().signal }

function setup(offset = 0) {
  const wall = new ManualClock(START)
  const records: LogRecord[] = []
  const log = new Log({ clock: wall, levels: new LogLevels('trace'), sinks: [(record) => records.push(record)] })
  const clock = new ChainClock({ wall, log })
  clock.adopt({ timestamp: START + offset, isFresh: false })
  /** A block made now by a chain that is `ahead` of the wall clock. */
  const block = (ahead = 0) => clock.adopt({ timestamp: wall.now() + ahead, isFresh: true })
  return { wall, clock, block, warnings: () => records.filter(({ level }) => level === 'warn') }
}

for (const offset of [0, -7, 1_000_000])
  clockSuite(`ChainClock ${offset} seconds ahead`, () => {
    const { wall, clock } = setup(offset)
    return { clock, pass: (span) => wall.advance(span) }
  })

describe('ChainClock', () => {
  it('has no time before a block was seen; asking for it is no question to the chain, so that nothing of it can fail (T14)', () => {
    const wall = new ManualClock(START)
    const log = new Log({ clock: wall, levels: new LogLevels('off'), sinks: [] })
    const clock = new ChainClock({ wall, log })
    expect(clock.isSet).toBe(false)
    expect(() => clock.now()).toThrow('start the market first')
    clock.adopt({ timestamp: 5, isFresh: false })
    expect([clock.isSet, clock.now()]).toEqual([true, 5])
  })

  it('is put right by the first fresh block when the first one seen was old (T13)', () => {
    const { wall, clock, block } = setup(-40)
    wall.advance(3)
    expect(clock.now()).toBe(START - 37)
    block()
    expect(clock.now()).toBe(START + 3)
  })

  it('takes of late polls the one that was least late', () => {
    const { wall, clock, block } = setup()
    for (const late of [2, 0, 3, 1]) {
      wall.advance(12)
      block(-late)
    }
    expect(clock.now()).toBe(wall.now())
  })

  it('stands still, and never goes back, when blocks turn out to be earlier', () => {
    const { wall, clock, block } = setup()
    const seen: number[] = []
    for (let i = 0; i < 12; i++) {
      wall.advance(1)
      block(-4)
      seen.push(clock.now())
    }
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    // The samples that were further on are gone by now.
    expect(clock.now()).toBe(wall.now() - 4)
  })

  it('ends a wait by a jump of the chain as well as by the wall clock', async () => {
    const { wall, clock, block } = setup()
    const waits = [10, 30].map((span) => clock.until(START + span, never))
    wall.advance(10)
    expect(await Promise.all(waits.map((wait) => isSettled(wait)))).toEqual([true, false])
    block(20)
    expect(await isSettled(waits[1] as Promise<void>)).toBe(true)
    expect(wall.waiting).toBe(0)
  })

  it('leaves no wait behind when aborted', async () => {
    const { wall, clock } = setup()
    const controller = new AbortController()
    const wait = clock.until(START + 10, controller)
    const failed = expect(wait).rejects.toThrow('enough')
    controller.abort(new Error('enough'))
    await failed
    expect(wall.waiting).toBe(0)
  })

  describe('a time that cannot be (S9)', () => {
    it.each([JUMP_SECONDS + 1, 3600, 1e9])('%i seconds ahead, told by one block, is not believed', (ahead) => {
      const { wall, clock, block, warnings } = setup()
      block(ahead)
      wall.advance(2)
      block()
      expect(clock.now()).toBe(START + 2)
      block(ahead)
      block()
      block(ahead)
      expect(clock.now()).toBe(START + 2)
      expect(warnings()).toEqual([])
    })

    it.each([JUMP_SECONDS + 1, 1e9])('%i seconds ahead, told by two, is', (ahead) => {
      const { wall, clock, block, warnings } = setup()
      block(ahead)
      wall.advance(2)
      block(ahead)
      expect(clock.now()).toBe(START + 2 + ahead)
      expect(warnings()[0]?.message).toContain('made a jump')
    })

    it('put right by two blocks when it was believed after all: the clock steps back once', () => {
      const { wall, clock, block } = setup()
      for (let i = 0; i < 2; i++) block(1e9)
      expect(clock.now()).toBe(START + 1e9)
      block()
      expect(clock.now()).toBe(START + 1e9)
      block()
      expect(clock.now()).toBe(START)
      wall.advance(5)
      expect(clock.now()).toBe(START + 5)
    })

    it('put right: whoever began to wait meanwhile waits no longer than he meant to', async () => {
      const { wall, clock, block } = setup()
      for (let i = 0; i < 2; i++) block(1e9)
      const wait = clock.until(clock.now() + 10, never)
      for (let i = 0; i < 2; i++) block()
      wall.advance(9)
      expect(await isSettled(wait)).toBe(false)
      wall.advance(1)
      expect(await isSettled(wait)).toBe(true)
      expect(wall.waiting).toBe(0)
    })

    it('of an old block seen again says nothing', () => {
      const { clock } = setup()
      for (let i = 0; i < 3; i++) clock.adopt({ timestamp: START - 5000, isFresh: false })
      expect(clock.now()).toBe(START)
    })
  })

  it('goes on through a sleep of eight hours', async () => {
    const { wall, clock, block } = setup()
    const wait = clock.until(START + 3600, never)
    wall.advance(8 * 3600)
    await wait
    expect(clock.now()).toBe(START + 8 * 3600)
    block(-1)
    expect(clock.now()).toBe(START + 8 * 3600)
  })

  describe('when nothing was heard of the chain for long', () => {
    function unheard() {
      const wall = new ManualClock(START)
      const log = new Log({ clock: wall, levels: new LogLevels('off'), sinks: [] })
      const clock = new ChainClock({ wall, log, maxUnheardSeconds: 30 })
      clock.adopt({ timestamp: START, isFresh: false })
      return { wall, clock }
    }

    it('stands still until it is, and goes on from there', async () => {
      const { wall, clock } = unheard()
      const wait = clock.until(START + 100, never)
      wall.advance(3600)
      expect(clock.now()).toBe(START + 30)
      expect(await isSettled(wait)).toBe(false)
      // It slept: the chain went on.
      clock.adopt({ timestamp: START + 3599, isFresh: false, isAfterGap: true })
      expect(clock.now()).toBe(START + 3600)
      expect(await isSettled(wait)).toBe(true)
    })

    it('has a view that goes on, back to the chain once it is heard of', async () => {
      const { wall, clock } = unheard()
      const { running } = clock
      const waits = [100, 3700].map((seconds) => running.until(START + seconds, never))
      wall.advance(3600)
      expect([clock.now(), running.now()]).toEqual([START + 30, START + 3600])
      expect(await isSettled(waits[0] as Promise<void>)).toBe(true)
      clock.adopt({ timestamp: START + 40, isFresh: false, isAfterGap: true })
      expect([clock.now(), running.now()]).toEqual([START + 40, START + 40])
      expect(await isSettled(waits[1] as Promise<void>)).toBe(false)
    })

    it("takes the chain's word when the machine's clock was set", () => {
      const { wall, clock } = unheard()
      wall.advance(3600)
      clock.adopt({ timestamp: START + 31, isFresh: false, isAfterGap: true })
      expect(clock.now()).toBe(START + 31)
      wall.advance(9)
      expect(clock.now()).toBe(START + 40)
    })

    it('hears of it also by a block that is old', () => {
      const { wall, clock } = unheard()
      for (let i = 0; i < 10; i++) {
        wall.advance(20)
        clock.adopt({ timestamp: START, isFresh: false })
      }
      expect(clock.now()).toBe(START + 200)
    })
  })

  it.each([3600, -3600])('is put right when the wall clock was set %i seconds on', (by) => {
    const { wall, clock, block } = setup()
    // The wall clock shows another time than the chain from here on.
    if (by > 0) wall.advance(by)
    for (let i = 0; i < 2; i++) {
      wall.advance(1)
      block(-by)
    }
    expect(clock.now()).toBe(wall.now() - by)
  })

  it('tells once that the clocks differ, and once that they agree again', () => {
    const { wall, block, warnings, clock } = setup()
    for (let i = 0; i < 3; i++) block(DRIFT_ALERT_SECONDS)
    expect(warnings()).toEqual([])
    for (let i = 0; i < 3; i++) block(DRIFT_ALERT_SECONDS + 1)
    expect(warnings()).toMatchObject([{ fields: { seconds: DRIFT_ALERT_SECONDS + 1 } }])
    expect([clock.drift, clock.wideDrift]).toEqual([DRIFT_ALERT_SECONDS + 1, DRIFT_ALERT_SECONDS + 1])
    wall.advance(60)
    for (let i = 0; i < 20; i++) block(0)
    expect(clock.wideDrift).toBeUndefined()
    for (let i = 0; i < 3; i++) block(DRIFT_ALERT_SECONDS + 1)
    expect(warnings().length).toBe(2)
  })
})

describe('Periodicity', () => {
  it('cuts time into equal spans, the last second before the end included', () => {
    const periods = new Periodicity(120)
    for (const period of [0, 1, 14_166_666]) {
      const [start, end] = [periods.startOf(period), periods.endOf(period)]
      expect(end - start).toBe(120)
      expect([start - 1, start, end - 1, end].map((time) => periods.periodOf(time))).toEqual([
        period - 1,
        period,
        period,
        period + 1,
      ])
    }
    expect(() => new Periodicity(0)).toThrow('at least one')
  })
})
