// Sales: the provider's side as a whole. It takes up what a restart left behind, lets the listener fill the queue and the workers take from it, and
// runs one agent for each slot. What happens to a slot is in sale.ts.

import type { AbortOptions } from '../lib/abort.ts'
import type { RaisedAlert } from '../lib/alert.ts'
import { Bell } from '../lib/bell.ts'
import type { Clock } from '../lib/clock.ts'
import { RETRY_SECONDS } from '../lib/insist.ts'
import type { Log } from '../lib/log.ts'
import { Places } from '../lib/places.ts'
import type { RandomSource } from '../lib/random.ts'
import { Scope } from '../lib/scope.ts'
import type { Seconds } from '../lib/units.ts'
import type { Address, Market, Slot } from '../market/market.ts'
import type { RequestId } from '../protocol/request.ts'
import type { AgentSeams } from './agent.ts'
import { SalesAgent } from './agent.ts'
import type { DecisionLog } from './decisionlog.ts'
import { MarketListener } from './marketlistener.ts'
import { OpenRequests } from './openrequests.ts'
import type { Reservations } from './reservations.ts'
import { REST_SECONDS, RestingSlots } from './restingslots.ts'
import type { SaleStart } from './sale.ts'
import type { DeclineReason, SaleOutcome } from './saleoutcome.ts'
import type { SaleEvent } from './saleteller.ts'
import { SaleTeller } from './saleteller.ts'
import { settle } from './settlement.ts'
import { SlotMap } from './slotmap.ts'
import { SlotQueue } from './slotqueue.ts'
import type { SlotQueueItem } from './slotqueueitem.ts'
import { DEFAULT_WORKERS, SlotQueueWorkers } from './slotqueueworkers.ts'
import type { SlotWork } from './slotwork.ts'
import { TakeUp } from './takeup.ts'

export interface SalesParts extends Pick<AgentSeams, 'recordsOf' | 'hasEnded' | 'capacity' | 'troubled'> {
  readonly market: Market
  /** The chain's. */
  readonly clock: Clock
  readonly reservations: Reservations
  readonly work: SlotWork
  readonly random: RandomSource
  readonly log: Log
  /** As `SaleTellerParts`. */
  readonly decisions?: DecisionLog | undefined
  /** As `SaleSeams`. */
  readonly failEveryProofs?: number | undefined
  /** Hears of each phase on entry and of its progress, and of each end. Must not throw. */
  readonly tell?: ((event: SaleEvent) => void) | undefined
  /** Hears what a person has to know. Must not throw. */
  readonly raise?: ((alert: RaisedAlert) => void) | undefined
}

export interface SalesSettings {
  readonly queueSize?: number | undefined
  /** Slots looked at and downloaded at once. */
  readonly workers?: number | undefined
}

/** Not for a reason that is in our terms. */
const UNDECIDED: ReadonlySet<DeclineReason> = new Set([
  'no answer',
  'too few tokens',
  'gas budget',
  'few coins',
  'no room',
])
/** What could not be looked at for a reason that is not in our terms is looked at again so much later. */
const LOOK_AGAIN_SECONDS: Seconds = REST_SECONDS

export class Sales {
  readonly queue: SlotQueue
  readonly #parts: SalesParts
  readonly #workers: SlotQueueWorkers
  readonly #open = new OpenRequests()
  readonly #teller: SaleTeller
  readonly #listener: MarketListener
  readonly #places: Places
  /** Rings when slots of an earlier run may be gone on with. */
  readonly #onward = new Bell()
  #isHeldBack = false
  readonly #ends = new Bell()
  readonly #undecided = new Bell()
  readonly #resting: RestingSlots
  #agents = new SlotMap<SalesAgent>()
  #scope: Scope | undefined
  #isPaused = false
  /** A slot was left because the prover had no room for it. */
  #hasTooMany = false

  /** @throws CodexError `slotqueue/bad-setting` */
  constructor(parts: SalesParts, { queueSize, workers = DEFAULT_WORKERS }: SalesSettings = {}) {
    this.#parts = parts
    this.queue = new SlotQueue(parts.random, { size: queueSize, workers })
    this.#places = new Places(workers)
    this.#resting = new RestingSlots(parts.clock)
    this.#teller = new SaleTeller(parts)
    this.#listener = new MarketListener({
      ...parts,
      queue: this.queue,
      open: this.#open,
      teller: this.#teller,
      poke: (requestId, slotIndex) => this.#poke(requestId, slotIndex),
      knowClient: (requestId, client) => this.#knowClient(requestId, client),
    })
    this.#workers = new SlotQueueWorkers(
      {
        queue: this.queue,
        pressedOut: (item) => this.#listener.pressedOut(item),
        decide: (item, { signal }) => this.#decide(item, signal),
        report: (error, { requestId, slotIndex }) =>
          parts.log.error('a slot could not be looked at', { requestId, slotIndex, error }),
      },
      workers,
    )
  }

  /** Why slots were taken, ignored or lost. */
  get decisions(): DecisionLog {
    return this.#teller.decisions
  }

  /** Sales under way, and those that ended and were not yet forgotten. */
  get agents(): readonly SalesAgent[] {
    return this.#agents.values()
  }

  agent(slot: Slot): SalesAgent | undefined {
    return this.#agents.get(slot)
  }

  /** Whether no new slots are taken. */
  get isPaused(): boolean {
    return this.#isPaused
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
      const takeUp = new TakeUp(
        {
          ...this.#parts,
          isBeingSold: (slot) => this.#agents.has(slot),
          sell: (slot, start) => this.#sell(scope, slot, start),
          settled: async (slot, outcome, reservation) => {
            this.#teller.outcome(slot, outcome, reservation)
            this.#ends.ring()
            this.#hasRoomToProve()
            await this.#letGo(slot.requestId, inner)
          },
          ownAreKnown: () =>
            scope.spawn('letting go of what an earlier run kept', (own) => this.#letGo('all that ended', own)),
        },
        { signal: inner },
      )
      await takeUp.once()
      this.#workers.start({ signal: inner })
      scope.spawn('hearing the market', (own) => this.#listener.hearMarket({ signal: own }))
      scope.spawn('learning who asks', (own) => this.#listener.learnClients({ signal: own }))
      scope.spawn('looking up freed slots', (own) => this.#listener.lookUpFreed({ signal: own }))
      scope.spawn('offering what found no room', (own) => this.#listener.offerSqueezed({ signal: own }))
      scope.spawn('hearing of availabilities', (own) => this.#listener.hearAvailabilities({ signal: own }))
      scope.spawn('looking again at what was not decided', (own) => this.#lookAgain(own))
      await takeUp.goOn()
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

  /** Whether slots that an earlier run took, and did not come to fill, wait too. */
  holdBack(isHeldBack: boolean): void {
    this.#isHeldBack = isHeldBack
    if (!isHeldBack) this.#onward.ring()
  }

  /** Takes no new slots; what runs goes on. */
  pause(): void {
    this.#isPaused = true
    this.queue.suspend()
  }

  resume(): void {
    this.#isPaused = false
    this.queue.resume()
  }

  /** Takes nothing new, and settles when the last sale has ended. */
  async drain({ signal }: AbortOptions): Promise<void> {
    this.pause()
    const rings = this.#ends.listen({ signal })
    const { reservations } = this.#parts
    // What an earlier run left may still have to be looked up: it has a Reservation, and no sale yet.
    const isHeld = (): boolean =>
      this.agents.some(({ outcome }) => outcome === undefined) || reservations.countHeld() > 0
    while (isHeld()) await rings.next()
  }

  /** A slot taken from the queue. */
  async #decide(item: SlotQueueItem, signal: AbortSignal): Promise<'decided' | 'again'> {
    const decide = async (): Promise<'decided' | 'again'> => {
      if (!this.#isPaused) return this.#decideNow(item, signal)
      // While it waited for a place. Not as one that was looked at: it has its turn when new slots are taken again.
      this.queue.push(item)
      return 'again'
    }
    return this.#places.run(decide, { signal })
  }

  async #decideNow(item: SlotQueueItem, signal: AbortSignal): Promise<'decided' | 'again'> {
    const scope = this.#scope
    const { requestId, slotIndex } = item
    if (scope === undefined || signal.aborted) return 'decided'
    const ignored = (why: string): void => this.#teller.note(requestId, slotIndex, 'ignored', [why])
    const before = this.#agents.get(item)
    if (before !== undefined && before.outcome === undefined) {
      ignored('it is being sold already')
      // One of an earlier run may yet end in a way after which it is to be looked at again.
      return before.startedAt === 'preparing' ? 'decided' : 'again'
    }
    // One whose sale has ended, and whose last things are being put away, or whose sale ended before: why was told then.
    if (before?.outcome !== undefined && isForGood(before.outcome)) return 'decided'
    if (this.#open.isGivenUp(item)) return 'decided'
    if (this.#resting.isResting(item)) return 'again'
    if (this.#parts.reservations.reservationOf(requestId, slotIndex) !== undefined) {
      ignored('an earlier run took it, and what became of it is not known yet')
      return 'again'
    }
    const agent = this.#sell(scope, { requestId, slotIndex }, { at: 'preparing' })
    const verdict = await agent.decided
    const { outcome } = agent
    // What it had taken and gave back wakes the queue, which is no reason to look at this very slot at once.
    if (outcome?.end === 'declined' && outcome.why === 'no room') this.#resting.rest(item)
    if (outcome?.end === 'declined' && outcome.why === 'no data') this.#lookForDataAgain(scope, item)
    return verdict
  }

  /** Peers that have come back tell nobody. Only this slot is woken: it may lack its data for weeks. */
  #lookForDataAgain(scope: Scope, slot: Slot): void {
    const until = this.#resting.restLonger(slot)
    if (scope.signal.aborted) return
    scope.spawn('looking for the data of a slot again', async (signal) => {
      await this.#parts.clock.until(until, { signal })
      this.queue.wakeOne(slot)
    })
  }

  #sell(scope: Scope, slot: Slot, start: SaleStart): SalesAgent {
    let leave: (() => void) | undefined
    const mayGoOn = async ({ signal }: AbortOptions): Promise<void> => {
      const rings = this.#onward.listen({ signal })
      for (;;) {
        while (this.#isHeldBack) await rings.next()
        leave = await this.#places.enter({ signal })
        if (!this.#isHeldBack) return
        leave()
      }
    }
    const agent = new SalesAgent({
      slot,
      seams: {
        ...this.#parts,
        knowClient: (id, client) => this.#knowClient(id, client),
        offered: (id) => this.#open.wantedFor(id),
        mayGoOn,
      },
      start,
      signal: scope.signal,
      entered: (_, phase) => this.#teller.phase(slot, phase, start.at),
    })
    this.#agents.set(slot, agent)
    void agent.decided.then(() => leave?.())
    scope.spawn(`sale of slot ${slot.slotIndex} of ${slot.requestId}`, async () => {
      try {
        await this.#ended(agent, await agent.done, scope.signal)
      } finally {
        if (agent.outcome?.end !== 'paused' && this.#agents.get(slot) === agent) this.#agents.delete(slot)
        this.#ends.ring()
      }
    })
    return agent
  }

  #knowClient(requestId: RequestId, client: Address): void {
    this.#open.knowClient(requestId, client)
    this.queue.knowClient(requestId, client)
  }

  async #ended(agent: SalesAgent, outcome: SaleOutcome, signal: AbortSignal): Promise<void> {
    const { slot } = agent
    const settlement = settle(outcome)
    if (isForGood(outcome)) this.#open.giveUp(slot)
    if (outcome.end === 'declined' && UNDECIDED.has(outcome.why)) this.#undecided.ring()
    if (outcome.end === 'declined' && outcome.why === 'prover full') this.#hasTooMany = true
    if (settlement.ends && agent.taken !== undefined) this.#hasRoomToProve()
    this.#teller.outcome(slot, outcome, agent.taken)
    // Nobody had it from the queue, into which it would go back; where it waits there, it does so as one that was looked at.
    if (settlement.ends && settlement.again && agent.startedAt !== 'preparing') {
      this.#listener.offerAgain(slot)
      this.#undecided.ring()
    }
    if (settlement.ends && agent.taken !== undefined) await this.#letGo(slot.requestId, signal)
  }

  /** A slot has ended, of an availability perhaps that takes nothing new, and whose change wakes nobody. */
  #hasRoomToProve(): void {
    if (!this.#hasTooMany) return
    this.#hasTooMany = false
    this.queue.wake()
  }

  /** Until it is done, or the node stops: the next start does it then. */
  async #letGo(requestId: RequestId | 'all that ended', signal: AbortSignal): Promise<void> {
    const { clock, work, log } = this.#parts
    for (;;)
      try {
        return await (requestId === 'all that ended'
          ? work.letGoOfEnded({ signal })
          : work.letGo(requestId, { signal }))
      } catch (error) {
        if (signal.aborted) return
        log.warn('what was kept beside the blocks of a slot could not be let go; trying again', { error })
        await clock.until(clock.now() + RETRY_SECONDS, { signal }).catch(() => undefined)
      }
  }

  #poke(requestId: RequestId, slotIndex?: number): void {
    for (const agent of this.#agents.of(requestId, slotIndex)) agent.poke()
  }

  /** An endpoint that answers again, and tokens that came, tell nobody. */
  async #lookAgain(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts
    for await (const _ of this.#undecided.listen({ signal })) {
      await clock.until(clock.now() + LOOK_AGAIN_SECONDS, { signal })
      this.queue.wake()
    }
  }
}

/** Whether no change of our terms, and no second look, may bring the slot. */
function isForGood(outcome: SaleOutcome): boolean {
  const settlement = settle(outcome)
  return settlement.ends && !settlement.again
}
