// Warnings before a deadline and after a sleep: raised when something is at stake, and only then.

import { expect, onTestFinished, test } from 'vitest'
import type { RaisedAlert } from '../../src/lib/alert.ts'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { ChainClock } from '../../src/market/chainclock.ts'
import type { SlotDuty } from '../../src/market/market.ts'
import { slotId } from '../../src/protocol/ids.ts'
import type { SlotId } from '../../src/protocol/request.ts'
import { DutyWatch, type DutyWatchParts, LATE_SHARE } from '../../src/sales/dutywatch.ts'
import type { Reservation } from '../../src/sales/reservation.ts'
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
  isHanging = false,
  isUnheard = false,
  isFrozen = false,
  reservations = [],
  watched,
  running = [1, 2, 3],
  filling = [],
  refused,
  trouble,
}: {
  readonly due?: readonly number[]
  readonly isDown?: boolean
  /** Questions stay without an answer. */
  readonly isHanging?: boolean
  /** Of the chain nothing is heard from the start on. */
  readonly isUnheard?: boolean
  /** The chain is seen in the period of the start, for ever. */
  readonly isFrozen?: boolean
  readonly reservations?: readonly Reservation[]
  readonly watched?: number
  readonly running?: readonly number[]
  /** Sales of {@link reservations} that look for what became of their fill. */
  readonly filling?: readonly Reservation[]
  readonly refused?: 'duty' | 'act' | undefined
  /** Of all that run. */
  readonly trouble?: string | undefined
} = {}) {
  const clock = new ManualClock(START)
  const alerts: RaisedAlert[] = []
  const over: number[] = []
  let written: number | undefined
  const ending = new AbortController()
  onTestFinished(() => ending.abort(new Error('the test is over')))
  const log = new Log({ clock, levels: new LogLevels('off'), sinks: [] })
  const chain = new ChainClock({ wall: clock, log, ...(isUnheard && { maxUnheardSeconds: 30 }) })
  chain.adopt({ timestamp: START, isFresh: true })
  const period = (): number => Math.floor(chain.now() / PERIOD)
  const market: DutyWatchParts['market'] = {
    terms: {
      ...vectors.meta.configs.example,
      collateral: { ...vectors.meta.configs.example.collateral, slashPercentage: 20 },
      proofs: { ...vectors.meta.configs.example.proofs, period: PERIOD },
    },
    slotDuties: async (ids) => {
      if (isDown) throw new Error('out of reach')
      if (isHanging) return new Promise(() => undefined)
      return ids.map((slotId): SlotDuty => {
        const seen = isFrozen ? START / PERIOD : period()
        const duty = { slotId, period: seen, due: 'now', pointer: 1, challenge: '0x1' } as const
        const isDue = due.some((index) => idOf(index) === slotId)
        return { slotId, state: 'Filled', period: seen, duty: isDue ? duty : undefined }
      })
    },
    missingProofs: async () => 2,
    spending: () => ({ capWei: 1n, takenWei: 0n, laterWei: [], dutiesPerDayWei: 0n, refused }),
  }
  const watch = new DutyWatch({
    market,
    clock: chain,
    wall: clock,
    sales: () => [
      ...running.map((index) => ({ ...sale(index, period()), trouble })),
      ...filling.map((reservation): SaleReport => {
        const { requestId, slotIndex } = reservation
        const of = { requestId, slotIndex, slotId: slotId(requestId, slotIndex), reservation }
        return { ...sale(slotIndex, period()), ...of, state: 'SaleFilling', phase: { at: 'filling' } }
      }),
    ],
    reservations: () => reservations,
    record: {
      read: async () => watched,
      write: async (last) => {
        written = last
      },
    },
    raise: (alert) => alerts.push(alert),
    over: () => over.push(clock.now()),
    log,
  })
  watch.watchDeadlines(ending.signal).catch(() => undefined)
  watch.watchSleep(ending.signal).catch(() => undefined)
  const begun = watch.tellAbsence(ending.signal)
  const prove = (index: number): void => watch.note(sale(index, period()))
  return { clock, chain, watch, alerts, over, begun, written: () => written, prove }
}

/** A slot that our records say is ours. */
function held(index: number, more: Partial<Reservation> = {}): Reservation {
  const requestId = `0x${'cd'.repeat(32)}`
  const validUntil = START + 100 * PERIOD
  return { requestId, slotIndex: index, collateral: 1000n, fill: 'landed', validUntil, ...more } as Reservation
}

test('a proof that the daily cap keeps back is not laid to the machine', async () => {
  const { clock, alerts } = watching({ refused: 'duty' })
  await clock.play(PERIOD)
  expect(alerts).toMatchObject([
    { code: 'sales/deadline-near', action: expect.stringContaining('--max-daily-spend') as string },
  ])
})

test('what the last try at a proof failed for is told with it', async () => {
  const { clock, alerts } = watching({ trouble: 'the disk is full; make room' })
  await clock.play(PERIOD)
  expect(alerts[0]).toMatchObject({
    cause: expect.stringMatching(/25 s; the last try failed: the disk is full; make room$/) as string,
    action: 'Mend what it failed for: it is tried again every few seconds',
  })
})

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

test('where nothing is due, or all is proven, there is no alarm', async () => {
  const none = watching({ due: [] })
  await none.clock.play(2 * PERIOD)
  const all = watching()
  for (const index of [1, 2]) all.prove(index)
  await all.clock.play(PERIOD - 1)
  expect([none.alerts, all.alerts]).toEqual([[], []])
})

test('an alarm is over once all of it is proven, or with the period', async () => {
  const { clock, alerts, over, prove } = watching()
  await clock.play(PERIOD - 10)
  expect(alerts).toHaveLength(1)
  prove(1)
  expect(over).toEqual([])
  prove(2)
  expect(over).toEqual([START + PERIOD - 10])
  await clock.play(10 + PERIOD)
  expect(alerts).toHaveLength(2)
  expect(over).toEqual([START + PERIOD - 10, START + 2 * PERIOD])
})

test('where the endpoint gives no answer, what is not known to be proven is told of with its stake, once a period', async () => {
  const { clock, alerts, prove } = watching({ isDown: true })
  prove(1)
  await clock.play(PERIOD)
  expect(alerts).toMatchObject([
    { code: 'sales/deadline-near', atStake: 400n, action: 'See that the endpoint answers, or give another' },
  ])
  expect(alerts[0]?.cause).toMatch(/slot 2 of 0xabababab…, slot 3 of/)
  await clock.play(PERIOD)
  expect(alerts.map(({ atStake }) => atStake)).toEqual([400n, 600n])
})

test('so it is in every period while nothing is heard of the chain, though its time stands still, and none counts as looked after', async () => {
  const { clock, chain, alerts, written } = watching({ isDown: true, isUnheard: true })
  await clock.play(LATE)
  expect(chain.now()).toBe(START + 30)
  expect(alerts).toMatchObject([{ code: 'sales/deadline-near', atStake: 600n }])
  expect(alerts[0]?.cause).toMatch(/^The endpoint does not say .* 25 s$/)
  await clock.play(2 * PERIOD)
  expect(alerts).toHaveLength(3)
  await clock.play(PERIOD - LATE)
  expect(written()).toBeUndefined()
})

test("with nothing to prove no period is noted that only this machine's clock says is over", async () => {
  const { clock, chain, written } = watching({ running: [], isUnheard: true })
  await clock.play(3 * PERIOD)
  expect(written()).toBeUndefined()
  await clock.play(PERIOD - 1)
  chain.adopt({ timestamp: clock.now(), isFresh: true })
  await clock.play(1)
  expect(written()).toBe(53)
})

test('an endpoint that leaves the question open is given half of the time that is left', async () => {
  const { clock, alerts } = watching({ isHanging: true })
  await clock.play(LATE)
  expect(alerts).toEqual([])
  await clock.play(13)
  expect(alerts.map(({ cause }) => cause)).toEqual([expect.stringMatching(/^The endpoint does not say .* 12 s$/)])
})

test("a period that only this machine's clock had come to is not warned of", async () => {
  const { clock, chain, alerts } = watching({ due: [1], isUnheard: true })
  await clock.play(LATE - 1)
  clock.advance(50 * PERIOD - LATE + 20)
  await clock.play(1)
  chain.adopt({ timestamp: START + LATE, isFresh: false, isAfterGap: true })
  await clock.play(30)
  chain.adopt({ timestamp: START + LATE + 30, isFresh: true })
  await clock.play(PERIOD)
  const near = alerts.filter(({ code }) => code === 'sales/deadline-near')
  expect(near.map(({ cause }) => cause)).toEqual([expect.stringMatching(/slot 1 .* ends in 25 s$/)])
})

test('where it gives none since the start, the slots on record count, but not those of this period or that are over', async () => {
  const reservations = [
    held(1),
    held(2, { filledAt: START }),
    held(3, { validUntil: START + 1 }),
    held(4, { fill: 'sent' }),
  ]
  const { clock, alerts } = watching({ isDown: true, reservations, running: [] })
  await clock.play(PERIOD)
  expect(alerts).toMatchObject([{ code: 'sales/deadline-near', atStake: 200n }])
  expect(alerts[0]?.cause).toMatch(/slot 1 of 0xcdcdcdcd… is due/)
})

test('where the endpoint is behind, those count too that were filled and whose fill cannot be found', async () => {
  const reservations = [held(1), held(2, { fill: 'sent' })]
  const { clock, alerts } = watching({ isFrozen: true, reservations, running: [], filling: reservations })
  await clock.play(2 * PERIOD)
  expect(alerts.at(-1)).toMatchObject({ code: 'sales/deadline-near', atStake: 200n })
  expect(alerts.at(-1)?.cause).toMatch(/^The endpoint does not say whether a proof of slot 1 of 0xcdcdcdcd… is due/)
})

test('at a start it says which periods passed while the node did not run, and what that may cost', async () => {
  // Periods 46 to 49 passed; the second slot was filled in 47, the third ended with 46, the fourth was not ours.
  const reservations = [
    held(1),
    held(2, { filledAt: 47 * PERIOD + 1 }),
    held(3, { validUntil: 47 * PERIOD }),
    held(4, { fill: undefined }),
  ]
  const { begun, alerts } = watching({ reservations, watched: 45, due: [] })
  await begun
  expect(alerts).toMatchObject([{ code: 'sales/slept', atStake: (4n + 2n + 1n) * 200n }])
  expect(alerts[0]?.cause).toMatch(/^This node did not run: .* in the periods 46 to 49; .* marked 6 /)
  const first = watching({ reservations, due: [] })
  await first.begun
  const prompt = watching({ reservations, watched: 49, due: [] })
  await prompt.begun
  expect([first.alerts, prompt.alerts]).toEqual([[], []])
})

test('a period is noted as looked after once all its proofs are in the chain, or it is over', async () => {
  const { clock, written, prove } = watching({ due: [] })
  for (const index of [1, 2]) prove(index)
  expect(written()).toBeUndefined()
  prove(3)
  expect(written()).toBe(50)
  await clock.play(2 * PERIOD)
  expect(written()).toBe(51)
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

test('where the endpoint has stayed in an earlier period, that is told of, and the period is not noted as looked after', async () => {
  const { clock, alerts, written, prove } = watching({ isFrozen: true })
  for (const index of [1, 2, 3]) prove(index)
  await clock.play(PERIOD)
  expect([alerts, written()]).toEqual([[], 50])
  await clock.play(2 * PERIOD)
  expect(alerts).toMatchObject([{ atStake: 600n }, { code: 'sales/deadline-near', atStake: 600n }])
  expect(alerts[0]?.cause).toMatch(/^The endpoint does not say whether a proof/)
  expect(written()).toBe(50)
})
