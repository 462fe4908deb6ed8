// Warnings before a deadline and after a sleep: raised when something is at stake, and only then.

import { expect, onTestFinished, test } from 'vitest'
import type { RaisedAlert } from '../../src/lib/alert.ts'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import type { SlotDuty } from '../../src/market/market.ts'
import type { SlotId } from '../../src/protocol/request.ts'
import { DutyWatch, type DutyWatchParts, LATE_SHARE } from '../../src/sales/dutywatch.ts'
import type { SaleReport } from '../../src/sales/salenews.ts'
import vectors from '../vectors/marketplace.json' with { type: 'json' }

const PERIOD = 100
const START = 50 * PERIOD
const LATE = PERIOD * (1 - LATE_SHARE)
const idOf = (index: number): SlotId => `0x${String(index).repeat(64)}` as SlotId

function sale(index: number, period: number): SaleReport {
  return {
    requestId: `0x${'ab'.repeat(32)}` as SaleReport['requestId'],
    slotIndex: index,
    slotId: idOf(index),
    state: 'SaleProving',
    since: START,
    phase: { at: 'proving', period, proven: 0, missed: 0 },
    proven: 0,
    missed: 0,
    reservation: { collateral: 1000n } as SaleReport['reservation'],
    why: undefined,
  }
}

function watching({
  due = [1, 2],
  isDown = false,
}: { readonly due?: readonly number[]; readonly isDown?: boolean } = {}) {
  const clock = new ManualClock(START)
  const alerts: RaisedAlert[] = []
  const ending = new AbortController()
  onTestFinished(() => ending.abort(new Error('the test is over')))
  const period = (): number => Math.floor(clock.now() / PERIOD)
  const market: DutyWatchParts['market'] = {
    terms: {
      ...vectors.meta.configs.example,
      collateral: { ...vectors.meta.configs.example.collateral, slashPercentage: 20 },
      proofs: { ...vectors.meta.configs.example.proofs, period: PERIOD },
    },
    slotDuties: async (ids) => {
      if (isDown) throw new Error('out of reach')
      return ids.map((slotId): SlotDuty => {
        const duty = { slotId, period: period(), due: 'now', pointer: 1, challenge: '0x1' } as const
        const isDue = due.some((index) => idOf(index) === slotId)
        return { slotId, state: 'Filled', period: period(), duty: isDue ? duty : undefined }
      })
    },
    missingProofs: async () => 2,
  }
  const watch = new DutyWatch({
    market,
    clock,
    wall: clock,
    sales: () => [1, 2, 3].map((index) => sale(index, period())),
    raise: (alert) => alerts.push(alert),
    log: new Log({ clock, levels: new LogLevels('off'), sinks: [] }),
  })
  watch.watchDeadlines(ending.signal).catch(() => undefined)
  watch.watchSleep(ending.signal).catch(() => undefined)
  return { clock, watch, alerts, prove: (index: number) => watch.note(sale(index, period())) }
}

test('a proof that is due and not in the chain is told of before its period ends, once', async () => {
  const { clock, alerts, prove } = watching()
  prove(1)
  await clock.play(LATE - 1)
  expect(alerts).toEqual([])
  await clock.play(1)
  expect(alerts).toMatchObject([{ code: 'sales/deadline-near', atStake: 200n }])
  expect(alerts[0]?.cause).toMatch(/slot 2 of 0xabababab….* 25 s/)
  await clock.play(PERIOD - LATE)
  expect(alerts).toHaveLength(1)
  // What was proven in one period is due in the next again.
  await clock.play(LATE)
  expect(alerts[1]).toMatchObject({ code: 'sales/deadline-near', atStake: 400n })
})

test('where nothing is due, or all is proven, or nothing is known, there is no alarm', async () => {
  const none = watching({ due: [] })
  await none.clock.play(2 * PERIOD)
  const all = watching()
  for (const index of [1, 2]) all.prove(index)
  await all.clock.play(PERIOD - 1)
  const down = watching({ isDown: true })
  await down.clock.play(2 * PERIOD)
  expect([none.alerts, all.alerts, down.alerts]).toEqual([[], [], []])
})

test('after a sleep it says which periods passed, and what that may cost', async () => {
  const { clock, alerts } = watching()
  await clock.play(20)
  clock.advance(3 * PERIOD)
  await clock.play(1)
  const [slept] = alerts.filter(({ code }) => code === 'sales/slept')
  // Three proofs of each of three slots.
  expect(slept).toMatchObject({ atStake: 1800n })
  expect(slept?.cause).toMatch(/in the periods 50 to 52; .* marked 6 /)
})

test('a sleep within a period costs nothing, and is not told', async () => {
  const { clock, alerts } = watching({ due: [] })
  await clock.play(16)
  clock.advance(PERIOD / 2)
  await clock.play(1)
  expect(alerts).toEqual([])
})
