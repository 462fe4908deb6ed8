// Sales: the provider's side as a whole. One loop over what the chain tells, which only pushes to the queue, removes from it or pokes an agent;
// workers that take slots from the queue; and what a restart has to take up again.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import { RETRY_SECONDS } from '../lib/insist.ts'
import { Bell } from '../lib/bell.ts'
import type { Log } from '../lib/log.ts'
import { mapBounded } from '../lib/mapbounded.ts'
import { nextTask } from '../lib/nexttask.ts'
import type { RandomSource } from '../lib/random.ts'
import { Scope } from '../lib/scope.ts'
import type { Seconds } from '../lib/units.ts'
import type { Market, Slot } from '../market/market.ts'
import type { ContractEvent, MarketEvent } from '../market/marketevent.ts'
import { collateralToFill } from '../market/marketplaceterms.ts'
import { slotId } from '../protocol/ids.ts'
import type { RequestId, SlotId, StorageRequest } from '../protocol/request.ts'
import type { AgentSeams } from './agent.ts'
import { SalesAgent } from './agent.ts'
import { mismatches } from './availability.ts'
import type { Decision } from './decisionlog.ts'
import { DecisionLog } from './decisionlog.ts'
import type { Reservation } from './reservation.ts'
import type { Reservations } from './reservations.ts'
import type { FillFate, RestartDecision } from './restart.ts'
import { decideAtStart } from './restart.ts'
import type { SaleStart } from './sale.ts'
import type { SaleOutcome } from './saleoutcome.ts'
import type { SalePhase } from './salephase.ts'
import { settle } from './settlement.ts'
import { SlotMap } from './slotmap.ts'
import type { OfferOutcome } from './slotqueue.ts'
import { SlotQueue } from './slotqueue.ts'
import type { SlotQueueItem } from './slotqueueitem.ts'
import { slotQueueItem } from './slotqueueitem.ts'
import { DEFAULT_WORKERS, SlotQueueWorkers } from './slotqueueworkers.ts'
import type { SlotWork } from './slotwork.ts'

export interface SalesParts {
  readonly market: Market
  /** The chain's. */
  readonly clock: Clock
  readonly reservations: Reservations
  readonly work: SlotWork
  readonly random: RandomSource
  readonly log: Log
  /** As `SaleSeams`. */
  readonly failEveryProofs?: number | undefined
  /** Hears of each phase on entry and of its progress, and of each end. Must not throw. */
  readonly tell?: ((event: SaleEvent) => void) | undefined
}

/** What a sale came to, for onlookers. */
export type SaleEvent = Slot &
  (
    | { readonly type: 'phase'; readonly phase: SalePhase }
    | { readonly type: 'end'; readonly outcome: SaleOutcome; readonly reservation: Reservation | undefined }
  )

export interface SalesSettings {
  readonly queueSize?: number | undefined
  /** Slots looked at and downloaded at once. */
  readonly workers?: number | undefined
}

/** How far back requests that are still open are looked for: none of ours can be older. */
const MAX_BACKFILL_SECONDS: Seconds = 30 * 24 * 3600
/** Requests put into the queue between two turns of the event loop. */
const OFFERS_PER_TASK = 32
/** Requests remembered as open, so that a looser availability can look at them again. */
const MAX_OPEN_REQUESTS = 10_000

/** At a start, before something that was sent is given up. */
const CONFIRMING_LOOKS = 3
const CONFIRMING_SECONDS: Seconds = 15
/** Slots of ours that are looked up at once at a start. */
const TAKEN_UP_AT_ONCE = 32

/** Where a sale has nothing in the store yet. */
const BEFORE_DATA: readonly (SalePhase['at'] | undefined)[] = ['preparing', 'reserving']

type Offered = Extract<ContractEvent, { type: 'StorageRequested' }>

/** Takes a slot up. Returns what else is to be taken up. Rejects when it has to be tried again. */
type TakingUp = () => Promise<TakingUp[]>

interface OpenRequest {
  readonly offered: Offered
  /** Slots that were decided for good: what a change of our terms cannot mend is not looked at again. */
  readonly givenUp: Set<number>
}

export class Sales {
  readonly decisions = new DecisionLog()
  readonly queue: SlotQueue
  readonly #parts: SalesParts
  readonly #workers: SlotQueueWorkers
  #agents = new SlotMap<SalesAgent>()
  /** Offers that have not been filled or ended, as far as we heard. */
  readonly #open = new Map<RequestId, OpenRequest>()
  readonly #draining = new Bell()
  #scope: Scope | undefined
  #isDraining = false

  constructor(parts: SalesParts, { queueSize, workers = DEFAULT_WORKERS }: SalesSettings = {}) {
    this.#parts = parts
    this.queue = new SlotQueue(parts.random, { size: queueSize, workers })
    this.#workers = new SlotQueueWorkers(
      {
        queue: this.queue,
        decide: (item, { signal }) => this.#decide(item, signal),
        report: (error, item) =>
          parts.log.error('a slot could not be looked at', {
            requestId: item.requestId,
            slotIndex: item.slotIndex,
            error,
          }),
      },
      workers,
    )
  }

  /** Sales under way, and those that ended and were not yet forgotten. */
  get agents(): readonly SalesAgent[] {
    return this.#agents.values()
  }

  agent(slot: Slot): SalesAgent | undefined {
    return this.#agents.get(slot)
  }

  /** Whether new slots are taken. */
  get isPaused(): boolean {
    return this.#isDraining
  }

  /** Takes up what an earlier run began, then hears the market. The chain is asked in the background, for as long as it takes to answer. */
  async start({ signal }: AbortOptions): Promise<void> {
    if (this.#scope !== undefined) return
    const { log, reservations } = this.#parts
    const scope = new Scope({ signal, report: (error, task) => log.error('a task of sales failed', { task, error }) })
    this.#scope = scope
    // Of an earlier run of this object: what it paused is taken up again.
    this.#agents = new SlotMap()
    try {
      await reservations.settleBegun({ signal })
    } catch (error) {
      this.#scope = undefined
      await scope.close()
      throw error
    }
    scope.spawn('taking up sales', async (inner) => {
      const left = await this.#takeUpAll(this.#leftBehind(scope, inner), inner)
      this.#workers.start({ signal: inner })
      scope.spawn('hearing the market', (own) => this.#listen(own))
      scope.spawn('hearing of availabilities', (own) => this.#heedLoosenings(own))
      await this.#insistOn(left, inner)
    })
  }

  /** Settles when nothing of it runs any more and every sale has written down where it is. */
  async stop(): Promise<void> {
    const scope = this.#scope
    this.#scope = undefined
    const workers = this.#workers.stop()
    await scope?.close()
    await workers
    await Promise.allSettled(this.agents.map(({ done }) => done))
  }

  /** Takes no new slots; what runs goes on. */
  pause(): void {
    this.#isDraining = true
    this.queue.suspend()
  }

  resume(): void {
    this.#isDraining = false
    this.queue.resume()
  }

  /** Takes nothing new, and settles when the last sale has ended. */
  async drain({ signal }: AbortOptions): Promise<void> {
    this.pause()
    const rings = this.#draining.listen({ signal })
    while (this.agents.some(({ outcome }) => outcome === undefined)) await rings.next()
  }

  // The chain's events.

  async #listen(signal: AbortSignal): Promise<void> {
    const { market, clock, log } = this.#parts
    let from: number | undefined
    for (;;)
      try {
        const since = clock.now() - Math.min(market.terms.requestDurationLimit, MAX_BACKFILL_SECONDS)
        from ??= await market.blockAt(since, { signal })
        let heard = 0
        for await (const event of market.events({ from, signal })) {
          from = Math.max(from, event.block)
          await this.#hear(event, signal)
          if (++heard % OFFERS_PER_TASK === 0) await nextTask()
        }
        return
      } catch (error) {
        signal.throwIfAborted()
        log.warn('the events of the marketplace broke off; trying again', { error })
        await clock.until(clock.now() + RETRY_SECONDS, { signal })
      }
  }

  /** Only hints: what an event says is looked up before anything of value depends on it. */
  async #hear(event: MarketEvent, signal: AbortSignal): Promise<void> {
    switch (event.type) {
      case 'StorageRequested':
        return this.#offer(event)
      case 'SlotFreed':
        this.#agents.get(event)?.poke()
        return this.#offerFreed(event, signal)
      case 'SlotFilled':
      case 'SlotReservationsFull':
        this.queue.remove(event.requestId, event.slotIndex)
        this.#agents.get(event)?.poke()
        return
      case 'RequestFulfilled':
      case 'RequestFailed':
      case 'RequestCancelled':
        this.#open.delete(event.requestId)
        this.queue.remove(event.requestId)
        this.#pokeAll(event.requestId)
        return
      case 'ProofSubmitted':
        return
      case 'undone':
        // Whatever it was, those whom it concerns look again.
        if ('requestId' in event.event) this.#pokeAll(event.event.requestId)
        if (event.event.type === 'SlotFilled') return this.#offerFreed(event.event, signal)
    }
  }

  #offer(event: Offered): void {
    const { clock, log } = this.#parts
    for (const { requestId, slotIndex } of this.queue.removeExpired(clock.now()))
      this.#note(requestId, slotIndex, 'ignored', ['the request expired before it was looked at'])
    if (event.expiry <= clock.now()) return
    if (this.#open.size >= MAX_OPEN_REQUESTS) {
      const [oldest] = this.#open.keys()
      if (oldest !== undefined) this.#open.delete(oldest)
    }
    const { givenUp = new Set<number>() } = this.#open.get(event.requestId) ?? {}
    this.#open.set(event.requestId, { offered: event, givenUp })
    let outcome: OfferOutcome
    try {
      outcome = this.queue.offer(event)
    } catch (error) {
      if (!CodexError.is(error, 'slotqueue/slots-out-of-range')) throw error
      log.warn(error.message)
      this.#note(event.requestId, undefined, 'ignored', [error.message])
      return
    }
    const { queued, noRoom, evicted } = outcome
    if (queued > 0) this.#note(event.requestId, undefined, 'queued', [`${queued} slots wait to be looked at`])
    if (noRoom > 0)
      this.#note(event.requestId, undefined, 'ignored', [`${noRoom} slots found no room among better ones`])
    for (const { requestId, slotIndex } of evicted)
      this.#note(requestId, slotIndex, 'ignored', ['better slots took its place in the queue'])
  }

  /** A slot that a host lost: others rebuild it, for a smaller collateral. */
  async #offerFreed(slot: Slot, signal: AbortSignal): Promise<void> {
    const { market, clock, log } = this.#parts
    this.#open.get(slot.requestId)?.givenUp.delete(slot.slotIndex)
    let request: StorageRequest | undefined
    let end: Seconds | undefined
    try {
      request = await market.request(slot.requestId, { signal })
      end = await market.requestEnd(slot.requestId, { signal })
    } catch (error) {
      signal.throwIfAborted()
      // One slot that cannot be looked up must not hold up all that comes behind it.
      log.warn('a freed slot could not be looked up', { ...slot, error })
      return this.#note(slot.requestId, slot.slotIndex, 'ignored', ['the chain did not tell its terms'])
    }
    if (request === undefined || end === undefined || end <= clock.now()) return
    const collateral = collateralToFill(market.terms, { ...request.ask, isRepair: true })
    const offer = { requestId: slot.requestId, ask: request.ask, expiry: end, client: request.client }
    this.queue.push(slotQueueItem(offer, slot.slotIndex, collateral))
    this.#note(slot.requestId, slot.slotIndex, 'queued', ['another host lost it'])
  }

  #pokeAll(requestId: RequestId): void {
    for (const agent of this.#agents.of(requestId)) agent.poke()
  }

  /** What did not match before may match now. */
  async #heedLoosenings(signal: AbortSignal): Promise<void> {
    const { clock, reservations } = this.#parts
    for await (const _ of reservations.loosenings({ signal })) {
      this.queue.wake()
      let offered = 0
      for (const { offered: event } of [...this.#open.values()]) {
        if (event.expiry <= clock.now()) this.#open.delete(event.requestId)
        else this.#offer(event)
        if (++offered % OFFERS_PER_TASK === 0) await nextTask()
      }
    }
  }

  // Slots taken from the queue.

  async #decide(item: SlotQueueItem, signal: AbortSignal): Promise<'decided' | 'again'> {
    const scope = this.#scope
    const { requestId, slotIndex } = item
    if (scope === undefined || signal.aborted || this.#agents.has(item)) return 'decided'
    // What has a Reservation and no sale is still being taken up.
    if (this.#parts.reservations.reservationOf(requestId, slotIndex) !== undefined) return 'decided'
    if (this.#open.get(requestId)?.givenUp.has(slotIndex) === true) return 'decided'
    const agent = this.#sell(scope, { requestId, slotIndex }, { at: 'preparing' })
    return agent.decided
  }

  #sell(scope: Scope, slot: Slot, start: SaleStart): SalesAgent {
    const seams: AgentSeams = this.#parts
    const agent = new SalesAgent({
      slot,
      seams,
      start,
      signal: scope.signal,
      entered: (_, phase) => this.#tellPhase(slot, phase),
    })
    this.#agents.set(slot, agent)
    scope.spawn(`sale of slot ${slot.slotIndex} of ${slot.requestId}`, async () => {
      try {
        const outcome = await agent.done
        const settlement = settle(outcome)
        if (settlement.ends && !settlement.again) this.#open.get(slot.requestId)?.givenUp.add(slot.slotIndex)
        this.#tellOutcome(slot, outcome, agent.taken)
        if (settlement.ends && !BEFORE_DATA.includes(agent.phase?.at)) await this.#letGo(slot, scope.signal)
      } finally {
        if (agent.outcome?.end !== 'paused' && this.#agents.get(slot) === agent) this.#agents.delete(slot)
        this.#draining.ring()
      }
    })
    return agent
  }

  /** What is left to be let go is small, and goes when its time is over. */
  async #letGo(slot: Slot, signal: AbortSignal): Promise<void> {
    const { market, work, log } = this.#parts
    try {
      const request = await market.request(slot.requestId, { signal })
      if (request !== undefined) await work.letGo({ request, slotIndex: slot.slotIndex }, { signal })
    } catch (error) {
      if (!signal.aborted) log.warn('what was kept beside the blocks of a slot stays until its time is over', { error })
    }
  }

  #tellPhase(slot: Slot, phase: SalePhase): void {
    this.#parts.tell?.({ ...slot, type: 'phase', phase })
    if (phase.at === 'reserving') this.#note(slot.requestId, slot.slotIndex, 'taken', ['an availability matches'])
    // What shows progress is told on entry; of the proofs, which come every period for months, the log keeps to itself what went well.
    if (phase.at === 'downloading' && phase.doneBytes > 0) return
    const level = phase.at === 'proving' ? 'debug' : 'info'
    this.#parts.log[level]('a sale entered a phase', { ...slot, phase: phase.at })
  }

  #tellOutcome(slot: Slot, outcome: SaleOutcome, reservation: Reservation | undefined): void {
    const { log, tell } = this.#parts
    tell?.({ ...slot, type: 'end', outcome, reservation })
    const fields = { ...slot, end: outcome.end }
    switch (outcome.end) {
      case 'paid':
        log.info('a slot was paid', { ...fields, ...outcome.payout })
        return this.#note(slot.requestId, slot.slotIndex, 'ended', [`paid ${outcome.payout.reward}`])
      case 'declined':
        log.info('a slot was left alone', { ...fields, why: outcome.why })
        return this.#note(slot.requestId, slot.slotIndex, 'ignored', this.#whyNot(slot, outcome.why))
      case 'broke':
        log.error('a sale broke off', { ...fields, error: outcome.error })
        return this.#note(slot.requestId, slot.slotIndex, 'lost', [outcome.error.message])
      case 'freed':
        log.error('a slot was taken from us: its collateral is lost', fields)
        return this.#note(slot.requestId, slot.slotIndex, 'lost', ['too many proofs were missed'])
      case 'cancelled':
      case 'failed':
        log.warn('the request of a slot ended early', fields)
        return this.#note(slot.requestId, slot.slotIndex, 'lost', [`the request was ${outcome.end}`])
      case 'paused':
    }
  }

  /** Rule by rule where our own terms decided. */
  #whyNot({ requestId }: Slot, why: string): readonly string[] {
    const offered = this.#open.get(requestId)?.offered
    if (why !== 'no availability' || offered === undefined) return [why]
    const wanted = { ...offered.ask, requestEnd: offered.expiry + Number(offered.ask.duration) }
    const reasons = this.#parts.reservations
      .availabilities()
      .flatMap((availability) => mismatches(availability, wanted).map((rule) => rule.tell(availability, wanted)))
    return reasons.length > 0 ? reasons : ['no availability']
  }

  #note(
    requestId: RequestId,
    slotIndex: number | undefined,
    verdict: Decision['verdict'],
    reasons: readonly string[],
  ): void {
    this.decisions.add({ at: this.#parts.clock.now(), requestId, slotIndex, verdict, reasons })
  }

  // A restart.

  /** Every slot that is ours on chain or has a Reservation, as acts that take it up where it stands, or settle it. */
  #leftBehind(scope: Scope, signal: AbortSignal): TakingUp[] {
    const { market, reservations } = this.#parts
    const known = reservations.reservations().map(({ requestId, slotIndex }) => ({ requestId, slotIndex }))
    const knownIds = new Set(known.map(({ requestId, slotIndex }) => slotId(requestId, slotIndex)))
    const adoptOthers = async (): Promise<TakingUp[]> => {
      const others = (await market.mySlots({ signal })).filter((id) => !knownIds.has(id))
      return others.map((id) => () => this.#adopt(scope, id, signal))
    }
    return [...known.map((slot) => () => this.#takeUp(scope, slot, signal)), adoptOthers]
  }

  /** Nothing is dropped because nobody answered, and none waits for another. @returns those that failed */
  async #takeUpAll(acts: readonly TakingUp[], signal: AbortSignal): Promise<TakingUp[]> {
    const { log } = this.#parts
    const left = await mapBounded(acts, TAKEN_UP_AT_ONCE, async (act) => {
      try {
        return await act()
      } catch (error) {
        signal.throwIfAborted()
        log.warn('a slot could not be taken up yet; trying again', { error })
        return [act]
      }
    })
    const more = left.flat()
    return more.length > 0 && !more.every((act) => acts.includes(act)) ? this.#takeUpAll(more, signal) : more
  }

  async #insistOn(acts: readonly TakingUp[], signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts
    for (let left = acts; left.length > 0; left = await this.#takeUpAll(left, signal))
      await clock.until(clock.now() + RETRY_SECONDS, { signal })
  }

  /** A slot of ours whose records were lost: it is proven and collected all the same. */
  async #adopt(scope: Scope, id: SlotId, signal: AbortSignal): Promise<TakingUp[]> {
    const { market, reservations, log } = this.#parts
    const found = await market.activeSlot(id, { signal })
    if (found === undefined) return []
    const { requestId, slotIndex, request } = found
    const slot: Slot = { requestId, slotIndex }
    // While it was looked up, the queue may have begun to sell it.
    if (reservations.reservationOf(requestId, slotIndex) === undefined) {
      const collateral = await market.currentCollateral(id, { signal })
      const validUntil = (await market.requestEnd(requestId, { signal })) ?? 0
      const slotBytes = Number(request.ask.slotSize)
      await reservations.adopt({ ...slot, slotBytes, collateral, validUntil })
      log.error('a slot of ours had no reservation: its records were lost; it is proven and collected all the same', {
        ...slot,
      })
    }
    return this.#takeUp(scope, slot, signal)
  }

  async #takeUp(scope: Scope, slot: Slot, signal: AbortSignal): Promise<TakingUp[]> {
    const { reservations, clock } = this.#parts
    const { requestId, slotIndex } = slot
    const reservation = reservations.reservationOf(requestId, slotIndex)
    if (reservation === undefined || this.#agents.has(slot)) return []
    let decision = await this.#decideAtStart(reservation, signal)
    // What was sent is given up on answers that last only: an endpoint that lags shows what was before.
    for (let look = 1; look < CONFIRMING_LOOKS && decision.do === 'settle' && reservation.fill !== undefined; look++) {
      await clock.until(clock.now() + CONFIRMING_SECONDS, { signal })
      decision = await this.#decideAtStart(reservation, signal)
    }
    if (decision.do === 'settle') {
      const settlement = settle(decision.outcome)
      if (settlement.ends) await reservations.settle(reservation.id, settlement.collateral)
      this.#tellOutcome(slot, decision.outcome, reservation)
      await this.#letGo(slot, signal)
      return []
    }
    // What became of a fill is found out by the sale itself, which goes on from there.
    const at = decision.do === 'find out' ? 'filling' : decision.at
    if (at === 'filling' || at === 'filled' || at === 'collecting') this.#sell(scope, slot, { at, reservation })
    return []
  }

  async #decideAtStart(reservation: Reservation, signal: AbortSignal): Promise<RestartDecision> {
    const { market } = this.#parts
    const id = slotId(reservation.requestId, reservation.slotIndex)
    const state = await market.slotState(id, { signal })
    const host = await market.hostOf(id, { signal })
    const currentCollateral = await market.currentCollateral(id, { signal })
    const isOurs = host?.toLowerCase() === market.host.toLowerCase()
    return decideAtStart({ state, isOurs, fill: this.#fateOf(reservation, id), currentCollateral })
  }

  #fateOf({ fill, requestId }: Reservation, id: SlotId): FillFate {
    const intents = this.#parts.market.openIntents().filter(({ verb }) => verb === 'fillSlot')
    if (
      intents.some((intent) => intent.slotId === id || (intent.slotId === undefined && intent.requestId === requestId))
    )
      return 'in flight'
    return fill === undefined ? 'never sent' : fill === 'landed' ? 'landed' : 'unknown'
  }
}
