// What a bad disk does to the records by which a key's transactions go on: one flipped bit is put right, anything worse is told, and the node starts.

import { describe, expect, it } from 'vitest'
import { KEYSTORE_KEY, keystoreRecord } from '../../src/market/keystorerecord.ts'
import type { JournalEntry } from '../../src/market/sendjournal.ts'
import { SendJournal } from '../../src/market/sendjournal.ts'
import type { LogRecord } from '../../src/lib/log.ts'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { joinKey } from '../../src/storage/storagekey.ts'
import type { Datastore, Key } from '../../src/storage/datastore.ts'
import { NEVER } from '../fakes/memorystore.ts'

const NOW = 7_200_000
const CHAIN = { chainId: 1, genesis: `0x${'1'.repeat(64)}`, address: '0xa' } as const
const ACCOUNT = `${CHAIN.chainId}-${CHAIN.address}`

function entry(nonce: number): JournalEntry {
  return {
    ...{ nonce, verb: 'submitProof', key: `proof-${nonce}`, requestId: undefined, slotId: undefined },
    ...{ validUntil: undefined, isDuty: true, attempts: [], end: undefined, landed: undefined },
  }
}

async function setup() {
  const datastore = new MemoryDatastore()
  const records: LogRecord[] = []
  const sinks = [(record: LogRecord): unknown => records.push(record)]
  const log = new Log({ clock: new ManualClock(NOW), levels: new LogLevels('warn'), sinks })
  const open = (genesis: string | undefined = CHAIN.genesis) => SendJournal.of(datastore, { ...CHAIN, genesis }, log)
  const journal = await open()
  await journal.load()
  await journal.write(entry(0))
  await journal.writeEnd({ ...entry(1), end: 'mined' }, 77n, NOW)
  await journal.writeGrantedBefore(500n)
  return { datastore, records, open }
}

/** Flips `bits` bits of each record below `prefix`. @returns how many records there are */
async function damage(datastore: Datastore, prefix: string, bits: 1 | 3): Promise<number> {
  const keys: Key[] = []
  for await (const [key, value] of datastore.entries(joinKey(prefix), { signal: NEVER })) {
    const flipped = value.map((byte, at) => (at > 1 && at < 2 + bits ? byte ^ 4 : byte))
    await datastore.commit([{ put: key, value: flipped }])
    keys.push(key)
  }
  return keys.length
}

describe('one flipped bit in each record', () => {
  it('changes nothing', async () => {
    const { datastore, records, open } = await setup()
    expect(await damage(datastore, 'meta/market/', 1)).toBe(5)
    const journal = await open(undefined)
    const { entries, damaged, spendingDamage } = await journal.load()
    expect([entries.map(({ nonce }) => nonce), damaged, spendingDamage]).toEqual([[0, 1], [], undefined])
    expect([journal.spent(NOW), await journal.grantedBefore()]).toEqual([77n, 500n])
    expect(records).toEqual([])
  })

  it('costs no key of a tab', async () => {
    const datastore = new MemoryDatastore()
    const json = JSON.stringify({ version: 3, crypto: 'c'.repeat(500) })
    await keystoreRecord(datastore).write(json)
    const record = (await datastore.get(KEYSTORE_KEY)) as Uint8Array
    for (let bit = 0; bit < record.length * 8; bit += 13) {
      const flipped = record.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
      await datastore.commit([{ put: KEYSTORE_KEY, value: flipped }])
      expect(await keystoreRecord(datastore).read()).toBe(json)
    }
  })
})

describe('more than a bit', () => {
  it.each([
    ['intents', 2, 0, false],
    ['spending', 0, 2, true],
  ] as const)('of %s is told, and the rest is read', async (name, damagedCount, entryCount, isSpendingLost) => {
    const { datastore, open } = await setup()
    await damage(datastore, `meta/market/${name}/`, 3)
    const journal = await open()
    const { entries, damaged, spendingDamage } = await journal.load()
    expect([entries.length, damaged.length]).toEqual([entryCount, damagedCount])
    for (const error of damaged) expect(error.code).toBe('store/corrupted-record')
    expect(spendingDamage?.code).toBe(isSpendingLost ? 'store/corrupted-record' : undefined)
    expect(journal.spent(NOW)).toBe(isSpendingLost ? 0n : 77n)
    await journal.writeEnd({ ...entry(2), end: 'mined' }, 5n, NOW)
    const again = await open()
    expect(await again.load()).toMatchObject({ spendingDamage: undefined })
    expect(again.spent(NOW)).toBe(isSpendingLost ? 5n : 82n)
  })

  it('of which chain it was is told, and the chain that answers is taken', async () => {
    const { datastore, records, open } = await setup()
    await damage(datastore, `meta/market/genesis/${ACCOUNT}`, 3)
    expect((await (await open()).load()).entries).toHaveLength(2)
    expect(records.map(({ level, message }) => [level, message.slice(0, 11)])).toEqual([['error', 'which chain']])
    await open()
    expect(records).toHaveLength(1)
  })

  it('of what was granted before us leaves all alone that is granted by now', async () => {
    const { datastore, open } = await setup()
    await damage(datastore, 'meta/market/allowance/', 3)
    const journal = await open()
    expect(await journal.grantedBefore()).toBeUndefined()
    await journal.writeGrantedBefore(900n)
    expect(await journal.grantedBefore()).toBe(900n)
  })
})
