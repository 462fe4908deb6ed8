// What the chain tells, for selling: new slots go into the queue, what is filled or over leaves it, and the sales it concerns look again. It
// takes nothing: the queue's workers do.

import type { AbortOptions } from '../lib/abort.ts'
import { Bell } from '../lib/bell.ts'
import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import { RETRY_SECONDS } from '../lib/insist.ts'
import type { Log } from '../lib/log.ts'
import { nextTask } from '../lib/nexttask.ts'
import type { Seconds } from '../lib/units.ts'
import type { Address, Market, Slot } from '../market/market.ts'
import type { MarketEvent } from '../market/marketevent.ts'
import type { RequestId } from '../protocol/request.ts'
import { FreedSlots } from './freedslots.ts'
import { type Offered, type OpenRequests, wantedOf } from './openrequests.ts'
import { PastOffers } from './pastoffers.ts'
import type { Reservations } from './reservations.ts'
import type { SaleTeller } from './saleteller.ts'
import type { OfferOutcome, SlotQueue } from './slotqueue.ts'
import type { SlotQueueItem } from './slotqueueitem.ts'

export interface MarketListenerParts {
  readonly market: Market
  /** The chain's. */
  readonly clock: Clock
  readonly reservations: Pick<Reservations, 'loosenings' | 'find'>
  readonly queue: SlotQueue
  readonly open: OpenRequests
  readonly teller: SaleTeller
  readonly log: Log
  /** Something happened to the slot, or to any slot of the request: the sales of it look at the chain. */
  readonly poke: (requestId: RequestId, slotIndex?: number) => void
  /** Hears who asks, as soon as that is known. */
  readonly knowClient: (requestId: RequestId, client: Address) => void
}

/** Before the newest block at the start: those that a reorganisation may still take back are followed. */
export const LIVE_BLOCKS = 64
/** Slots put into the queue, and events heard, between two turns of the event loop. */
const SLOTS_PER_TASK = 1024
const EVENTS_PER_TASK = 32
/** Between two offers of what found no room: each may have the chain asked about a queue of slots. */
const SQUEEZED_SECONDS: Seconds = 60

export class MarketListener {
  readonly #parts: MarketListenerParts
  readonly #freed: FreedSlots
  readonly #past: PastOffers
  /** Rings when something was put into the queue. */
  readonly #queued = new Bell()
  /** Since the last turn of the event loop. */
  #offered = 0
  #heard = 0

  constructor(parts: MarketListenerParts) {
    this.#parts = parts
    this.#freed = new FreedSlots({ ...parts, offer: (item, why) => this.#offerFreed(item, why) })
    this.#past = new PastOffers({
      ...parts,
      asked: (event, told, { signal }) => this.#offerPast(event, told, signal),
      freed: (slot) => {
        this.#isFree(slot)
        return this.#rest()
      },
    })
  }

  /** Looks up what hosts lost. Rejects with the signal's reason only. */
  lookUpFreed({ signal }: AbortOptions): Promise<void> {
    return this.#freed.lookUp({ signal })
  }

  /**
   * What better slots took the room of is offered again when everything better was looked at and left: slots that only look good must not keep the
   * others out until they expire. Rejects with the signal's reason only.
   */
  async offerSqueezed({ signal }: AbortOptions): Promise<void> {
    const { clock, queue, open } = this.#parts
    for await (const _ of queue.listen({ signal })) {
      for (const event of open.takeSqueezed(clock.now())) {
        // What does not match now is offered again with the next change of terms.
        if (this.#matches(event)) this.#offer(event)
        await this.#rest()
      }
      await clock.until(clock.now() + SQUEEZED_SECONDS, { signal })
    }
  }

  /**
   * Hears what is told from now on, and beside it what was told since the oldest request that may still be open, the newest first: who reads history
   * for hours must not be deaf meanwhile. Rejects with the signal's reason only.
   */
  async hearMarket({ signal }: AbortOptions): Promise<void> {
    const newest = await this.#insist(() => this.#parts.market.blockAt(Infinity, { signal }), signal)
    const from = Math.max(0, newest - LIVE_BLOCKS)
    const ends = [this.#hearFrom(from, { signal }), this.#past.read(from - 1, { signal })]
    for (const end of await Promise.allSettled(ends)) if (end.status === 'rejected') throw end.reason as Error
  }

  async #hearFrom(first: number, { signal }: AbortOptions): Promise<void> {
    let from = first
    await this.#insist(async () => {
      for await (const event of this.#parts.market.events({ from, signal })) {
        from = Math.max(from, event.block)
        this.#past.note(event)
        await this.#hear(event, signal)
        await this.#rest()
      }
    }, signal)
  }

  async #insist<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const { clock, log } = this.#parts
    for (;;)
      try {
        return await work()
      } catch (error) {
        signal.throwIfAborted()
        log.warn('the events of the marketplace broke off; trying again', { error })
        await clock.until(clock.now() + RETRY_SECONDS, { signal })
      }
  }

  async #offerPast(
    event: Offered,
    { filled, full }: { readonly filled: readonly number[]; readonly full: readonly number[] },
    signal: AbortSignal,
  ): Promise<void> {
    const { queue } = this.#parts
    const { requestId } = event
    this.#offer(event)
    for (const slotIndex of filled) queue.remove(requestId, slotIndex)
    for (const slotIndex of full)
      if (!(await this.#mayBeReservedByUs({ requestId, slotIndex }, signal))) queue.remove(requestId, slotIndex)
    await this.#rest()
  }

  /** What did not match before may match now. Rejects with the signal's reason only. */
  async hearAvailabilities({ signal }: AbortOptions): Promise<void> {
    const { clock, reservations, queue, open } = this.#parts
    for await (const _ of reservations.loosenings({ signal })) {
      queue.wake()
      for (const event of open.stillOpen(clock.now())) {
        if (this.#matches(event)) this.#offer(event)
        await this.#rest()
      }
    }
  }

  /**
   * Asks who is behind the requests that wait, which their events do not tell: a client that asks a thousand times for one slot has no more of the
   * queue than one that asks once for a thousand. Whoever is not told of is asked about when its turn comes. Rejects with the signal's reason only.
   */
  async learnClients({ signal }: AbortOptions): Promise<void> {
    const { market, log, queue, knowClient } = this.#parts
    for await (const _ of this.#queued.listen({ signal })) {
      const asked = new Set<RequestId>()
      for (;;) {
        const id = queue.nameless().find((each) => !asked.has(each))
        if (id === undefined) break
        asked.add(id)
        try {
          const request = await market.request(id, { signal })
          if (request !== undefined) knowClient(id, request.client)
        } catch (error) {
          signal.throwIfAborted()
          log.debug('who asks for storage could not be looked up', { requestId: id, error })
        }
      }
    }
  }

  #matches(event: Offered): boolean {
    return this.#parts.reservations.find(wantedOf(event)) !== undefined
  }

  async #rest(): Promise<void> {
    if (++this.#heard < EVENTS_PER_TASK && this.#offered < SLOTS_PER_TASK) return
    this.#heard = 0
    this.#offered = 0
    await nextTask()
  }

  /** Only hints: what an event says is looked up before anything of value depends on it. */
  async #hear(event: MarketEvent, signal: AbortSignal): Promise<void> {
    const { queue, open, poke } = this.#parts
    switch (event.type) {
      case 'StorageRequested':
        return this.#offer(event)
      case 'SlotFreed':
        poke(event.requestId, event.slotIndex)
        return this.#isFree(event)
      case 'SlotFilled':
        queue.remove(event.requestId, event.slotIndex)
        this.#freed.forget(event)
        return poke(event.requestId, event.slotIndex)
      case 'SlotReservationsFull':
        poke(event.requestId, event.slotIndex)
        if (!(await this.#mayBeReservedByUs(event, signal))) queue.remove(event.requestId, event.slotIndex)
        return
      case 'RequestFulfilled':
      case 'RequestFailed':
      case 'RequestCancelled':
        open.forget(event.requestId)
        queue.remove(event.requestId)
        return poke(event.requestId)
      case 'ProofSubmitted':
        return
      case 'undone':
        // Whatever it was, those whom it concerns look again.
        if ('requestId' in event.event) poke(event.event.requestId)
        if (event.event.type === 'SlotFilled') this.#isFree(event.event)
    }
  }

  /** Another host lost it: what was decided of it counts no more. */
  #isFree(slot: Slot): void {
    this.#parts.open.reconsider(slot)
    this.#freed.add(slot)
  }

  /** One of the places may be ours, taken before the node was started anew. Asked only of what waits, since every host hears of every slot. */
  async #mayBeReservedByUs(slot: Slot, signal: AbortSignal): Promise<boolean> {
    const { market, queue } = this.#parts
    if (!queue.has(slot.requestId, slot.slotIndex)) return true
    try {
      return await market.hasReservedSlot(slot, { signal })
    } catch {
      signal.throwIfAborted()
      // It stays, and is looked at when its turn comes.
      return true
    }
  }

  #offer(event: Offered): void {
    const { clock, log, queue, open, teller } = this.#parts
    const { requestId } = event
    for (const expired of queue.removeExpired(clock.now()))
      teller.note(expired.requestId, expired.slotIndex, 'ignored', ['the request expired before it was looked at'])
    if (event.expiry <= clock.now())
      return log.debug('a request had expired when it was heard of', { requestId, expiry: event.expiry })
    open.remember(event)
    // What cannot match waits where it keeps nobody from what may.
    const matches = this.#matches(event)
    let outcome: OfferOutcome
    try {
      outcome = queue.offer({ ...event, client: open.clientOf(requestId) }, { seen: !matches })
    } catch (error) {
      if (!CodexError.is(error, 'slotqueue/slots-out-of-range')) throw error
      log.warn(error.message)
      // No change of our terms mends that.
      open.forget(requestId)
      return teller.note(requestId, undefined, 'ignored', [error.message])
    }
    const { queued, noRoom, evicted } = outcome
    this.#offered += queued + evicted.length
    if (queued > 0) this.#queued.ring()
    if (!matches) teller.unmatched(requestId, wantedOf(event))
    else if (queued > 0) teller.note(requestId, undefined, 'queued', [`${queued} slots wait to be looked at`])
    if (noRoom > 0) open.squeeze(requestId)
    for (const worse of evicted) this.pressedOut(worse)
    if (noRoom > 0) teller.note(requestId, undefined, 'ignored', [`${noRoom} slots found no room among better ones`])
    for (const worse of evicted)
      teller.note(worse.requestId, worse.slotIndex, 'ignored', ['better slots took its place in the queue'])
  }

  #offerFreed(item: SlotQueueItem, why: string): void {
    const { queue, teller } = this.#parts
    const { requestId, slotIndex } = item
    const outcome = queue.push(item)
    if (outcome.is === 'no room') {
      this.pressedOut(item)
      return teller.note(requestId, slotIndex, 'ignored', [`${why}, and it found no room in the queue`])
    }
    if (outcome.is !== 'queued') return
    teller.note(requestId, slotIndex, 'queued', [why])
    if (outcome.evicted !== undefined) this.pressedOut(outcome.evicted)
  }

  /** A slot of an earlier run that was given up, and may be taken all the same. */
  offerAgain(slot: Slot): void {
    this.#freed.addGivenUp(slot)
  }

  /** A slot found no room in the queue, or lost it to a better one. */
  pressedOut(slot: Slot): void {
    if (!this.#parts.open.squeeze(slot.requestId)) this.#freed.addLater(slot)
  }
}
