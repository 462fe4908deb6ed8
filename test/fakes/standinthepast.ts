// An endpoint whose newest block is one of long ago, for a market of a fake chain: a replica that catches up, a snapshot that was restored. Of the
// past it knows what stood there before a slot was asked for.

import type { Seconds } from '../../src/lib/units.ts'
import type { Market } from '../../src/market/market.ts'
import { revertError } from '../../src/market/reverts.ts'
import type { SlotId } from '../../src/protocol/request.ts'
import type { FakeMarket } from './fakemarket.ts'

type Answers = Partial<{ [Verb in keyof Market]: Market[Verb] }>

/** Of a slot and its request, nothing is known while `isPast` says so, and of no block after `newest`. */
export function standInThePast(market: FakeMarket, newest: number, isPast: () => boolean): void {
  const real = { blockAt: market.blockAt.bind(market), pastEvents: market.pastEvents.bind(market) }
  const past: Answers = {
    request: async () => undefined,
    requestState: async () => undefined,
    requestEnd: async () => undefined,
    requestExpiry: async () => undefined,
    slotState: async () => 'Free',
    slotCollateral: async () => undefined,
    activeSlot: async () => undefined,
    hostOf: async () => undefined,
    currentCollateral: async () => 0n,
    missingProofs: async () => 0,
    mySlots: async () => [],
    canReserveSlot: async () => false,
    hasReservedSlot: async () => false,
    blockAt: async (time, options) => Math.min(newest, await real.blockAt(time, options)),
    pastEvents: ({ from, to = newest, signal }) => real.pastEvents({ from, to: Math.min(to, newest), signal }),
    slotDuties: async (ids: readonly SlotId[]) =>
      ids.map((slotId) => ({ slotId, state: 'Free', period: 0, duty: undefined })),
    fillSlot: async () => {
      throw revertError('fillSlot', undefined, 'Marketplace_UnknownRequest')
    },
  }
  for (const [verb, answer] of Object.entries(past)) {
    const now = (Reflect.get(market, verb) as (...args: unknown[]) => unknown).bind(market)
    const then = answer as (...args: unknown[]) => unknown
    Reflect.set(market, verb, (...args: unknown[]) => (isPast() ? then(...args) : now(...args)))
  }
}

/** For so many seconds from now on. */
export function forSeconds(clock: { now(): Seconds }, seconds: Seconds): () => boolean {
  const end = clock.now() + seconds
  return () => clock.now() < end
}
