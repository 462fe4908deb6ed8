// Provider: a node that sells space. It puts accounts, sales and proofs together, sees to it that they may run, and tells people what is going on.

import type { NodeNetwork } from '../exchange/nodenetwork.ts'
import type { AbortOptions } from '../lib/abort.ts'
import type { RaisedAlert } from '../lib/alert.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { RandomSource } from '../lib/random.ts'
import { RingBuffer } from '../lib/ringbuffer.ts'
import { Scope } from '../lib/scope.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import { KiB } from '../lib/units.ts'
import type { Market, Slot } from '../market/market.ts'
import { slotId } from '../protocol/ids.ts'
import type { RequestId, SlotId } from '../protocol/request.ts'
import type { Slots } from '../slots/slots.ts'
import type { Datasets } from '../storage/datasets.ts'
import type { RepoStore } from '../storage/repostore.ts'
import type { SalesAgent } from './agent.ts'
import type { Availability, AvailabilityId, AvailabilityTerms } from './availability.ts'
import type { NewTerms } from './availabilityterms.ts'
import { reservationsError } from './availabilityterms.ts'
import type { Decision } from './decisionlog.ts'
import type { Earning } from './earnings.ts'
import { Earnings } from './earnings.ts'
import type { Reservation } from './reservation.ts'
import { Reservations } from './reservations.ts'
import { OUTCOME_NAMES } from './saleoutcome.ts'
import type { SalePhase } from './salephase.ts'
import type { SalesSettings } from './sales.ts'
import type { EndOfSale, SaleEvent } from './saleteller.ts'
import { Sales } from './sales.ts'
import type { ProverMeter, SlotProver } from './slotprover.ts'
import { StoredSlotWork } from './storedslotwork.ts'

export interface ProviderParts {
  readonly market: Market
  /** The chain's. */
  readonly clock: Clock
  readonly repo: RepoStore
  readonly datasets: Datasets
  readonly slots: Slots
  readonly network: NodeNetwork
  readonly prover: SlotProver
  readonly random: RandomSource
  readonly log: Log
  readonly tell: (event: ProviderEvent) => void
}

export interface ProviderSettings extends SalesSettings {
  /** As `SaleSeams`. */
  readonly failEveryProofs?: number | undefined
}

export type ProviderEvent =
  | { readonly type: 'sale'; readonly sale: SaleReport }
  | { readonly type: 'proof'; readonly sale: SaleReport; readonly result: 'submitted' | 'missed' }
  | { readonly type: 'earning'; readonly earning: Earning }
  | { readonly type: 'alert'; readonly alert: RaisedAlert }

/** One sale as it is, in plain data. */
export interface SaleReport extends Slot {
  readonly slotId: SlotId
  /** As {@link SALE_STATE_NAMES} has it. */
  readonly state: string
  /** Chain time at which it entered that state. */
  readonly since: Seconds
  readonly phase: SalePhase | undefined
  /** Proofs in the chain, and those that were due and are not, since the node was started. */
  readonly proven: number
  readonly missed: number
  /** Undefined before it took anything. */
  readonly reservation: Reservation | undefined
  /** Why it ended, where that needs saying. */
  readonly why: string | undefined
}

/** Why nothing new is taken: `starting` until a first proof was made, `slow prover`: a proof takes more than half a period. */
export type Hold = 'paused' | 'starting' | 'slow prover' | 'wrong accounts'

/** Left of the quota for manifests: they are stored beside what is set aside for slots. */
export const MANIFEST_ROOM_BYTES: Bytes = 256 * KiB
/** Sales that ended and are still told of. */
export const MAX_ENDED = 200
const CHECK_SECONDS: Seconds = 3600
const RETRY_SECONDS: Seconds = 30

export class Provider {
  readonly reservations: Reservations
  readonly sales: Sales
  readonly #parts: ProviderParts
  readonly #earnings: Earnings
  readonly #holds = new Set<Hold>(['starting'])
  readonly #since = new Map<SlotId, { readonly state: string; readonly at: Seconds }>()
  readonly #ended = new RingBuffer<SaleReport>(MAX_ENDED)
  readonly #told = new Map<SlotId, { readonly proven: number; readonly missed: number }>()
  #scope: Scope | undefined

  private constructor(
    parts: ProviderParts,
    settings: ProviderSettings,
    reservations: Reservations,
    earnings: Earnings,
  ) {
    const { market, clock, random, log, repo, datasets, slots, network, prover } = parts
    this.#parts = parts
    this.#earnings = earnings
    this.reservations = reservations
    const { shape } = prover
    const work = new StoredSlotWork({
      ...{ repo, datasets, slots, network, reservations, shape },
      prove: (inputs, options) => prover.prove(inputs, options),
      log: log.topic('slotwork'),
    })
    const { failEveryProofs } = settings
    this.sales = new Sales(
      {
        ...{ market, clock, reservations, work, random, failEveryProofs },
        log: log.topic('sales'),
        tell: (event) => this.#hear(event),
        recordsOf: (event) => earnings.recordsOf(event, clock.now()),
      },
      settings,
    )
  }

  /** Reads the accounts back; sells nothing yet. @throws CodexError as {@link Reservations.open} */
  static async open(parts: ProviderParts, settings: ProviderSettings, options: AbortOptions): Promise<Provider> {
    const { repo, random, log, tell } = parts
    const { reservations, alerts } = await Reservations.open({ repo, random, log }, options)
    const earnings = await Earnings.open(repo.parts.datastore, log, options)
    for (const cause of alerts)
      tell({
        type: 'alert',
        alert: { code: 'sales/accounts-mended', cause, atStake: undefined, action: 'Check the availabilities' },
      })
    return new Provider(parts, settings, reservations, earnings)
  }

  /** Takes up what an earlier run began at once; sells more once a proof was made. */
  async start({ signal }: AbortOptions): Promise<void> {
    const { log } = this.#parts
    const scope = new Scope({
      signal,
      report: (error, task) => log.error('a task of the provider failed', { task, error }),
    })
    this.#scope = scope
    this.#obey()
    try {
      await this.sales.start({ signal: scope.signal })
    } catch (error) {
      await scope.close()
      throw error
    }
    scope.spawn('first proof', (own) => this.#rehearse(own))
    scope.spawn('checking the accounts', (own) => this.#checkForEver(own))
  }

  /** Settles when nothing of it runs any more; sales go on at the next start. Never rejects. */
  async stop(): Promise<void> {
    const sales = this.sales.stop()
    await this.#scope?.close()
    await sales
  }

  // Terms.

  /** @throws CodexError as {@link Reservations.create}; `reservations/reserve-failed` also where no room would be left for manifests */
  async createAvailability(terms: NewTerms): Promise<Availability> {
    await this.#leaveRoom(terms.totalSize)
    return this.reservations.create(terms)
  }

  /** @throws CodexError as {@link Reservations.change} and {@link Provider.createAvailability} */
  async changeAvailability(id: AvailabilityId, changes: Partial<AvailabilityTerms>): Promise<Availability> {
    const before = this.reservations.availability(id)
    if (before !== undefined && changes.totalSize !== undefined)
      await this.#leaveRoom(changes.totalSize - before.totalSize)
    return this.reservations.change(id, changes)
  }

  // What is going on.

  /** Sales under way. */
  list(): SaleReport[] {
    return this.sales.agents.map((agent) => this.#report(agent))
  }

  /** Sales that ended since the start, the latest first, at most {@link MAX_ENDED}. */
  ended(): SaleReport[] {
    return this.#ended.toArray().reverse()
  }

  sale(id: SlotId): SaleReport | undefined {
    return [...this.list(), ...this.ended()].find(({ slotId }) => slotId === id)
  }

  /** As {@link Sales.decisions}. */
  decisions(count: number, requestId?: RequestId): Decision[] {
    return this.sales.decisions.latest(count, requestId)
  }

  /** The oldest first. */
  get earnings(): readonly Earning[] {
    return this.#earnings.all
  }

  get meter(): ProverMeter {
    return this.#parts.prover.meter
  }

  /** Why nothing new is taken; empty while it sells. */
  get holds(): readonly Hold[] {
    return [...this.#holds]
  }

  /** Takes no new slots; what runs goes on. */
  pause(): void {
    this.#hold('paused')
  }

  /** Ends {@link Provider.pause}. Other reasons to take nothing stay, see {@link Provider.holds}. */
  resume(): void {
    this.#release('paused')
  }

  /** Takes nothing new, and settles when the last sale has ended. Rejects with the signal's reason. */
  drain(options: AbortOptions): Promise<void> {
    this.pause()
    return this.sales.drain(options)
  }

  #report(agent: SalesAgent): SaleReport {
    const { slot, phase, state, outcome } = agent
    const id = slotId(slot.requestId, slot.slotIndex)
    const counts = phase?.at === 'proving' ? phase : this.#told.get(id)
    return {
      ...slot,
      slotId: id,
      state,
      since: this.#sinceOf(id, state),
      phase,
      proven: counts?.proven ?? 0,
      missed: counts?.missed ?? 0,
      reservation: agent.taken,
      why: outcome === undefined ? undefined : whyOf(outcome),
    }
  }

  #sinceOf(id: SlotId, state: string): Seconds {
    const known = this.#since.get(id)
    if (known?.state === state) return known.at
    const at = this.#parts.clock.now()
    this.#since.set(id, { state, at })
    return at
  }

  #hear(event: SaleEvent): void {
    const agent = this.sales.agent(event)
    const id = slotId(event.requestId, event.slotIndex)
    if (event.type === 'phase') {
      if (agent === undefined) return
      const sale = this.#report(agent)
      if (event.phase.at === 'proving') this.#hearProofs(sale, event.phase)
      return this.#parts.tell({ type: 'sale', sale })
    }
    const state = event.outcome.end === 'paused' ? undefined : OUTCOME_NAMES[event.outcome.end]
    if (state === undefined) return
    const base = agent === undefined ? undefined : this.#report(agent)
    const { requestId, slotIndex, reservation } = event
    const sale: SaleReport = {
      ...{ requestId, slotIndex, slotId: id, state, phase: base?.phase, reservation },
      since: this.#sinceOf(id, state),
      proven: base?.proven ?? 0,
      missed: base?.missed ?? 0,
      why: whyOf(event.outcome),
    }
    this.#since.delete(id)
    this.#told.delete(id)
    if (reservation !== undefined) this.#ended.push(sale)
    this.#parts.tell({ type: 'sale', sale })
    this.#hearEnd(event)
  }

  #hearProofs(sale: SaleReport, { proven, missed }: SalePhase & { readonly at: 'proving' }): void {
    const { tell, market } = this.#parts
    const before = this.#told.get(sale.slotId) ?? { proven: 0, missed: 0 }
    this.#told.set(sale.slotId, { proven, missed })
    if (proven > before.proven) tell({ type: 'proof', sale, result: 'submitted' })
    if (missed <= before.missed) return
    tell({ type: 'proof', sale, result: 'missed' })
    const { slashPercentage, maxNumberOfSlashes } = market.terms.collateral
    this.#raise({
      code: 'sales/proof-missed',
      cause: `A proof of slot ${sale.slotIndex} of request ${sale.requestId} was missed; at ${maxNumberOfSlashes} the slot is lost`,
      atStake: ((sale.reservation?.collateral ?? 0n) * BigInt(slashPercentage)) / 100n,
      action: 'Keep the machine awake and its connection up',
    })
  }

  #hearEnd(event: EndOfSale): void {
    const earning = this.#earnings.note(event, this.#parts.clock.now())
    if (earning !== undefined) this.#parts.tell({ type: 'earning', earning })
    const slot = `slot ${event.slotIndex} of request ${event.requestId}`
    const collateral = event.reservation?.collateral
    if (event.outcome.end === 'freed')
      this.#raise({
        code: 'sales/slot-lost',
        cause: `The contract took ${slot} from this node, and its collateral with it`,
        atStake: collateral,
        action: 'See the log for why proofs were missed, and pause until that is mended',
      })
    if (event.outcome.end === 'failed' && event.outcome.filled)
      this.#raise({
        code: 'sales/request-failed',
        cause: `Too many hosts lost slots of request ${event.requestId}: the collateral of ${slot} is gone with them`,
        atStake: collateral,
        action: 'Ask more for requests that allow few losses',
      })
  }

  // Whether it may sell.

  async #rehearse(signal: AbortSignal): Promise<void> {
    const { prover, market, clock, log } = this.#parts
    for (;;)
      try {
        const seconds = await prover.rehearse({ signal })
        const limit = market.terms.proofs.period / 2
        log.info('a first proof was made and verified', { seconds, periodSeconds: market.terms.proofs.period })
        if (seconds > limit) {
          this.#hold('slow prover')
          this.#raise({
            code: 'sales/prover-too-slow',
            cause: `A proof takes ${seconds.toFixed(1)} s here, more than half of the period of ${market.terms.proofs.period} s: proofs would be missed`,
            atStake: undefined,
            action: 'Use a faster machine, or close other programs and start again',
          })
        }
        return this.#release('starting')
      } catch (error) {
        signal.throwIfAborted()
        log.error('the first proof failed: nothing is sold until one was made', { error })
        this.#raise({
          code: 'sales/prover-fails',
          cause: `No proof could be made: ${error instanceof Error ? error.message : String(error)}`,
          atStake: undefined,
          action: 'Check the circuit files',
        })
        await clock.until(clock.now() + RETRY_SECONDS, { signal })
      }
  }

  async #checkForEver(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts
    for (;;) {
      try {
        const problems = await this.reservations.check({ signal })
        if (problems.length > 0 && !this.#holds.has('wrong accounts')) {
          log.error('the accounts are wrong: nothing more is sold, what was sold is proven', { problems })
          this.#hold('wrong accounts')
          this.#raise({
            code: 'sales/wrong-accounts',
            cause: `The accounts are wrong: ${problems[0]}`,
            atStake: undefined,
            action: 'Run `codex-light space --check` and report what it says',
          })
        }
        if (problems.length === 0) this.#release('wrong accounts')
      } catch (error) {
        signal.throwIfAborted()
        log.error('the accounts could not be checked', { error })
      }
      await clock.until(clock.now() + CHECK_SECONDS, { signal })
    }
  }

  #hold(hold: Hold): void {
    this.#holds.add(hold)
    this.#obey()
  }

  #release(hold: Hold): void {
    if (this.#holds.delete(hold)) this.#obey()
  }

  #obey(): void {
    if (this.#holds.size > 0) this.sales.pause()
    else this.sales.resume()
  }

  #raise(alert: RaisedAlert): void {
    this.#parts.tell({ type: 'alert', alert })
  }

  async #leaveRoom(more: Bytes): Promise<void> {
    if (!(more > 0)) return
    const { quotaMaxBytes, quotaUsedBytes, quotaReservedBytes } = await this.#parts.repo.space()
    const free = quotaMaxBytes - quotaUsedBytes - quotaReservedBytes
    if (more <= free - MANIFEST_ROOM_BYTES) return
    throw reservationsError(
      'reservations/reserve-failed',
      `expected at most ${Math.max(0, free - MANIFEST_ROOM_BYTES)} bytes, of ${free} that are free, since manifests need some room too, found ${more}`,
      { wantedBytes: more, freeBytes: free, keptBytes: MANIFEST_ROOM_BYTES },
    )
  }
}

function whyOf(outcome: NonNullable<SalesAgent['outcome']>): string | undefined {
  if (outcome.end === 'declined') return outcome.why
  return outcome.end === 'broke' ? outcome.error.message : undefined
}
