// What was told before the node listened: heard the newest first, without what is over since.

import { expect, test } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import type { ContractEvent } from '../../src/market/marketevent.ts'
import { MAX_REQUESTS, PastOffers, type PastOffersParts } from '../../src/sales/pastoffers.ts'
import vectors from '../vectors/marketplace.json' with { type: 'json' }

const never = { signal: new AbortController().signal }
const idOf = (request: number) => `0x${String(request).repeat(64)}`

function event(block: number, type: ContractEvent['type'], request: number, slotIndex = 0): ContractEvent {
  const place = { block, blockHash: `0x${block}`, logIndex: 0 }
  return { ...place, type, requestId: idOf(request), slotIndex } as unknown as ContractEvent
}

/** @param begin of what the endpoint keeps */
function reading(events: readonly ContractEvent[], begin = 0) {
  const clock = new ManualClock(10_000_000)
  const told: string[] = []
  const ranges: [number, number][] = []
  const market = {
    terms: vectors.meta.configs.example,
    blockAt: async () => 1000,
    async *pastEvents({ from, to }: { from: number; to: number }) {
      if (from < begin) throw new CodexError('market/history-missing', 'pruned', { detail: { block: from, begin } })
      ranges.push([from, to])
      yield* events.filter(({ block }) => block >= from && block <= to)
    },
  } as unknown as PastOffersParts['market']
  const past = new PastOffers({
    ...{ market, clock, log: new Log({ clock, levels: new LogLevels('off'), sinks: [] }) },
    asked: async ({ requestId }, { filled, full }) =>
      void told.push(`${requestId[2]}: filled ${filled.join()}, full ${full.join()}`),
    freed: async ({ requestId, slotIndex }) => void told.push(`${requestId[2]}: freed ${slotIndex}`),
  })
  return { past, told, ranges }
}

test('it is read backwards, and of each slot the last word counts', async () => {
  const { past, told, ranges } = reading([
    event(999, 'StorageRequested', 9),
    event(1000, 'StorageRequested', 1),
    event(1001, 'SlotFilled', 1, 0),
    event(1001, 'SlotReservationsFull', 1, 1),
    event(2000, 'SlotFreed', 1, 0),
    event(3000, 'SlotFilled', 1, 2),
    event(4000, 'StorageRequested', 2),
    event(4001, 'RequestFulfilled', 2),
    event(4002, 'SlotFreed', 2, 5),
    event(9000, 'SlotFreed', 3, 1),
    event(9001, 'StorageRequested', 4),
  ])
  // Told meanwhile.
  past.note(event(12_000, 'SlotFilled', 4, 7))
  past.note(event(12_001, 'RequestFailed', 3))
  await past.read(11_999, never)
  expect(told).toEqual(['4: filled 7, full ', '2: freed 5', '1: freed 0', '1: filled 2, full 1'])
  expect(ranges).toEqual([
    [7000, 11_999],
    [2000, 6999],
    [1000, 1999],
  ])
})

test('it ends where the endpoint has no more', async () => {
  const { past, told, ranges } = reading(
    [event(2500, 'StorageRequested', 1), event(8000, 'StorageRequested', 2), event(3500, 'StorageRequested', 3)],
    3000,
  )
  await past.read(9999, never)
  expect(ranges).toEqual([
    [5000, 9999],
    [3000, 4999],
  ])
  expect(told.map(([request]) => request)).toEqual(['2', '3'])
})

test('while it cannot be read, what is told meanwhile is kept of so many requests only', async () => {
  const { past, told } = reading([event(1000, 'StorageRequested', 1), event(1001, 'StorageRequested', 2)])
  const other = (i: number) =>
    ({ ...event(20_000, 'SlotFilled', 3), requestId: `0x${i.toString(16).padStart(64, '0')}` }) as ContractEvent
  past.note(event(20_000, 'SlotFilled', 1, 5))
  for (let i = 0; i < MAX_REQUESTS - 1; i++) past.note(other(i))
  past.note(event(20_001, 'SlotFilled', 2, 6))
  await past.read(11_999, never)
  // The first one told was forgotten, and is asked of the chain as one that nothing was heard of.
  expect(told).toEqual(['2: filled 6, full ', '1: filled , full '])
})
