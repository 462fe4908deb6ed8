// Validator: hears which slots are filled and marks proofs that a period asked for and nobody submitted. It owns no transaction: the market sends.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { mapBounded } from '../lib/mapbounded.ts'
import { Scope } from '../lib/scope.ts'
import type { Seconds } from '../lib/units.ts'
import type { Market } from '../market/market.ts'
import type { MarketEvent } from '../market/marketevent.ts'
import type { Period } from '../market/periodicity.ts'
import { Periodicity } from '../market/periodicity.ts'
import type { SlotId } from '../protocol/request.ts'
import type { ValidationGroup } from './validationgroup.ts'
import { checkGroup, isInGroup } from './validationgroup.ts'
import { WatchedSlots } from './watchedslots.ts'

export interface ValidatorSettings {
  /** Most slots watched; 0 for all of them. Default: {@link DEFAULT_MAX_SLOTS} */
  readonly maxSlots?: number
  /** The group to look after where several validators share the work; every slot by default. */
  readonly group?: ValidationGroup | undefined
}

export interface ValidatorParts {
  readonly market: Pick<
    Market,
    'host' | 'terms' | 'events' | 'blockAt' | 'slotDuties' | 'hostOf' | 'canMarkProofAsMissing' | 'markProofAsMissing'
  >
  /** The chain's. */
  readonly clock: Clock
  readonly log: Log
  /** Hears of each proof that it marked as missing. Must not throw. */
  readonly tell?: ((marked: { readonly slotId: SlotId; readonly period: Period }) => void) | undefined
}

export const DEFAULT_MAX_SLOTS = 1000
/** Slots asked about at once. */
const SLOTS_PER_READ = 500
const READS_AT_ONCE = 50
/** Each waits for its block: a host that goes takes many slots along, and a few blocks later the time to mark is over. */
const MARKS_AT_ONCE = 128
/** Between two looks whether the chain has come into a period, and two tries to hear its events. */
const RETRY_SECONDS: Seconds = 1
/** Until slots are asked about again for which there was no answer. */
const AGAIN_SECONDS: Seconds = 5
/** How often, in all, a period's end is waited for in the chain before its marks are tried all the same. */
const MAX_LOOKS = 30

/** One look at the slots, once the chain has left `period`. */
interface Looking extends AbortOptions {
  readonly period: Period
  /** Left. */
  looks: number
}

/** Marketplace reference §7.2. */
export class Validator {
  readonly #market: ValidatorParts['market']
  readonly #clock: Clock
  readonly #log: Log
  readonly #tell: ValidatorParts['tell']
  readonly #group: ValidationGroup | undefined
  readonly #slots: WatchedSlots
  readonly #periods: Periodicity
  #scope: Scope | undefined
  #isCrowded = false
  /** The period in which sifting made no room any more. */
  #siftedIn: Period | undefined

  /** @throws CodexError `validation/bad-group`, `validation/bad-max-slots` */
  constructor(
    { market, clock, log, tell }: ValidatorParts,
    { maxSlots = DEFAULT_MAX_SLOTS, group }: ValidatorSettings = {},
  ) {
    if (group !== undefined) checkGroup(group)
    this.#slots = new WatchedSlots(maxSlots)
    this.#market = market
    this.#clock = clock
    this.#log = log
    this.#tell = tell
    this.#group = group
    this.#periods = new Periodicity(market.terms.proofs.period)
  }

  /** Slots that are watched now. */
  get watched(): readonly SlotId[] {
    return this.#slots.watched
  }

  /** Hears of slots filled since the longest request may have begun, and of new ones; marks after every period until stopped. */
  async start({ signal }: AbortOptions): Promise<void> {
    if (this.#scope !== undefined) return
    const scope = new Scope({
      signal,
      report: (error, task) => this.#log.error('a task of the validator failed', { task, error }),
    })
    this.#scope = scope
    scope.spawn('hearing of slots', (inner) => this.#listen(inner))
    scope.spawn('marking missing proofs', (inner) => this.#markForEver(inner))
  }

  /** Settles when nothing of it runs any more; safe if it was never started. */
  async stop(): Promise<void> {
    await this.#scope?.close()
    this.#scope = undefined
  }

  async #listen(signal: AbortSignal): Promise<void> {
    let from: number | undefined
    for (;;) {
      try {
        from ??= await this.#market.blockAt(this.#clock.now() - this.#market.terms.requestDurationLimit, { signal })
        for await (const event of this.#market.events({ from, signal })) {
          // Heard again after a failure; hearing twice does no harm.
          from = Math.max(from, event.block)
          await this.#hear(event, signal)
        }
        return
      } catch (error) {
        signal.throwIfAborted()
        this.#log.warn('the events of the marketplace broke off; trying again', { error })
        await this.#clock.until(this.#clock.now() + RETRY_SECONDS, { signal })
      }
    }
  }

  async #hear(event: MarketEvent, signal: AbortSignal): Promise<void> {
    const happened = event.type === 'undone' ? event.event : event
    // Whichever way it turned, the next look at the slot's state decides: to be heard of is enough.
    if (happened.type !== 'SlotFilled' && happened.type !== 'SlotFreed') return
    if (this.#group !== undefined && !isInGroup(happened.slotId, this.#group)) return
    const isTaken = this.#slots.offer(happened.slotId) || (await this.#takesAfterSifting(happened.slotId, signal))
    if (!isTaken && !this.#isCrowded) this.#log.warn('more slots are filled than this validator can keep in mind')
    this.#isCrowded = !isTaken
  }

  /** Of what history tells of most is over: it must not keep out what is filled now. Once a period, for where that helps nothing it never will before. */
  async #takesAfterSifting(id: SlotId, signal: AbortSignal): Promise<boolean> {
    const period = this.#periods.periodOf(this.#clock.now())
    if (this.#siftedIn === period) return false
    const looking: Looking = { period: period - 1, looks: 1, signal }
    for (let left = this.#slots.waitingCount; left > 0; left -= SLOTS_PER_READ)
      await this.#look(this.#slots.waiting(Math.min(left, SLOTS_PER_READ)), looking)
    if (this.#slots.offer(id)) return true
    this.#siftedIn = period
    return false
  }

  async #markForEver(signal: AbortSignal): Promise<void> {
    let marked = this.#periods.periodOf(this.#clock.now()) - 1
    /** Slots about which the chain gave no answer, by their period. */
    const left = new Map<Period, readonly SlotId[]>()
    const mark = async (period: Period, ids: readonly SlotId[]): Promise<void> => {
      const failed = await this.#mark(period, ids, signal)
      if (failed.length > 0) left.set(period, failed)
      else left.delete(period)
    }
    for (;;) {
      const period = this.#periods.periodOf(this.#clock.now())
      const end = this.#periods.endOf(period) + 1
      const again = left.size > 0 ? this.#clock.now() + AGAIN_SECONDS : end
      await this.#clock.until(Math.min(again, end), { signal })
      for (const [due, ids] of left)
        if (due < this.#oldestMarkable()) left.delete(due)
        else await mark(due, ids)
      if (this.#clock.now() < end) continue
      await this.#sift(period, signal)
      // After a sleep several periods may wait; those whose time to be marked is over cost only reads, and are left out.
      for (let due = Math.max(marked + 1, this.#oldestMarkable()); due <= period; due++)
        await mark(due, this.#slots.watched)
      marked = period
    }
  }

  #oldestMarkable(): Period {
    return this.#periods.periodOf(this.#clock.now() - this.#market.terms.proofs.timeout) - 1
  }

  /** Drops slots that are no longer filled and takes in others, once the chain has left `period`. Failures are told; the next period tries again. */
  async #sift(period: Period, signal: AbortSignal): Promise<void> {
    try {
      const looking: Looking = { period, looks: MAX_LOOKS, signal }
      await this.#look(this.#slots.watched, looking)
      // Each once: one about which there is no answer, or that may be filled again, waits on.
      for (let left = this.#slots.waitingCount; left > 0 && this.#slots.hasRoom; left -= SLOTS_PER_READ)
        await this.#look(this.#slots.waiting(Math.min(left, SLOTS_PER_READ)), looking)
      // What has ended meanwhile must not take the places of what is heard of later.
      if (!this.#slots.hasRoom) await this.#look(this.#slots.waiting(SLOTS_PER_READ), looking)
    } catch (error) {
      signal.throwIfAborted()
      this.#log.warn('could not read the states of watched slots', { error })
    }
  }

  async #look(ids: readonly SlotId[], looking: Looking): Promise<void> {
    for (let from = 0; from < ids.length; from += SLOTS_PER_READ)
      for (const duty of await this.#readBehind(ids.slice(from, from + SLOTS_PER_READ), looking)) {
        const { slotId, state, period } = duty
        if (state === 'Filled') this.#slots.watch(slotId)
        // Seen by a block that may be older than what we heard of.
        else if (period <= looking.period) this.#slots.putOff(slotId)
        else if (state === 'Free' || state === 'Repair') this.#slots.vacant(slotId, period)
        else this.#slots.forget(slotId)
      }
  }

  /** As a block behind the period sees them: until there is one, nothing of that period can be marked. After so many looks, as whichever block does. */
  async #readBehind(ids: readonly SlotId[], looking: Looking): ReturnType<ValidatorParts['market']['slotDuties']> {
    const { period, signal } = looking
    for (;;) {
      const duties = await this.#market.slotDuties(ids, { signal })
      if (duties.every((duty) => duty.period > period)) return duties
      looking.looks--
      if (looking.looks <= 0) return duties
      await this.#clock.until(this.#clock.now() + RETRY_SECONDS, { signal })
    }
  }

  /** @returns those that could not be looked at, or not be marked */
  async #mark(period: Period, ids: readonly SlotId[], signal: AbortSignal): Promise<readonly SlotId[]> {
    const markable = await mapBounded(ids, READS_AT_ONCE, (id) =>
      this.#trying(id, signal, () => this.#market.canMarkProofAsMissing(id, period, { signal })),
    )
    const missing = ids.filter((_, i) => markable[i] === true)
    const marked = await mapBounded(missing, MARKS_AT_ONCE, (id) =>
      this.#trying(id, signal, async () => {
        // Our own: what is taken for it is more than what is given for telling of it, and perhaps nobody else does.
        if ((await this.#market.hostOf(id, { signal })) === this.#market.host) return true
        const outcome = await this.#market.markProofAsMissing(id, period, { signal })
        // Not by the block that was asked, which lags behind the one that said it could be marked.
        if (!outcome.done && outcome.why === 'period not over') return undefined
        if (outcome.done) {
          this.#log.info('marked a missing proof', { slotId: id, period })
          this.#tell?.({ slotId: id, period })
        } else if (outcome.why === 'too late')
          this.#log.warn('a missing proof could not be marked in time', { slotId: id, period, why: outcome.sentence })
        else this.#log.debug('a missing proof was not ours to mark', { slotId: id, period, why: outcome.why })
        return true
      }),
    )
    return [...ids.filter((_, i) => markable[i] === undefined), ...missing.filter((_, i) => marked[i] === undefined)]
  }

  /** One slot's failure is no reason to leave out the next. */
  async #trying<T>(slotId: SlotId, signal: AbortSignal, act: () => Promise<T>): Promise<T | undefined> {
    try {
      return await act()
    } catch (error) {
      signal.throwIfAborted()
      this.#log.warn('could not check the proof of a slot', { slotId, error })
      return undefined
    }
  }
}
