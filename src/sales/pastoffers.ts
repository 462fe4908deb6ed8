// What was told before the node listened: looked up backwards, the newest first, while what is told now is heard already. Most of it is over by now.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import { RETRY_SECONDS } from '../lib/insist.ts'
import type { Log } from '../lib/log.ts'
import type { Seconds } from '../lib/units.ts'
import type { Market, Slot } from '../market/market.ts'
import type { ContractEvent, MarketEvent } from '../market/marketevent.ts'
import type { RequestId } from '../protocol/request.ts'
import type { Offered } from './openrequests.ts'

export interface PastOffersParts {
  readonly market: Pick<Market, 'terms' | 'blockAt' | 'pastEvents'>
  /** The chain's. */
  readonly clock: Clock
  readonly log: Log
  /** Asked for, and not over. @param filled indices of its slots that have a host since @param full of those whose places are all taken */
  readonly asked: (
    event: Offered,
    told: { readonly filled: readonly number[]; readonly full: readonly number[] },
    options: AbortOptions,
  ) => Promise<void>
  /** Lost by its host, and not filled since. */
  readonly freed: (slot: Slot) => Promise<void>
}

/** How far back requests that are still open are looked for: none of ours can be older. */
const MAX_PAST_SECONDS: Seconds = 30 * 24 * 3600
/** Blocks whose events are held at once. */
const BLOCKS_AT_ONCE = 5_000

/** Requests of which something is known at once. Of those before them the chain is asked when they are looked at, as of any other. */
export const MAX_REQUESTS = 10_000

/** What was told last of a slot. */
type Told = 'filled' | 'full' | 'free'

export class PastOffers {
  readonly #parts: PastOffersParts
  /** Until all was looked up. */
  readonly #slots = new Map<RequestId, Map<number, Told>>()
  readonly #ended = new Set<RequestId>()
  readonly #fulfilled = new Set<RequestId>()
  #isRead = false

  constructor(parts: PastOffersParts) {
    this.#parts = parts
  }

  /** What is told now says more than anything of the past. */
  note(event: MarketEvent): void {
    if (this.#isRead) return
    this.#note(event, true)
    this.#trim()
  }

  /** Blocks up to `to`, as far back as something may still be open, and as the endpoint knows. Rejects with the signal's reason only. */
  async read(to: number, { signal }: AbortOptions): Promise<void> {
    const { market, clock, log } = this.#parts
    let first: number | undefined
    for (let last = to; last >= 0;)
      try {
        const since = clock.now() - Math.min(market.terms.requestDurationLimit, MAX_PAST_SECONDS)
        first ??= await market.blockAt(since, { signal })
        if (last < first) break
        const from = Math.max(first, last - BLOCKS_AT_ONCE + 1)
        const events: ContractEvent[] = []
        for await (const event of market.pastEvents({ from, to: last, signal })) events.push(event)
        for (const event of events.reverse()) await this.#hear(event, { signal })
        last = from - 1
      } catch (error) {
        signal.throwIfAborted()
        const begin = CodexError.is(error, 'market/history-missing') ? error.detail['begin'] : undefined
        if (typeof begin === 'number' && begin > (first ?? 0)) first = begin
        else {
          log.warn('the past events of the marketplace could not be read; trying again', { error })
          await clock.until(clock.now() + RETRY_SECONDS, { signal })
        }
      }
    this.#isRead = true
    this.#slots.clear()
    this.#ended.clear()
    this.#fulfilled.clear()
  }

  async #hear(event: ContractEvent, options: AbortOptions): Promise<void> {
    const { asked, freed } = this.#parts
    if (event.type === 'StorageRequested') {
      const { requestId } = event
      if (this.#ended.has(requestId) || this.#fulfilled.has(requestId)) return
      const slots = [...(this.#slots.get(requestId) ?? [])]
      const those = (told: Told) => slots.filter(([, one]) => one === told).map(([index]) => index)
      return asked(event, { filled: those('filled'), full: those('full') }, options)
    }
    const isNews = event.type === 'SlotFreed' && !this.#has(event) && !this.#ended.has(event.requestId)
    this.#note(event, false)
    this.#trim()
    if (isNews) await freed(event)
  }

  /** Reading may take as long as an endpoint refuses it, and others make events all the time. */
  #trim(): void {
    for (const known of [this.#slots, this.#ended, this.#fulfilled])
      for (const first of known.keys()) {
        if (known.size <= MAX_REQUESTS) break
        known.delete(first)
      }
  }

  #forget(requestId: RequestId): void {
    this.#slots.delete(requestId)
    this.#ended.delete(requestId)
    this.#fulfilled.delete(requestId)
  }

  #has({ requestId, slotIndex }: Slot): boolean {
    return this.#slots.get(requestId)?.has(slotIndex) === true
  }

  #note(event: MarketEvent, isNewest: boolean): void {
    switch (event.type) {
      case 'undone':
        // Whatever it was, it says nothing any more, and what was before it is not known here.
        if ('requestId' in event.event) this.#forget(event.event.requestId)
        return
      case 'RequestFulfilled':
        this.#fulfilled.add(event.requestId)
        return
      case 'RequestFailed':
      case 'RequestCancelled':
        this.#ended.add(event.requestId)
        return
      case 'SlotFilled':
      case 'SlotReservationsFull':
      case 'SlotFreed': {
        if (!isNewest && this.#has(event)) return
        const slots = this.#slots.get(event.requestId) ?? new Map<number, Told>()
        const told = event.type === 'SlotFilled' ? 'filled' : event.type === 'SlotFreed' ? 'free' : 'full'
        this.#slots.set(event.requestId, slots.set(event.slotIndex, told))
        return
      }
      case 'StorageRequested':
      case 'ProofSubmitted':
        return
    }
  }
}
