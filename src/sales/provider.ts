// Provider: a node that sells space. It puts accounts, sales and proofs together. What people hear of them is salenews.ts's, whether they may run holds.ts's.

import type { NodeNetwork } from '../exchange/nodenetwork.ts'
import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { RandomSource } from '../lib/random.ts'
import { Scope } from '../lib/scope.ts'
import type { Market } from '../market/market.ts'
import type { RequestId, SlotId } from '../protocol/request.ts'
import type { Slots } from '../slots/slots.ts'
import type { Datasets } from '../storage/datasets.ts'
import type { RepoStore } from '../storage/repostore.ts'
import type { Availability, AvailabilityId, AvailabilityTerms } from './availability.ts'
import type { NewTerms } from './availabilityterms.ts'
import { type Decision, DecisionLog } from './decisionlog.ts'
import { DecisionRecord } from './decisionrecord.ts'
import type { Earning, EarningTotals } from './earnings.ts'
import { Earnings } from './earnings.ts'
import type { Hold } from './holds.ts'
import { Holds } from './holds.ts'
import { PauseRecord } from './pauserecord.ts'
import { Reservations } from './reservations.ts'
import { capacityOf, type ProvingCapacity } from './provingcapacity.ts'
import type { ProofTotals, ProviderEvent, SaleReport } from './salenews.ts'
import { SaleNews } from './salenews.ts'
import type { SalesSettings } from './sales.ts'
import { Sales } from './sales.ts'
import type { SalesPlace } from './salesplace.ts'
import { bindSalesPlace } from './salesplace.ts'
import type { ProverMeter, SlotProver } from './slotprover.ts'
import { StoredSlotWork } from './storedslotwork.ts'

export interface ProviderParts {
  readonly market: Market
  /** Where the market is. */
  readonly place: SalesPlace
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
  /** Of a period, what the proofs of all slots may take; {@link SAFE_SHARE} by default. */
  readonly provingShare?: number | undefined
}

/** What an earlier run wrote down beside the accounts. */
interface Records {
  readonly earnings: Earnings
  readonly record: PauseRecord
  readonly decisions: DecisionLog
  readonly decisionRecord: DecisionRecord
}

/** A node that sells: what it offers, the slots it takes and keeps, and what they have brought in. */
export class Provider {
  readonly reservations: Reservations
  readonly sales: Sales
  readonly #parts: ProviderParts
  readonly #earnings: Earnings
  readonly #news: SaleNews
  readonly #holds: Holds
  readonly #decisionRecord: DecisionRecord
  readonly #capacity: () => ProvingCapacity | undefined
  #safeSlots = 0
  #scope: Scope | undefined

  private constructor(
    parts: ProviderParts,
    settings: ProviderSettings,
    reservations: Reservations,
    { earnings, record, decisions, decisionRecord }: Records,
  ) {
    const { market, clock, random, log, repo, datasets, slots, network, prover, tell } = parts
    this.#parts = parts
    this.#earnings = earnings
    this.#decisionRecord = decisionRecord
    this.reservations = reservations
    const { shape } = prover
    const work = new StoredSlotWork({
      ...{ repo, datasets, slots, network, reservations, shape },
      prove: async (inputs, options) => {
        const proof = await prover.prove(inputs, options)
        this.#measured()
        return proof
      },
      log: log.topic('slotwork'),
    })
    const { failEveryProofs, provingShare } = settings
    this.#capacity = () => capacityOf(prover.meter, market.terms.proofs.period, provingShare)
    const news = new SaleNews({ market, clock, earnings, tell })
    this.#news = news
    this.sales = new Sales(
      {
        ...{ market, clock, reservations, work, random, failEveryProofs, capacity: this.#capacity, decisions },
        log: log.topic('sales'),
        tell: (event) => news.hear(event, this.sales.agent(event)),
        raise: (alert) => news.raise(alert),
        recordsOf: (event) => earnings.recordsOf(event, clock.now()),
        hasEnded: (slot) => earnings.hasEnded(slot),
        troubled: (id, error) => news.troubled(id, error),
      },
      settings,
    )
    const { sales } = this
    this.#holds = new Holds({
      ...{ sales, market, clock, reservations, prover, network, record, log },
      raise: (alert) => news.raise(alert),
      over: (code) => news.over(code),
    })
  }

  /** Reads the accounts back; sells nothing yet. @throws CodexError as {@link Reservations.open} and {@link bindSalesPlace} */
  static async open(parts: ProviderParts, settings: ProviderSettings, options: AbortOptions): Promise<Provider> {
    const { repo, place, clock, random, log, tell } = parts
    const { reservations, alerts } = await Reservations.open({ repo, random, log }, options)
    const { datastore } = repo.parts
    await bindSalesPlace(datastore, place, reservations.countHeld())
    const earnings = await Earnings.open(datastore, log, options)
    const record = await PauseRecord.open(datastore)
    const decisions = new DecisionLog()
    const decisionRecord = await DecisionRecord.open({ datastore, decisions, clock, log }, options)
    for (const cause of alerts)
      tell({
        type: 'alert',
        alert: { code: 'sales/accounts-mended', cause, atStake: undefined, action: 'Check the availabilities' },
      })
    return new Provider(parts, settings, reservations, { earnings, record, decisions, decisionRecord })
  }

  /** Takes up what an earlier run began at once; sells more once a proof was made. */
  async start({ signal }: AbortOptions): Promise<void> {
    const { log } = this.#parts
    const scope = new Scope({
      signal,
      report: (error, task) => log.error('a task of the provider failed', { task, error }),
    })
    this.#scope = scope
    try {
      await this.sales.start({ signal: scope.signal })
    } catch (error) {
      await scope.close()
      throw error
    }
    scope.spawn('first proof', (own) => this.#holds.rehearseForEver({ signal: own }))
    scope.spawn('looking for peers', (own) => this.#holds.watchPeers({ signal: own }))
    scope.spawn('looking for the chain', (own) => this.#holds.watchChain({ signal: own }))
    scope.spawn('writing decisions down', (own) => this.#decisionRecord.writeForEver({ signal: own }))
    scope.spawn('watching the daily cap', (own) => this.#holds.watchCap({ signal: own }))
    scope.spawn('checking the accounts', (own) => this.#holds.checkForEver({ signal: own }))
  }

  /** Settles when nothing of it runs any more; sales go on at the next start. Never rejects. */
  async stop(): Promise<void> {
    const sales = this.sales.stop()
    await this.#scope?.close()
    await sales
    await this.#decisionRecord.write()
  }

  // Terms.

  /** @throws CodexError as {@link Reservations.create} */
  createAvailability(terms: NewTerms): Promise<Availability> {
    return this.reservations.create(terms)
  }

  /** @throws CodexError as {@link Reservations.change} */
  changeAvailability(id: AvailabilityId, changes: Partial<AvailabilityTerms>): Promise<Availability> {
    return this.reservations.change(id, changes)
  }

  // What is going on.

  /** Sales under way, and what an earlier run took and this one has not looked up yet. */
  list(): SaleReport[] {
    const unknown = this.reservations
      .reservations()
      .filter((held) => held.returnedCollateral === undefined && this.sales.agent(held) === undefined)
    return [
      ...this.sales.agents.map((agent) => this.#news.report(agent)),
      ...unknown.map((reservation) => this.#news.unknown(reservation)),
    ]
  }

  /** As {@link SaleNews.ended}. */
  ended(): SaleReport[] {
    return this.#news.ended()
  }

  /** Of a slot that is being sold or held, or has ended; undefined for any other. */
  sale(id: SlotId): SaleReport | undefined {
    return [...this.list(), ...this.ended()].find(({ slotId }) => slotId === id)
  }

  /** As {@link Sales.decisions}. */
  decisions(count: number, requestId?: RequestId): Decision[] {
    return this.sales.decisions.latest(count, requestId)
  }

  /** As {@link Earnings.all}. */
  get earnings(): readonly Earning[] {
    return this.#earnings.all
  }

  /** As {@link Earnings.totals}. */
  get earningTotals(): EarningTotals {
    return this.#earnings.totals
  }

  /** As {@link SaleNews.proofs}. */
  get proofs(): ProofTotals {
    return this.#news.proofs
  }

  get meter(): ProverMeter {
    return this.#parts.prover.meter
  }

  /** Why nothing new is taken; empty while it sells. */
  get holds(): readonly Hold[] {
    return this.#holds.all
  }

  /** Takes no new slots from now on, over restarts too; what runs goes on. Settles once that is on record. Rejects as the Datastore does. */
  pause(): Promise<void> {
    return this.#holds.pause()
  }

  /** Ends {@link Provider.pause}, as it. Other reasons to take nothing stay, see {@link Provider.holds}. */
  resume(): Promise<void> {
    return this.#holds.resume()
  }

  /** Takes nothing new while the platform may forget what slots have to prove. Not on record: it is said anew at each start. */
  putDataAtRisk(isAtRisk: boolean): void {
    if (isAtRisk) this.#holds.add('data at risk')
    else this.#holds.release('data at risk')
  }

  /** Takes nothing new, as {@link Provider.pause}, and settles when the last sale has ended. Rejects with the signal's reason too. */
  async drain(options: AbortOptions): Promise<void> {
    await this.pause()
    await this.sales.drain(options)
  }

  /** Another proof was timed: a prover that became faster has room for slots that it had none for. */
  #measured(): void {
    this.#holds.measured()
    const slots = this.#capacity()?.slots ?? 0
    if (slots > this.#safeSlots) this.sales.queue.wake()
    this.#safeSlots = slots
  }
}
