// Known bugs of others (field notes §7) that can be put into a simulated provider by name, to see that the simulation finds them. Each spoils
// one seam of the real node in the way in which the bug did.

import type { Clock } from '../../src/lib/clock.ts'
import { CodexError } from '../../src/lib/errors.ts'
import type { Market } from '../../src/market/market.ts'
import type { MarketEvent } from '../../src/market/marketevent.ts'
import { slotId } from '../../src/protocol/ids.ts'
import { LIVE_BLOCKS } from '../../src/sales/marketlistener.ts'
import type { Reservations } from '../../src/sales/reservations.ts'
import type { ReservationId } from '../../src/sales/reservation.ts'
import type { SlotWork } from '../../src/sales/slotwork.ts'
import type { RepoStore } from '../../src/storage/repostore.ts'
import { NEVER } from '../fakes/memorystore.ts'

export interface Plant {
  readonly happened: string
  readonly clock?: (clock: Clock) => Clock
  readonly reservations?: (reservations: Reservations, repo: RepoStore, clock: Clock) => Partial<Reservations>
  readonly market?: (market: Market, clock: Clock) => Partial<Market>
  readonly work?: (work: SlotWork) => Partial<SlotWork>
}

export const PLANTS: Readonly<Record<string, Plant>> = {
  T1: {
    happened: 'two sales took the same bytes',
    reservations: (real, repo) => ({
      reserveWithin: async (slot, tokens) => {
        const taken = await real.reserveWithin(slot, tokens)
        if (typeof taken !== 'string') await repo.release(taken.slotBytes)
        return taken
      },
    }),
  },
  T2: {
    happened: 'the clean-up of a cancelled sale left its bytes',
    reservations: (real) => ({
      settle: async (id, due) => (isBeforeFill(real, id) ? undefined : real.settle(id, due)),
    }),
  },
  T3: {
    happened: 'returned bytes were reserved twice',
    reservations: (real, repo) => ({
      settle: async (id, due) => {
        const settled = await real.settle(id, due)
        await repo.reserve(settled?.returnedBytes ?? 0).catch(() => undefined)
        return settled
      },
    }),
  },
  T4: {
    happened: 'failed sales kept what was reserved for blocks not yet downloaded',
    reservations: (real) => ({
      settle: async (id, due) => {
        const { size = 0, slotBytes = 0 } = real.reservation(id) ?? {}
        return size > 0 && size < slotBytes ? undefined : real.settle(id, due)
      },
    }),
  },
  T5: {
    happened: 'a failed download returned its bytes twice',
    reservations: (real, repo) => ({
      settle: async (id, due) => {
        const isFailed = isBeforeFill(real, id)
        const settled = await real.settle(id, due)
        if (isFailed) await repo.release(settled?.returnedBytes ?? 0).catch(() => undefined)
        return settled
      },
    }),
  },
  T6: {
    happened: 'the collateral was kept back when another host was quicker',
    reservations: (real) => ({ settle: async (id, due) => real.settle(id, due === 'all' ? 0n : due) }),
  },
  T7: {
    happened: 'total collateral was matched instead of what remains',
    reservations: (real) => ({
      find: (wanted) =>
        real
          .availabilities()
          .find((each) => each.enabled && wanted.slotSize * wanted.collateralPerByte <= each.totalCollateral),
      reserveWithin: async (slot) => {
        const fits = real
          .availabilities()
          .find((each) => each.enabled && slot.slotSize * slot.collateralPerByte <= each.totalCollateral)
        return fits === undefined ? 'no availability' : real.reserveFrom(fits.id, slot)
      },
    }),
  },
  T8: {
    happened: 'a restart forgot the slots',
    reservations: () => ({ reservations: () => [] }),
    market: () => ({ mySlots: async () => [] }),
  },
  T9: {
    happened: 'a finished slot counted as paid, and was never collected',
    market: (real) => ({
      slotState: async (id, options) => {
        const state = await real.slotState(id, options)
        return state === 'Finished' ? 'Paid' : state
      },
    }),
  },
  T12: {
    happened: 'a duration was used as the instant until which blocks live',
    reservations: (real) => ({ put: (id, blocks, slot) => real.put(id, blocks, { ...slot, expiry: 3600 }) }),
    work: () => ({ keepUntil: async () => undefined }),
  },
  T13: {
    happened: 'the clock was off against the chain’s',
    clock: (real) => ({
      now: () => real.now() - CLOCK_OFF_SECONDS,
      until: (time, options) => real.until(time + CLOCK_OFF_SECONDS, options),
    }),
  },
  T15: {
    happened: 'a worker was free only when its sale was over',
    market: (real, clock) => ({
      canReserveSlot: async (slot, options) => {
        for (;;) {
          if ((await real.mySlots(options)).length < WORKERS) return real.canReserveSlot(slot, options)
          await clock.until(clock.now() + 600, options)
        }
      },
    }),
  },
  T19: {
    happened: 'a slot was queued and never looked at',
    market: (real) => ({
      events: (options) => filtered(real.events(options), ({ type }) => type !== 'StorageRequested'),
    }),
  },
  T20: {
    happened: 'new terms woke nothing',
    reservations: () => ({ loosenings: ({ signal }) => silence(signal) }),
  },
  T21: {
    happened: 'a transaction that was not taken left a gap in the nonces, and nothing got through any more',
    market: (real) => {
      let hasGap = false
      return writes(real, async (write) => {
        if (hasGap) await forEver()
        try {
          return await write()
        } catch (error) {
          hasGap ||= CodexError.is(error, 'market/unreachable')
          throw error
        }
      })
    },
  },
  T22: {
    happened: 'two transactions at once had the same nonce: one of them was never mined',
    market: (real) => {
      let underWay = 0
      return writes(real, async (write) => {
        if (underWay > 0) await forEver()
        underWay++
        try {
          return await write()
        } finally {
          underWay--
        }
      })
    },
  },
  T23: {
    happened: 'the last slot of a request took more gas than estimated',
    market: (real) => ({
      fillSlot: async (slot, proof, options) => {
        const { ask } = (await real.request(slot.requestId, options)) ?? {}
        let open = 0
        for (let index = 0; index < Number(ask?.slots ?? 0); index++)
          if ((await real.slotState(slotId(slot.requestId, index), options)) === 'Free') open++
        if (open === 1) throw new CodexError('market/out-of-gas', 'fillSlot: the gas did not suffice')
        return real.fillSlot(slot, proof, options)
      },
    }),
  },
  T24: {
    happened: 'parallel fills overwrote each other’s allowance, and the loser took its own for granted',
    market: (real) => {
      let filling = 0
      const robbed = new Set<string>()
      return {
        fillSlot: async (slot, proof, options) => {
          const name = `${slot.requestId}/${slot.slotIndex}`
          filling++
          try {
            if (filling > 1) robbed.add(name)
            if (robbed.has(name))
              throw new CodexError('market/insufficient-allowance', 'fillSlot: the allowance is too small')
            return await real.fillSlot(slot, proof, options)
          } finally {
            filling--
          }
        },
      }
    },
  },
  T27: {
    happened: 'an event that came twice ended the subscription',
    market: (real) => {
      const seen = new Set<string>()
      return {
        events: (options) =>
          filtered(real.events(options), ({ type, blockHash, logIndex }) => {
            const name = `${type}/${blockHash}/${logIndex}`
            const isDead = seen.has('dead') || seen.has(name)
            seen.add(isDead ? 'dead' : name)
            return !isDead
          }),
      }
    },
  },
  T29: {
    happened: 'a stop waited for something that does not end',
    market: (real) => ({ events: ({ from }) => real.events({ from, signal: NEVER }) }),
  },
  S1: {
    happened: 'one failed question ended the proofs of a slot until the next start',
    market: (real) => {
      const dead = new Set<string>()
      return {
        slotDuties: async (ids, options) => {
          if (dead.has(ids.join())) await forEver()
          try {
            return await real.slotDuties(ids, options)
          } catch (error) {
            dead.add(ids.join())
            throw error
          }
        },
      }
    },
  },
  S2: {
    happened: 'after a restart a sale had no reservation, and its end returned nothing',
    reservations: (real) => {
      const old = new Set(real.reservations().map(({ id }) => id))
      return { settle: async (id, due) => (old.has(id) ? undefined : real.settle(id, due)) }
    },
  },
  S3: {
    happened: 'bytes were set aside in one write and the slot noted in another: a crash in between lost them',
    reservations: (real, repo, clock) => ({
      reserveWithin: async (slot, tokens) => {
        const bytes = Number(slot.slotSize)
        await repo.reserve(bytes)
        await clock.until(clock.now() + SLOW_WRITE_SECONDS, { signal: NEVER })
        await repo.release(bytes)
        return real.reserveWithin(slot, tokens)
      },
    }),
  },
  S4: {
    happened: 'collateral was returned without looking at what the contract had taken',
    reservations: (real) => ({ settle: (id) => real.settle(id, 'all') }),
  },
  S5: {
    happened: 'written bytes were released outside the lock, and again',
    reservations: (real, repo) => ({
      put: async (id, blocks, slot) => {
        const outcomes = await real.put(id, blocks, slot)
        if (blocks.length > 1) await repo.release(1).catch(() => undefined)
        return outcomes
      },
    }),
  },
  S10: {
    happened: 'requests that were open at the start were never looked for',
    market: (real, clock) => {
      let isStarting = true
      return {
        blockAt: (_, options) => real.blockAt(clock.now(), options),
        events: ({ from, ...options }) => {
          // Nor those of the blocks that are heard again for the sake of reorganisations.
          const first = isStarting ? from + LIVE_BLOCKS : from
          isStarting = false
          return real.events({ ...options, from: first })
        },
      }
    },
  },
  S12: {
    happened: 'the data of ended slots was not removed',
    reservations: (real, repo) => ({
      put: async (id, blocks, slot) => {
        const outcomes = await real.put(id, blocks, slot)
        const [listId, taken] = await repo.book(async (look) => ({
          reserve: 0,
          changes: [],
          result: await look.newList(),
        }))
        await repo.putMany(blocks, { leaves: { treeId: listId, indices: slot.indices }, also: async () => [taken] })
        return outcomes
      },
    }),
  },
  S13: {
    happened: 'a proof had no deadline, and one that hung ended all that would have followed',
    work: (real) => {
      let hangs = false
      return {
        prove: async (slot, challenge, options) => {
          if (hangs && options.rank === 'duty') await forEver()
          try {
            return await real.prove(slot, challenge, options)
          } catch (error) {
            hangs = true
            throw error
          }
        },
      }
    },
  },
}

const CLOCK_OFF_SECONDS = 400
const SLOW_WRITE_SECONDS = 60
const WORKERS = 3

/** The real one with some of its verbs spoiled. */
export function spoiled<T extends object>(real: T, changes: Partial<T> | undefined): T {
  if (changes === undefined) return real
  return new Proxy(real, {
    get: (target, name) => {
      const changed: unknown = Reflect.get(changes, name)
      if (changed !== undefined) return changed
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

function isBeforeFill(reservations: Reservations, id: ReservationId): boolean {
  return reservations.reservation(id)?.fill === undefined
}

const WRITES = ['reserveSlot', 'fillSlot', 'submitProof', 'collect'] as const

function writes(real: Market, around: <T>(write: () => Promise<T>) => Promise<T>): Partial<Market> {
  const spoil = (verb: (typeof WRITES)[number]) => {
    const write = real[verb].bind(real) as (...args: unknown[]) => Promise<unknown>
    return [verb, (...args: unknown[]) => around(() => write(...args))]
  }
  return Object.fromEntries(WRITES.map(spoil)) as Partial<Market>
}

async function* filtered(
  events: AsyncIterable<MarketEvent>,
  isHeard: (event: MarketEvent) => boolean,
): AsyncGenerator<MarketEvent, void, void> {
  for await (const event of events) if (isHeard(event)) yield event
}

async function* silence(signal: AbortSignal): AsyncGenerator<void, never> {
  await new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
  return forEver()
}

function forEver(): Promise<never> {
  return new Promise(() => undefined)
}
