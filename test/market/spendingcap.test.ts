// What the daily cap says it leaves: to duties all of it, to anything else four fifths, and at what pace duties take it.

import { expect, it } from 'vitest'
import type { JournalEntry } from '../../src/market/sendjournal.ts'
import { SendJournal } from '../../src/market/sendjournal.ts'
import { SpendingCap } from '../../src/market/spendingcap.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'

const HOUR = 3600
const START = 1000 * HOUR
const NO_LANDING = { nonce: 1, verb: 'submitProof', attempts: [], end: 'mined' } as unknown as JournalEntry

async function capped() {
  const time = { now: START }
  const datastore = new MemoryDatastore()
  const journal = new SendJournal(datastore, 'account')
  await journal.load()
  const heads = { latest: { timestamp: START + 100 * HOUR } } as ConstructorParameters<typeof SpendingCap>[0]['heads']
  const clock = { now: () => time.now, until: async () => undefined }
  return {
    time,
    datastore,
    cap: new SpendingCap({ journal, clock, heads }, 1000n),
    spend: (wei: bigint, isDuty: boolean) => journal.writeEnd({ ...NO_LANDING, isDuty }, wei, time.now),
  }
}

it('tells what it refused for as long as it would refuse it again', async () => {
  const { time, cap, spend } = await capped()
  expect(cap.state([])).toEqual({
    ...{ capWei: 1000n, takenWei: 0n, laterWei: new Array<bigint>(24).fill(0n) },
    ...{ dutiesPerDayWei: 0n, refused: undefined },
  })
  await spend(790n, false)
  expect(() => cap.check(20n, false, [])).toThrow('exceed the cap of 800')
  expect(cap.state([]).refused).toBe('act')
  cap.check(20n, true, [])
  await spend(200n, true)
  expect(() => cap.check(20n, true, [])).toThrow('exceed the cap of 1000')
  expect(cap.state([])).toMatchObject({ takenWei: 990n, refused: 'duty' })
  // Asked for less it says yes, and a day later to everything.
  cap.check(5n, true, [])
  expect(cap.state([]).refused).toBe('act')
  time.now += 25 * HOUR
  expect(cap.state([])).toMatchObject({ takenWei: 0n, refused: undefined })
})

it('knows the pace of duties, over a restart too', async () => {
  const { time, cap, spend, datastore } = await capped()
  await spend(500n, false)
  await spend(10n, true)
  // Of the first hour nothing is made larger than it was in the whole of it.
  expect(cap.state([]).dutiesPerDayWei).toBe(240n)
  time.now += 2 * HOUR
  await spend(30n, true)
  expect(cap.state([]).dutiesPerDayWei).toBe(480n)
  const again = new SendJournal(datastore, 'account')
  await again.load()
  expect([again.spent(time.now), again.dutyPace(time.now)]).toEqual([540n, 480n])
  time.now += 7 * HOUR
  expect(cap.state([]).dutiesPerDayWei).toBe(0n)
})

it('knows what of it still counts in each hour to come', async () => {
  const { time, cap, spend } = await capped()
  await spend(5n, false)
  time.now += 20 * HOUR
  await spend(7n, true)
  const { laterWei } = cap.state([])
  expect([laterWei.length, ...laterWei.slice(2, 5)]).toEqual([24, 12n, 12n, 7n])
})
