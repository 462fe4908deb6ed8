// Trade: a node's part in the marketplace, born and ended as one: the chain, then whoever sells, buys and validates there. What they do is their rooms'.

import type { ConnectedPeer, NodeNetwork } from './exchange/nodenetwork.ts'
import type { AbortOptions } from './lib/abort.ts'
import type { Alert, RaisedAlert } from './lib/alert.ts'
import { AlertBook } from './lib/alertbook.ts'
import type { Clock } from './lib/clock.ts'
import type { Log } from './lib/log.ts'
import type { RandomSource } from './lib/random.ts'
import { Scope } from './lib/scope.ts'
import type { TypedEvents } from './lib/typedevents.ts'
import type { Seconds } from './lib/units.ts'
import { EthersMarket, type EthersMarketSettings } from './market/ethersmarket.ts'
import type { HoldKey } from './market/keyhold.ts'
import type { EndpointStatus } from './market/market.ts'
import { MarketAlerts } from './market/marketalerts.ts'
import type { NodeKey } from './market/nodekey.ts'
import type { RpcLines } from './market/rpclines.ts'
import type { ProvingFunctions } from './proving/provingfunctions.ts'
import { Client } from './purchasing/client.ts'
import type { Purchase, PurchaseState } from './purchasing/purchase.ts'
import type { RequestId, SlotId } from './protocol/request.ts'
import type { Availability } from './sales/availability.ts'
import { DutyWatch } from './sales/dutywatch.ts'
import type { Earning } from './sales/earnings.ts'
import type { Hold } from './sales/holds.ts'
import type { ProverSettings } from './sales/openslotprover.ts'
import { openSlotProver } from './sales/openslotprover.ts'
import type { ProviderSettings } from './sales/provider.ts'
import { Provider } from './sales/provider.ts'
import type { ProviderEvent, SaleReport } from './sales/salenews.ts'
import type { ProverMeter, SlotProver } from './sales/slotprover.ts'
import { WatchedRecord } from './sales/watchedrecord.ts'
import type { Slots } from './slots/slots.ts'
import type { Datasets } from './storage/datasets.ts'
import { CommitWatch } from './storage/commitwatch.ts'
import type { Datastore } from './storage/datastore.ts'
import type { RepoStore, Space } from './storage/repostore.ts'
import { Validator, type ValidatorSettings } from './validation/validator.ts'

/** What a platform brings for the marketplace. */
export interface TradePlatform {
  readonly lines: RpcLines
  readonly createProver: ProvingFunctions['createProver']
  /** Undefined where the data folder keeps others out already. */
  readonly holdKey?: HoldKey | undefined
  /** Milliseconds that only grow. */
  readonly stopwatch: () => number
}

export interface TradeNeeds extends TradePlatform {
  readonly repo: RepoStore
  readonly datasets: Datasets
  readonly slots: Slots
  readonly network: NodeNetwork
  readonly datastore: Datastore
  /** The machine's. */
  readonly clock: Clock
  readonly random: RandomSource
  readonly log: Log
  readonly events: TypedEvents<NodeEvents>
  /** Hears why the marketplace cannot be entered yet, and `undefined` once the chain answers. */
  readonly waits: (problem: string | undefined) => void
}

export interface TradeSettings {
  /** The endpoint, and what is sent over it. */
  readonly chain: EthersMarketSettings
  readonly key: NodeKey
  /** As {@link TradePlatform.stopwatch}, in its place. */
  readonly stopwatch?: (() => number) | undefined
  /** Sells space. */
  readonly provider?: ProviderRole | undefined
  /** Buys storage. */
  readonly client?: boolean | undefined
  /** Marks missing proofs. */
  readonly validator?: ValidatorSettings | undefined
}

export interface ProviderRole extends ProviderSettings, ProverSettings {}

/** What {@link CodexNode.events} tells, by name. */
export interface NodeEvents {
  /** A sale entered a phase, came further in it, or ended. */
  readonly sale: SaleReport
  readonly proof: { readonly sale: SaleReport; readonly result: 'submitted' | 'missed' }
  readonly earning: Earning
  readonly purchase: PurchaseReport
  /** This node, as a validator, marked a proof as missing. */
  readonly marked: { readonly slotId: SlotId; readonly period: number }
  readonly alert: Alert
  /** The cause of an alert is over. */
  readonly alertOver: Alert
}

/** How a purchase stands. */
export interface PurchaseReport {
  readonly requestId: RequestId
  readonly state: PurchaseState
  /** Why it ended as it did. */
  readonly problem: string | undefined
}

/** A node's part in the marketplace at one moment. Addresses are `0x` and hex digits. */
export interface TradeStatus {
  readonly host: string
  readonly chainId: number
  readonly marketplace: string
  readonly token: string
  /** The chain's. */
  readonly time: Seconds
  readonly periodSeconds: Seconds
  readonly endpoint: EndpointStatus
  readonly provider:
    | {
        readonly holds: readonly Hold[]
        readonly availabilities: readonly Availability[]
        readonly sales: readonly SaleReport[]
        readonly prover: ProverMeter
        readonly queued: number
      }
    | undefined
  readonly purchases: readonly PurchaseReport[] | undefined
  readonly validator: { readonly watched: number } | undefined
  readonly alerts: readonly Alert[]
}

/** A node at one moment: store, network and trade. Plain data, for those who show it. */
export interface NodeStatus {
  /** The machine's. */
  readonly time: Seconds
  readonly space: Space
  readonly network:
    | { readonly peerId: string; readonly addresses: readonly string[]; readonly peers: readonly ConnectedPeer[] }
    | undefined
  readonly trade: TradeStatus | undefined
}

/** Alerts kept for whoever asks later. */
export const MAX_ALERTS = 100
/** Whatever the marketplace writes down by itself goes through it. */
interface WatchedNeeds extends TradeNeeds {
  readonly datastore: CommitWatch
}

interface Roles {
  readonly prover: SlotProver | undefined
  readonly provider: Provider | undefined
  readonly client: Client | undefined
  readonly validator: Validator | undefined
}

/** A node's part in the marketplace: the chain, and the roles it was started in, each undefined where it is not. */
export class Trade {
  readonly market: EthersMarket
  readonly provider: Provider | undefined
  readonly client: Client | undefined
  readonly validator: Validator | undefined
  readonly #prover: SlotProver | undefined
  readonly #news: News
  readonly #log: Log
  readonly #wall: Clock
  readonly #records: CommitWatch
  readonly #scope: Scope
  #stopped: Promise<void> | undefined

  /**
   * Settles when all of it runs.
   * @throws CodexError as {@link EthersMarket.open}, {@link openSlotProver}, `Provider.open` and the constructors of the roles
   */
  static async open(given: TradeNeeds, settings: TradeSettings, { signal }: AbortOptions): Promise<Trade> {
    const { key, chain } = settings
    const datastore = new CommitWatch(given.datastore)
    const needs = { ...given, datastore }
    const market = await EthersMarket.open({ ...needs, key, log: needs.log.topic('market') }, chain, { signal })
    needs.waits(undefined)
    const news = new News(needs.events, market.clock)
    let prover: SlotProver | undefined
    try {
      const stopwatch = settings.stopwatch ?? needs.stopwatch
      const proving = { ...needs, stopwatch }
      prover = settings.provider && (await openSlotProver(proving, settings.provider, market.chainId, { signal }))
      const roles = await openRoles({ needs, settings, market, news, prover }, { signal })
      const trade = new Trade(needs, market, news, roles)
      try {
        await trade.#start({ signal })
        return trade
      } catch (error) {
        await trade.stop()
        throw error
      }
    } catch (error) {
      await prover?.close()
      await market.stop()
      throw error
    }
  }

  private constructor({ log, clock, datastore }: WatchedNeeds, market: EthersMarket, news: News, roles: Roles) {
    this.market = market
    this.provider = roles.provider
    this.client = roles.client
    this.validator = roles.validator
    this.#prover = roles.prover
    this.#news = news
    this.#log = log
    this.#wall = clock
    this.#records = datastore
    this.#scope = new Scope({ report: (error, task) => log.error('a task of the marketplace failed', { task, error }) })
  }

  /** The latest first, at most {@link MAX_ALERTS}. */
  get alerts(): readonly Alert[] {
    return this.#news.alerts
  }

  get purchases(): readonly PurchaseReport[] {
    return this.client?.purchasing.purchases.map(purchaseReport) ?? []
  }

  /** The chain's time. */
  get now(): Seconds {
    return this.market.clock.now()
  }

  /** How all of it stands, without asking anybody. */
  status(): TradeStatus {
    const { market, provider, client, validator } = this
    return {
      host: market.host,
      chainId: market.chainId,
      marketplace: market.marketplace,
      token: market.token,
      time: market.clock.now(),
      periodSeconds: market.terms.proofs.period,
      endpoint: market.endpointStatus(),
      provider: provider && {
        holds: provider.holds,
        availabilities: provider.reservations.availabilities(),
        sales: provider.list(),
        prover: provider.meter,
        queued: provider.sales.queue.size,
      },
      purchases: client && this.purchases,
      validator: validator && { watched: validator.watched.length },
      alerts: this.alerts,
    }
  }

  /** Nothing of it runs once settled; what is under way goes on at the next start. Never rejects. A second call waits for the first. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #start({ signal }: AbortOptions): Promise<void> {
    await this.client?.purchasing.start({ signal })
    await this.provider?.start({ signal })
    await this.validator?.start({ signal })
    const news = this.#news
    const alerts = new MarketAlerts({
      market: this.market,
      records: this.#records,
      wall: this.#wall,
      atStake: () => this.#committed(),
      offered: () => this.#offered(),
      raise: (alert) => news.alert(alert),
      over: (code) => news.over(code),
    })
    this.#scope.spawn('watching the endpoint', (own) => alerts.watchEndpoint({ signal: own }))
    this.#scope.spawn('watching transactions', (own) => alerts.watchTransactions({ signal: own }))
    this.#scope.spawn('watching what is written down', (own) => alerts.watchRecords({ signal: own }))
    this.#scope.spawn('watching the purse', (own) => alerts.watchPurse({ signal: own }))
    this.#watchDuties()
  }

  async #stop(): Promise<void> {
    // All hear of it before any is waited for: what waits for a transaction ends only with the market.
    const ends = [
      this.#scope.close(),
      this.provider?.stop(),
      this.client?.purchasing.stop(),
      this.validator?.stop(),
      this.#prover?.close(),
      this.market.stop(),
    ]
    for (const end of await Promise.allSettled(ends.map((end) => Promise.resolve(end))))
      if (end.status === 'rejected') this.#log.error('a part of the marketplace failed to stop', { error: end.reason })
  }

  #watchDuties(): void {
    const { market, provider } = this
    if (provider === undefined) return
    const watch = new DutyWatch({
      market,
      clock: market.clock,
      wall: this.#wall,
      sales: () => provider.list(),
      reservations: () => provider.reservations.reservations(),
      record: new WatchedRecord(this.#records),
      raise: (alert) => this.#news.alert(alert),
      over: (code) => this.#news.over(code),
      log: this.#log.topic('duties'),
    })
    this.#news.onProof = (sale) => watch.note(sale)
    this.#scope.spawn('telling what passed meanwhile', (own) => watch.tellAbsence(own))
    this.#scope.spawn('watching deadlines', (own) => watch.watchDeadlines(own))
    this.#scope.spawn('watching for sleep', (own) => watch.watchSleep(own))
  }

  /** Collateral that availabilities leave for further slots. */
  #offered(): bigint {
    const availabilities = this.provider?.reservations.availabilities() ?? []
    return availabilities
      .filter(({ enabled }) => enabled)
      .reduce((sum, { totalRemainingCollateral }) => sum + totalRemainingCollateral, 0n)
  }

  /** Collateral in slots that are ours. */
  #committed(): bigint | undefined {
    return this.provider?.reservations.reservations().reduce((sum, { collateral }) => sum + collateral, 0n)
  }
}

/** What is told outward, and the alerts among it. */
class News {
  readonly #events: TypedEvents<NodeEvents>
  readonly #clock: Clock
  readonly #alerts = new AlertBook(MAX_ALERTS)
  /** Hears of each proof in the chain. */
  onProof: (sale: SaleReport) => void = () => undefined

  constructor(events: TypedEvents<NodeEvents>, clock: Clock) {
    this.#events = events
    this.#clock = clock
  }

  get alerts(): readonly Alert[] {
    return this.#alerts.all
  }

  alert(raised: RaisedAlert): void {
    this.#events.emit('alert', this.#alerts.raise(raised, this.#clock.now()))
  }

  over(code: string): void {
    for (const ended of this.#alerts.over(code, this.#clock.now())) this.#events.emit('alertOver', ended)
  }

  provider(event: ProviderEvent): void {
    switch (event.type) {
      case 'sale':
        return this.#events.emit('sale', event.sale)
      case 'proof':
        if (event.result === 'submitted') this.onProof(event.sale)
        return this.#events.emit('proof', { sale: event.sale, result: event.result })
      case 'earning':
        return this.#events.emit('earning', event.earning)
      case 'alert':
        return this.alert(event.alert)
      case 'over':
        return this.over(event.code)
    }
  }

  purchase(purchase: Purchase): void {
    this.#events.emit('purchase', purchaseReport(purchase))
  }

  marked(marked: NodeEvents['marked']): void {
    this.#events.emit('marked', marked)
  }
}

async function openRoles(
  made: {
    readonly needs: WatchedNeeds
    readonly settings: TradeSettings
    readonly market: EthersMarket
    readonly news: News
    readonly prover: SlotProver | undefined
  },
  options: AbortOptions,
): Promise<Roles> {
  const { needs, settings, market, news, prover } = made
  const parts = { ...needs, market, place: market, clock: market.clock }
  const provider =
    settings.provider && prover
      ? await Provider.open(
          { ...parts, prover, log: needs.log.topic('provider'), tell: (event) => news.provider(event) },
          settings.provider,
          options,
        )
      : undefined
  const client =
    settings.client === true
      ? new Client({
          ...parts,
          log: needs.log.topic('purchasing'),
          tell: (purchase) => news.purchase(purchase),
          raise: (alert) => news.alert(alert),
          over: (code) => news.over(code),
        })
      : undefined
  const validator =
    settings.validator &&
    new Validator(
      { ...parts, log: needs.log.topic('validator'), tell: (marked) => news.marked(marked) },
      settings.validator,
    )
  return { prover, provider, client, validator }
}

export function purchaseReport({ id, state, problem }: Purchase): PurchaseReport {
  return { requestId: id, state, problem }
}
