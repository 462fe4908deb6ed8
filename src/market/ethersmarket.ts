// EthersMarket: the marketplace contract behind one JSON-RPC endpoint as a Market. It puts together what its neighbours do.

import type { AbortOptions } from '../lib/abort.ts'
import type { Seconds } from '../lib/units.ts'
import { requestId, slotId } from '../protocol/ids.ts'
import { checkedRequest, type RequestId, type SlotId, type StorageRequest } from '../protocol/request.ts'
import type { Datastore } from '../storage/datastore.ts'
import { Allowance } from './allowance.ts'
import { blockAtTime } from './blockattime.ts'
import { blockInterval } from './blockinterval.ts'
import { ChainReader } from './chainreader.ts'
import type { ChainClock } from './chainclock.ts'
import { Collecting } from './collecting.ts'
import { checkedAddress, Connection, type ConnectionParts, type ConnectionSettings } from './connection.ts'
import type { EarlierOptions, EarlierSend } from './earliersend.ts'
import { EventFeed } from './eventfeed.ts'
import { DEFAULT_PRIORITY_FEE_WEI, FeeSource } from './feesource.ts'
import { fillerOf } from './fillerof.ts'
import { fillSlot } from './fillslot.ts'
import { GAS_PERCENT } from './gaspercent.ts'
import type { Groth16Proof } from './groth16proof.ts'
import type { Intent } from './intent.ts'
import type { HoldKey, KeyHold } from './keyhold.ts'
import { LogReader } from './logreader.ts'
import type {
  Address,
  CollectOutcome,
  EndpointStatus,
  FillOutcome,
  Landed,
  Market,
  MarkOutcome,
  OpenIntent,
  Outcome,
  ReserveOutcome,
  Slot,
  Spending,
  SubmitOutcome,
  WithdrawOutcome,
} from './market.ts'
import type { MarketplaceTerms } from './marketplaceterms.ts'
import { MarketReads } from './marketreads.ts'
import type { ContractEvent, EventPlace, MarketEvent } from './marketevent.ts'
import type { NodeKey } from './nodekey.ts'
import type { Period } from './periodicity.ts'
import { outcome } from './outcome.ts'
import { revertError, revertName } from './reverts.ts'
import { stopped } from './rpcclient.ts'
import { PENDING_BLOCK, pendingTime } from './pendingblock.ts'
import { SendJournal } from './sendjournal.ts'
import { SpendingCap } from './spendingcap.ts'
import { Transactor } from './transactor.ts'

/** What {@link EthersMarket.open} works with. */
export interface EthersMarketParts extends ConnectionParts {
  readonly key: NodeKey
  /** Holds the journal of transactions. One node, one datastore, one key. */
  readonly datastore: Datastore
  /** Where another process of the same user could have the same key. */
  readonly holdKey?: HoldKey | undefined
}

/** Where the contract is, and what may be spent on it. */
export interface EthersMarketSettings extends ConnectionSettings {
  /** Gets the rewards of finished slots; collateral always returns to the key's own address. Silent: the key's own. */
  readonly rewardRecipient?: Address
  /** Blocks, its own included, until a transaction counts as done. 1 by default. */
  readonly confirmations?: number
  /** Tip for the makers of blocks where the network suggests none; what it suggests wins. 1 gwei by default. The whole price has its cap in the key. */
  readonly maxPriorityFeePerGasWei?: bigint
  /** For gas and coins sent, in a day, at most. 0.1 coin (10^17 wei) by default. */
  readonly maxDailySpendWei?: bigint
  /** Not mined for so long, a transaction is offered more for. */
  readonly stuckSeconds?: Seconds
}

/** Of a payment to somebody else. */
export interface PayOptions extends AbortOptions {
  /** Tells whoever asked. A run that ends before that is over leaves the payment among {@link EthersMarket.earlierSends} of the next. */
  readonly tell?: (landed: Landed) => Promise<void>
}

export const DEFAULT_CONFIRMATIONS = 1
/** A tenth of a coin. */
export const DEFAULT_MAX_DAILY_SPEND_WEI = 100_000_000_000_000_000n
export const DEFAULT_STUCK_SECONDS: Seconds = 60
/** How far apart blocks come. */
const KEPT_SECONDS: Seconds = 600

/** The marketplace contract over a JSON-RPC endpoint: what a node reads of it and, signed and journalled before it is sent, what it does there. */
export class EthersMarket extends MarketReads implements Market {
  /** Address of the contract. */
  readonly marketplace: Address
  readonly chainId: number
  /** Hash of the chain's first block; undefined where the endpoint does not tell. */
  readonly genesis: string | undefined
  /** The chain's time. */
  readonly clock: ChainClock
  readonly #connection: Connection
  readonly #feed: EventFeed
  readonly #fees: FeeSource
  readonly #transactor: Transactor
  readonly #allowance: Allowance
  readonly #collecting: Collecting
  /** Ends questions of ours when it is stopped. */
  readonly #stopping = new AbortController()
  readonly #hold: KeyHold | undefined
  #interval: { readonly at: Seconds; readonly seconds: Seconds } | undefined

  private constructor(
    parts: EthersMarketParts,
    settings: EthersMarketSettings,
    connection: Connection,
    found: {
      readonly marketplace: Address
      readonly token: Address
      readonly terms: MarketplaceTerms
      readonly reader: ChainReader
      readonly journal: SendJournal
      readonly hold: KeyHold | undefined
    },
  ) {
    const { key, clock, log } = parts
    const { rpc, heads, chainClock } = connection
    const { marketplace, token, terms, reader, journal, hold } = found
    super({ rpc, reader, terms, token, host: key.address })
    this.#hold = hold
    this.marketplace = marketplace
    this.chainId = heads.chainId
    this.genesis = heads.genesis
    this.clock = chainClock
    this.#connection = connection
    this.#feed = new EventFeed({ rpc, heads, log, reader: new LogReader({ rpc, clock, log }, marketplace) })
    const priorityFeeWei = settings.maxPriorityFeePerGasWei ?? DEFAULT_PRIORITY_FEE_WEI
    this.#fees = new FeeSource({ rpc, heads, clock }, { priorityFeeWei, maxGasPriceWei: key.maxGasPriceWei })
    this.#transactor = new Transactor(
      {
        rpc,
        heads,
        key,
        clock,
        log,
        fees: this.#fees,
        journal,
        contracts: { marketplace, token },
        redo: (entry) => this.#collecting.again(entry),
      },
      {
        confirmations: settings.confirmations ?? DEFAULT_CONFIRMATIONS,
        cap: new SpendingCap({ journal, clock, heads }, settings.maxDailySpendWei ?? DEFAULT_MAX_DAILY_SPEND_WEI),
        stuckSeconds: settings.stuckSeconds ?? DEFAULT_STUCK_SECONDS,
      },
    )
    this.#allowance = new Allowance({
      reader,
      transactor: this.#transactor,
      token,
      marketplace,
      host: this.host,
      clock,
      journal,
    })
    this.#collecting = new Collecting({
      ...{ market: this, reader, transactor: this.#transactor, wall: clock, log },
      rewardRecipient: settings.rewardRecipient === undefined ? undefined : checkedAddress(settings.rewardRecipient),
    })
  }

  /**
   * Connects, makes sure of chain and contract, reads the terms, and looks after what an earlier run had sent. Tries until it succeeds unless
   * told otherwise.
   * @throws CodexError as {@link Connection.open} and {@link HoldKey}, `market/bad-answer` when the contract is none of ours, and as the datastore
   */
  static async open(
    parts: EthersMarketParts,
    settings: EthersMarketSettings,
    options: AbortOptions,
  ): Promise<EthersMarket> {
    const connection = new Connection(parts, settings)
    let hold: KeyHold | undefined
    try {
      const marketplace = await connection.open(options)
      const reader = new ChainReader({ ...connection, log: parts.log }, marketplace, parts.key.address)
      const [terms, token] = await connection.persist(
        () => Promise.all([reader.terms(options), reader.tokenAddress(options)]),
        options,
      )
      const { chainId, genesis } = connection.heads
      const account = { chainId, genesis, address: parts.key.address }
      // Before the journal is read: whoever holds the key writes it.
      hold = await parts.holdKey?.(account, options)
      const journal = await SendJournal.of(parts.datastore, account, parts.log)
      const market = new EthersMarket(parts, settings, connection, { marketplace, token, terms, reader, journal, hold })
      await market.#transactor.start()
      return market
    } catch (error) {
      await connection.close()
      await hold?.release()
      throw error
    }
  }

  /** Nothing of it runs once settled. What was sent and is under way is in the journal. */
  async stop(): Promise<void> {
    // First, so that what it waits for ends.
    await this.#transactor.stop()
    this.#stopping.abort(stopped())
    await this.#collecting.stop()
    await this.#connection.close()
    await this.#hold?.release()
  }

  /** Messages sent to the endpoint so far. */
  get requests(): number {
    return this.#connection.rpc.requests
  }

  events(options: AbortOptions & { readonly from: number }): AsyncIterable<MarketEvent> {
    return this.#feed.events(options)
  }

  pastEvents(options: AbortOptions & { readonly from: number; readonly to?: number }): AsyncIterable<ContractEvent> {
    return this.#feed.pastEvents(options)
  }

  blockAt(time: Seconds, options: AbortOptions): Promise<number> {
    return blockAtTime(this.#connection, time, options)
  }

  /** How much the marketplace may take of our tokens. */
  allowance(options: AbortOptions): Promise<bigint> {
    return this.#allowance.current(options)
  }

  async requestStorage(
    input: StorageRequest,
    options: AbortOptions,
  ): Promise<Landed & { readonly requestId: RequestId }> {
    const request = checkedRequest(input)
    if (request.client !== this.host) {
      // What the contract would say, before the allowance is raised in vain.
      throw revertError('requestStorage', '0x698d3c62', `client ${request.client}, sender ${this.host}`)
    }
    const id = requestId(request)
    const { slots, duration, pricePerBytePerSecond, slotSize } = request.ask
    const price = slots * duration * pricePerBytePerSecond * slotSize
    const intent: Intent = { verb: 'requestStorage', requestId: id, request }
    const send = () => this.#send(intent, undefined, options)
    const landed = await (this.#transactor.isUnderWay(intent) ? send() : this.#allowance.during(price, options, send))
    return { ...landed, requestId: id }
  }

  withdrawFunds(id: RequestId, options: AbortOptions): Promise<WithdrawOutcome> {
    return outcome(this.#send({ verb: 'withdrawFunds', requestId: id }, undefined, options), {
      Marketplace_NothingToWithdraw: 'nothing to withdraw',
      Marketplace_InvalidState: 'not over yet',
    })
  }

  reserveSlot(
    { requestId, slotIndex }: Slot,
    { validUntil, signal }: AbortOptions & { readonly validUntil?: Seconds },
  ): Promise<ReserveOutcome> {
    const id = slotId(requestId, slotIndex)
    const intent: Intent = { verb: 'reserveSlot', slotId: id, requestId, slotIndex }
    return outcome(this.#send(intent, validUntil, { signal }), {
      SlotReservations_ReservationNotAllowed: 'reservation not allowed',
      withdrawn: 'withdrawn',
    })
  }

  fillSlot(slot: Slot, proof: Groth16Proof, options: AbortOptions): Promise<FillOutcome> {
    const { clock } = this
    const [connection, transactor, allowance] = [this.#connection, this.#transactor, this.#allowance]
    return fillSlot({ market: this, connection, transactor, allowance, clock }, slot, proof, options)
  }

  async submitProof(id: SlotId, period: Period, proof: Groth16Proof, options: AbortOptions): Promise<SubmitOutcome> {
    const end = this.periodicity.endOf(period)
    const isOver = this.clock.now() >= end
    // A clock that is wrong must not keep a proof back that is due.
    if (isOver && (await this.#nextBlockTime(options)) >= end) {
      const sentence = `period ${period} ended ${this.clock.now() - end} seconds ago`
      return { done: false, why: 'period over', sentence }
    }
    const intent: Intent = { verb: 'submitProof', slotId: id, period, proof }
    const answers = {
      Proofs_ProofAlreadySubmitted: 'already submitted',
      Marketplace_ProofNotSubmittedByHost: 'not our slot',
      Marketplace_UnknownRequest: 'not our slot',
      withdrawn: 'period over',
    } as const
    try {
      return await outcome(this.#send(intent, end - 1, options), answers)
    } catch (error) {
      // To a block of the next period a proof of this one is wrong, however right it was.
      if (!(error instanceof Error) || revertName(error) !== 'Proofs_InvalidProof') throw error
      const now = await this.#nextBlockTime(this.#stopping)
      if (Math.max(now, this.#connection.heads.latest.timestamp) < end) throw error
      return { done: false, why: 'period over', sentence: error.message }
    }
  }

  collect(id: SlotId, options: AbortOptions): Promise<CollectOutcome> {
    return this.#collecting.collect(id, options)
  }

  fillerOf(event: EventPlace, options: AbortOptions): Promise<Address> {
    return fillerOf(this.#connection.rpc, this.marketplace, event, options)
  }

  collected(id: SlotId, options: AbortOptions): Promise<bigint | undefined> {
    return this.#collecting.collected(id, options)
  }

  async abandon(id: SlotId, options: AbortOptions): Promise<Outcome<'not filled' | 'not our slot'>> {
    const [state, host] = await Promise.all([this.slotState(id, options), this.hostOf(id, options)])
    const sentence = `the slot reads ${state}, its host is ${host ?? 'nobody'}`
    if (state !== 'Filled') return { done: false, why: 'not filled', sentence }
    if (host !== this.host) return { done: false, why: 'not our slot', sentence }
    const intent: Intent = { verb: 'abandon', slotId: id, rewardRecipient: undefined }
    return outcome(this.#send(intent, undefined, options), {
      Marketplace_InvalidSlotHost: 'not our slot',
      Marketplace_SlotIsFree: 'not filled',
      Marketplace_AlreadyPaid: 'not filled',
    })
  }

  markProofAsMissing(id: SlotId, period: Period, options: AbortOptions): Promise<MarkOutcome> {
    const intent: Intent = { verb: 'markProofAsMissing', slotId: id, period }
    const last = this.periodicity.endOf(period) + this.terms.proofs.timeout - 1
    return outcome(this.#send(intent, last, options), {
      Marketplace_SlotNotAcceptingProofs: 'not markable',
      Proofs_PeriodNotEnded: 'period not over',
      Proofs_ValidationTimedOut: 'too late',
      withdrawn: 'too late',
      Proofs_ProofNotMissing: 'not markable',
      Proofs_ProofNotRequired: 'not markable',
      Proofs_ProofAlreadyMarkedMissing: 'not markable',
    })
  }

  /** Sends tokens of the key elsewhere. @throws CodexError as all writes, and as {@link PayOptions.tell} */
  sendTokens(to: Address, amount: bigint, options: PayOptions): Promise<Landed> {
    return this.#pay({ verb: 'sendToken', to: checkedAddress(to), amount }, options)
  }

  /** Sends coins of the key elsewhere, in wei. @throws CodexError as all writes, and as {@link PayOptions.tell} */
  sendCoins(to: Address, amount: bigint, options: PayOptions): Promise<Landed> {
    return this.#pay({ verb: 'sendCoin', to: checkedAddress(to), amount }, options)
  }

  async #pay(intent: Intent, { signal, tell }: PayOptions): Promise<Landed> {
    const landed = await this.#send(intent, undefined, { signal })
    await tell?.(landed)
    await this.#transactor.markAnswered(landed.hash)
    return landed
  }

  /**
   * Tokens and coins that earlier runs sent, or were sending when they ended, whose senders may not know what became of them: whoever sends them once
   * more pays twice. Told again at each start until {@link EthersMarket.markAnswered}, but for those that were not made.
   * @throws CodexError `market/stopped`, or the signal's reason
   */
  earlierSends(options: EarlierOptions): Promise<readonly EarlierSend[]> {
    return this.#transactor.earlierSends(options)
  }

  /** Whoever asked for the payment that was sent as `hash` knows that it was made. @throws CodexError as the datastore */
  markAnswered(hash: string): Promise<void> {
    return this.#transactor.markAnswered(hash)
  }

  async blockInterval(options: AbortOptions): Promise<Seconds> {
    const now = this.clock.now()
    if (this.#interval === undefined || Math.abs(now - this.#interval.at) > KEPT_SECONDS)
      this.#interval = { at: now, seconds: await blockInterval(this.#connection, options) }
    return this.#interval.seconds
  }

  gasPrice(options: AbortOptions): Promise<bigint> {
    return this.#fees.likely(options)
  }

  openIntents(): readonly OpenIntent[] {
    return this.#transactor.open()
  }

  spending(): Spending {
    return this.#transactor.spending()
  }

  endpointStatus(): EndpointStatus {
    const status = this.#connection.status()
    return status.state === 'connected' ? { ...status, historyFrom: this.#feed.historyFrom } : status
  }

  /** As the endpoint sees it; as our clock does where it does not tell. */
  async #nextBlockTime(options: AbortOptions): Promise<Seconds> {
    const [pending] = await this.#connection.rpc.callMany([PENDING_BLOCK], options)
    return pendingTime(pending) ?? this.clock.now()
  }

  #send(intent: Intent, validUntil: Seconds | undefined, options: AbortOptions): Promise<Landed> {
    return this.#transactor.send({ intent, gasPercent: GAS_PERCENT[intent.verb], validUntil }, options)
  }
}
