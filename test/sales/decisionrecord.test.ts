import { expect, it } from 'vitest'
import { Log, type LogRecord } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { type Decision, DecisionLog, MAX_DECISIONS } from '../../src/sales/decisionlog.ts'
import { DecisionRecord } from '../../src/sales/decisionrecord.ts'
import type { Change } from '../../src/storage/datastore.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { textKey } from '../../src/storage/storagekey.ts'
import { NEVER } from '../fakes/memorystore.ts'
import { requestIdOf } from '../fakes/salesparts.ts'

const PREFIX = textKey('meta/sales/decisions/')

function decision(number: number): Decision {
  const slotIndex = number % 2 === 0 ? undefined : number
  return { at: number, requestId: requestIdOf(number), slotIndex, verdict: 'ignored', reasons: [`rule ${number}`] }
}

async function opened(datastore: MemoryDatastore) {
  const clock = new ManualClock()
  const logged: LogRecord[] = []
  const log = new Log({ clock, levels: new LogLevels('trace'), sinks: [(record) => logged.push(record)] })
  const decisions = new DecisionLog()
  const record = await DecisionRecord.open({ datastore, decisions, clock, log }, { signal: NEVER })
  return { record, decisions, clock, logged }
}

async function keysOf(datastore: MemoryDatastore): Promise<Uint8Array[]> {
  const keys: Uint8Array[] = []
  for await (const [key] of datastore.entries(PREFIX, { signal: NEVER })) keys.push(key)
  return keys
}

it('holds the latest decisions of all runs, in their order, in few records', async () => {
  const datastore = new MemoryDatastore()
  const all: Decision[] = []
  for (const count of [1, 99, 3, 250, 0, 1200, 7, 640]) {
    const { record, decisions } = await opened(datastore)
    expect(decisions.latest(MAX_DECISIONS)).toEqual(all.slice(-decisions.latest(MAX_DECISIONS).length).reverse())
    for (let more = 0; more < count; more++) {
      const made = decision(all.length)
      all.push(made)
      decisions.add(made)
      if (more % 37 === 0) await record.write()
    }
    await record.write()
  }
  const { decisions } = await opened(datastore)
  expect(decisions.latest(MAX_DECISIONS)).toEqual(all.slice(-MAX_DECISIONS).reverse())
  expect((await keysOf(datastore)).length).toBeLessThanOrEqual(11)
})

it('is written every minute, and what could not be written is written with the next', async () => {
  const datastore = new MemoryDatastore()
  const { record, decisions, clock, logged } = await opened(datastore)
  const ending = new AbortController()
  const writing = record.writeForEver({ signal: ending.signal })
  const commit = datastore.commit.bind(datastore)
  datastore.commit = () => Promise.reject(new Error('no room'))
  decisions.add(decision(1))
  await clock.play(60)
  expect(logged.map(({ level }) => level)).toEqual(['warn'])
  datastore.commit = (changes: readonly Change[]) => commit(changes)
  decisions.add(decision(2))
  await clock.play(60)
  ending.abort(new Error('the end'))
  await expect(writing).rejects.toThrow('the end')
  expect((await opened(datastore)).decisions.latest(5)).toEqual([decision(2), decision(1)])
})

it('tells of a damaged record, and reads the others', async () => {
  const datastore = new MemoryDatastore()
  const { record, decisions } = await opened(datastore)
  for (let number = 0; number < 150; number++) decisions.add(decision(number))
  await record.write()
  const [first] = await keysOf(datastore)
  await datastore.commit([{ put: first ?? PREFIX, value: Uint8Array.of(1, 2, 3, 4, 5, 6) }])
  const again = await opened(datastore)
  expect(again.decisions.latest(MAX_DECISIONS).length).toBe(50)
  expect(again.logged.length).toBe(1)
  again.decisions.add(decision(150))
  await again.record.write()
  expect((await opened(datastore)).decisions.latest(1)).toEqual([decision(150)])
})
