// EthersMarket: the marketplace contract behind one JSON-RPC endpoint as a Market. It puts together what its neighbours do, and says which
// refusals of the contract are answers and no faults.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Scope } from '../lib/scope.ts'
import type { Seconds } from '../lib/units.ts'
import { requestId, slotId } from '../protocol/ids.ts'
import { checkedRequest, type RequestId, type SlotId, type StorageRequest } from '../protocol/request.ts'
import type { Datastore } from '../storage/datastore.ts'
import { Allowance } from './allowance.ts'
import { blockAtTime } from './blockattime.ts'
import { blockInterval } from './blockinterval.ts'
import { ChainReader } from './chainreader.ts'
import type { ChainClock } from './chainclock.ts'
import { type RequestState, requestStateOf, type SlotState, slotStateOf } from './chainstates.ts'
import { checkedAddress, Connection, type ConnectionParts, type ConnectionSettings } from './connection.ts'
import type { EarlierOptions, EarlierSend } from './earliersend.ts'
import { EventFeed } from './eventfeed.ts'
import { DEFAULT_PRIORITY_FEE_WEI, FeeSource } from './feesource.ts'
import type { Groth16Proof } from './groth16proof.ts'
import { NO_PROOF } from './groth16proof.ts'
import type { Intent } from './intent.ts'
import type { HoldKey, KeyHold } from './keyhold.ts'
import { LogReader } from './logreader.ts'
import type {
  ActiveSlot,
  Address,
  Challenge,
  CollectOutcome,
  EndpointStatus,
  FillOutcome,
  Landed,
  Market,
  MarkOutcome,
  OpenIntent,
  Outcome,
  ProofDuty,
  ReserveOutcome,
  Slot,
  SlotDuty,
  SubmitOutcome,
  WithdrawOutcome,
} from './market.ts'
import { collateralToFill, type MarketplaceTerms } from './marketplaceterms.ts'
import type { ContractEvent, MarketEvent } from './marketevent.ts'
import type { NodeKey } from './nodekey.ts'
import { type Period, Periodicity } from './periodicity.ts'
import { revertError, revertName } from './reverts.ts'
import { paidOut } from './paidout.ts'
import { PENDING_BLOCK, pendingTime } from './pendingblock.ts'
import { readData, readQuantity } from './rpcvalues.ts'
import { type JournalEntry, SendJournal } from './sendjournal.ts'
import type { Settled } from './senttransaction.ts'
import { SpendingCap } from './spendingcap.ts'
import { Transactor } from './transactor.ts'

export interface EthersMarketParts extends ConnectionParts {
  readonly key: NodeKey
  /** Holds the journal of transactions. One node, one datastore, one key. */
  readonly datastore: Datastore
  /** Where another process of the same user could have the same key. */
  readonly holdKey?: HoldKey | undefined
}

export interface EthersMarketSettings extends ConnectionSettings {
  /** Gets the rewards of finished slots; collateral always returns to the key's own address. Silent: the key's own. */
  readonly rewardRecipient?: Address
  /** Blocks, its own included, until a transaction counts as done. */
  readonly confirmations?: number
  readonly maxPriorityFeePerGasWei?: bigint
  /** For gas and coins sent, in a day. */
  readonly maxDailySpendWei?: bigint
  /** Not mined for so long, a transaction is offered more for. */
  readonly stuckSeconds?: Seconds
}

export interface PayOptions extends AbortOptions {
  /** Tells whoever asked. A run that ends before that is over leaves the payment among {@link EthersMarket.earlierSends} of the next. */
  readonly tell?: (landed: Landed) => Promise<void>
}

export const DEFAULT_CONFIRMATIONS = 1
/** A tenth of a coin. */
export const DEFAULT_MAX_DAILY_SPEND_WEI = 100_000_000_000_000_000n
export const DEFAULT_STUCK_SECONDS: Seconds = 60
/** A slot filled in the very block of its request's expiry can never be paid (marketplace reference §3.8): at least so long before it… */
export const FILL_MARGIN_SECONDS: Seconds = 5
/** …and so many blocks, the last of which are for withdrawing a fill that did not get into the first… */
const FILL_MARGIN_BLOCKS = 3
/** …but no longer than this: on a chain made by hand blocks may lie any time apart. */
const MAX_FILL_MARGIN_SECONDS: Seconds = 120

/** Between two looks whether a slot whose collecting was taken back is over again. */
const COLLECT_RETRY_SECONDS: Seconds = 10

/** In percent of the estimate: what may change until a transaction is in a block (marketplace reference §4.2). */
const GAS_PERCENT = {
  requestStorage: 110,
  withdrawFunds: 110,
  // The last one to reserve.
  reserveSlot: 125,
  // The last slot to be filled starts the request.
  fillSlot: 125,
  submitProof: 110,
  // A loss that fails the request.
  collect: 300,
  abandon: 300,
  markProofAsMissing: 150,
} as const

/** What filling is refused with before the reservation was looked at, and for want of it. */
const NOT_RESERVED = ['Marketplace_UnknownRequest', 'Marketplace_InvalidSlot', 'Marketplace_ReservationRequired']

type ContractVerb = keyof typeof GAS_PERCENT

export class EthersMarket implements Market {
  readonly host: Address
  readonly terms: MarketplaceTerms
  /** Address of the contract. */
  readonly marketplace: Address
  readonly token: Address
  readonly chainId: number
  /** The chain's time. */
  readonly clock: ChainClock
  readonly periodicity: Periodicity
  readonly #connection: Connection
  readonly #reader: ChainReader
  readonly #feed: EventFeed
  readonly #transactor: Transactor
  readonly #allowance: Allowance
  readonly #rewardRecipient: Address | undefined
  readonly #wall: Clock
  readonly #log: Log
  readonly #scope: Scope
  readonly #hold: KeyHold | undefined

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
    this.host = key.address
    this.#hold = hold
    this.#wall = clock
    this.#log = log
    this.#scope = new Scope({ report: (error) => log.error('collecting again failed', { error }) })
    this.terms = terms
    this.marketplace = marketplace
    this.token = token
    this.chainId = heads.chainId
    this.clock = chainClock
    this.periodicity = new Periodicity(terms.proofs.period)
    this.#connection = connection
    this.#reader = reader
    this.#feed = new EventFeed({ rpc, heads, log, reader: new LogReader({ rpc, clock, log }, marketplace) })
    const maxPriorityFeeWei = settings.maxPriorityFeePerGasWei ?? DEFAULT_PRIORITY_FEE_WEI
    this.#transactor = new Transactor(
      {
        rpc,
        heads,
        key,
        clock,
        log,
        fees: new FeeSource({ rpc, heads, clock }, { maxPriorityFeeWei, maxGasPriceWei: key.maxGasPriceWei }),
        journal,
        contracts: { marketplace, token },
        redo: (entry) => this.#collectAgain(entry),
      },
      {
        confirmations: settings.confirmations ?? DEFAULT_CONFIRMATIONS,
        cap: new SpendingCap({ journal, clock, heads }, settings.maxDailySpendWei ?? DEFAULT_MAX_DAILY_SPEND_WEI),
        stuckSeconds: settings.stuckSeconds ?? DEFAULT_STUCK_SECONDS,
      },
    )
    this.#allowance = new Allowance({ reader, transactor: this.#transactor, token, marketplace, host: this.host })
    this.#rewardRecipient =
      settings.rewardRecipient === undefined ? undefined : checkedAddress(settings.rewardRecipient)
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
    await this.#scope.close()
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

  request(id: RequestId, options: AbortOptions): Promise<StorageRequest | undefined> {
    return this.#reader.request(id, options)
  }

  async requestState(id: RequestId, options: AbortOptions): Promise<RequestState | undefined> {
    const found = await this.#reader.viewOr('Marketplace_UnknownRequest', 'requestState', [id], 'pending', options)
    return found === undefined ? undefined : requestStateOf(found[0] as bigint)
  }

  async requestEnd(id: RequestId, options: AbortOptions): Promise<Seconds | undefined> {
    const found = await this.#reader.viewOr('Marketplace_UnknownRequest', 'requestEnd', [id], 'pending', options)
    return found === undefined ? undefined : Number(found[0])
  }

  async requestExpiry(id: RequestId, options: AbortOptions): Promise<Seconds | undefined> {
    const [expiry] = await this.#reader.view('requestExpiry', [id], 'latest', options)
    // The contract says 0 of a request it does not know.
    return expiry === 0n ? undefined : Number(expiry)
  }

  async slotState(id: SlotId, options: AbortOptions): Promise<SlotState> {
    const [state] = await this.#reader.view('slotState', [id], 'pending', options)
    return slotStateOf(state as bigint)
  }

  async activeSlot(id: SlotId, options: AbortOptions): Promise<ActiveSlot | undefined> {
    return (await this.#reader.activeSlots([id], options))[0]
  }

  async hostOf(id: SlotId, options: AbortOptions): Promise<Address | undefined> {
    const [host] = await this.#reader.view('getHost', [id], 'latest', options)
    const address = String(host).toLowerCase()
    return /^0x0{40}$/.test(address) ? undefined : address
  }

  async currentCollateral(id: SlotId, options: AbortOptions): Promise<bigint> {
    const [collateral] = await this.#reader.view('currentCollateral', [id], 'latest', options)
    return collateral as bigint
  }

  async slotCollateral(slot: Slot, options: AbortOptions): Promise<bigint | undefined> {
    const [request, state] = await Promise.all([
      this.request(slot.requestId, options),
      this.slotState(slotId(slot.requestId, slot.slotIndex), options),
    ])
    if (request === undefined) return undefined
    const { collateralPerByte, slotSize } = request.ask
    return collateralToFill(this.terms, { collateralPerByte, slotSize, isRepair: state === 'Repair' })
  }

  async canReserveSlot(slot: Slot, options: AbortOptions): Promise<boolean> {
    const args = [slot.requestId, slot.slotIndex]
    return (await this.#reader.view('canReserveSlot', args, 'pending', options))[0] === true
  }

  /** The contract has no view for it; but filling, with a proof that proves nothing, asks for the reservation before it looks at the proof. */
  async hasReservedSlot({ requestId, slotIndex }: Slot, options: AbortOptions): Promise<boolean> {
    try {
      await this.#reader.view('fillSlot', [requestId, slotIndex, NO_PROOF], 'pending', options)
      return true
    } catch (error) {
      if (!CodexError.is(error) || !('revert' in error.detail)) throw error
      return !NOT_RESERVED.includes(String(error.detail['revert']))
    }
  }

  async missingProofs(id: SlotId, options: AbortOptions): Promise<number> {
    return Number((await this.#reader.view('missingProofs', [id], 'latest', options))[0])
  }

  async canMarkProofAsMissing(id: SlotId, period: Period, options: AbortOptions): Promise<boolean> {
    try {
      await this.#reader.view('canMarkProofAsMissing', [id, period], 'pending', options)
      return true
    } catch (error) {
      // Whatever the contract reverts with; an endpoint that fails is no answer.
      if (CodexError.is(error) && 'revert' in error.detail) return false
      throw error
    }
  }

  async mySlots(options: AbortOptions): Promise<readonly SlotId[]> {
    return [...((await this.#reader.view('mySlots', [], 'latest', options))[0] as SlotId[])]
  }

  async myRequests(options: AbortOptions): Promise<readonly RequestId[]> {
    return [...((await this.#reader.view('myRequests', [], 'latest', options))[0] as RequestId[])]
  }

  async proofDuty(id: SlotId, period: Period, options: AbortOptions): Promise<ProofDuty | undefined> {
    const [found] = await this.slotDuties([id], options)
    if (found?.problem !== undefined) throw found.problem
    return found?.period === period ? found.duty : undefined
  }

  slotDuties(ids: readonly SlotId[], options: AbortOptions): Promise<readonly SlotDuty[]> {
    return this.#reader.slotDuties(ids, this.periodicity, options)
  }

  async challenge(id: SlotId, options: AbortOptions): Promise<Challenge> {
    const [[challenge], [pointer]] = await Promise.all([
      this.#reader.view('getChallenge', [id], 'pending', options),
      this.#reader.view('getPointer', [id], 'pending', options),
    ])
    return { challenge: readData(challenge, 'a challenge'), pointer: Number(pointer) }
  }

  tokenBalance(options: AbortOptions): Promise<bigint> {
    return this.#reader.token(this.token, 'balanceOf', [this.host], options)
  }

  async coinBalance(options: AbortOptions): Promise<bigint> {
    const params = [this.host, 'latest']
    return readQuantity(await this.#connection.rpc.call('eth_getBalance', params, options), 'a balance')
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
    const send = () => this.#send(intent, 'requestStorage', undefined, options)
    const landed = await (this.#transactor.isUnderWay(intent) ? send() : this.#allowance.during(price, options, send))
    return { ...landed, requestId: id }
  }

  withdrawFunds(id: RequestId, options: AbortOptions): Promise<WithdrawOutcome> {
    return outcome(this.#send({ verb: 'withdrawFunds', requestId: id }, 'withdrawFunds', undefined, options), {
      Marketplace_NothingToWithdraw: 'nothing to withdraw',
      Marketplace_InvalidState: 'not over yet',
    })
  }

  reserveSlot({ requestId, slotIndex }: Slot, options: AbortOptions): Promise<ReserveOutcome> {
    const id = slotId(requestId, slotIndex)
    const intent: Intent = { verb: 'reserveSlot', slotId: id, requestId, slotIndex }
    return outcome(this.#send(intent, 'reserveSlot', undefined, options), {
      SlotReservations_ReservationNotAllowed: 'reservation not allowed',
    })
  }

  async fillSlot(slot: Slot, proof: Groth16Proof, options: AbortOptions): Promise<FillOutcome> {
    const { requestId, slotIndex } = slot
    const id = slotId(requestId, slotIndex)
    const intent: Intent = { verb: 'fillSlot', slotId: id, requestId, slotIndex, proof }
    const send = (last?: Seconds): Promise<FillOutcome> =>
      outcome(this.#send(intent, 'fillSlot', last, options), {
        Marketplace_SlotNotFree: 'slot not free',
        Marketplace_ReservationRequired: 'reservation missing',
        Proofs_ProofAlreadySubmitted: 'proof already in this period',
        Marketplace_StartNotBeforeExpiry: 'request over',
        withdrawn: 'request over',
      })
    // Its end is the answer. The slot reads as taken already, and would by another host too.
    if (this.#transactor.isUnderWay(intent)) return send()
    const { heads } = this.#connection
    // The last look may be some seconds old.
    await heads.look(options)
    const [slotState, request, state, expiry, end, interval] = await Promise.all([
      this.slotState(id, options),
      this.request(requestId, options),
      this.requestState(requestId, options),
      this.requestExpiry(requestId, options),
      this.requestEnd(requestId, options),
      blockInterval(this.#connection, options),
    ])
    if (request === undefined || state === undefined || expiry === undefined || end === undefined)
      throw revertError('fillSlot', '0xbdd64a7a', 'unknown request')
    // Before the allowance is raised in vain.
    if (slotState !== 'Free' && slotState !== 'Repair')
      return { done: false, why: 'slot not free', sentence: `fillSlot: the slot reads ${slotState}; take another slot` }
    const margin = fillMargin(interval)
    const last = (state === 'New' ? expiry : end) - margin
    // Whichever is later: a clock that lags must not let a slot be filled too late.
    const now = Math.max(this.clock.now(), heads.latest.timestamp)
    if (now > last || (state !== 'New' && state !== 'Started')) {
      const sentence = `fillSlot: the request is over, or will be within ${margin} seconds, and a slot filled too late is never paid`
      return { done: false, why: 'request over', sentence }
    }
    const { collateralPerByte, slotSize } = request.ask
    const collateral = collateralToFill(this.terms, {
      collateralPerByte,
      slotSize,
      isRepair: slotState === 'Repair',
    })
    return this.#allowance.during(collateral, options, () => send(last))
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
      return await outcome(this.#send(intent, 'submitProof', end - 1, options), answers)
    } catch (error) {
      // To a block of the next period a proof of this one is wrong, however right it was.
      if (!(error instanceof Error) || revertName(error) !== 'Proofs_InvalidProof') throw error
      const now = await this.#nextBlockTime({ signal: this.#scope.signal })
      if (Math.max(now, this.#connection.heads.latest.timestamp) < end) throw error
      return { done: false, why: 'period over', sentence: error.message }
    }
  }

  async collect(id: SlotId, options: AbortOptions): Promise<CollectOutcome> {
    // As mined blocks left it, for what the next one may see is too early where the endpoint's clock is ahead.
    const [[word], host] = await Promise.all([
      this.#reader.view('slotState', [id], 'latest', options),
      this.hostOf(id, options),
    ])
    const state = slotStateOf(word as bigint)
    const refuse = (why: 'not over yet' | 'already paid' | 'not our slot'): CollectOutcome => ({
      done: false,
      why,
      sentence: `the slot reads ${state}, its host is ${host ?? 'nobody'}`,
    })
    if (state === 'Filled') return refuse('not over yet')
    if (state === 'Paid') return refuse('already paid')
    if (state === 'Free' || state === 'Repair' || host !== this.host) return refuse('not our slot')
    const active = await this.activeSlot(id, options)
    if (active === undefined) return refuse('not our slot')
    // Of a cancelled request this is its expiry.
    const [end] = await this.#reader.view('requestEnd', [active.requestId], 'latest', options)
    const intent: Intent = { verb: 'collect', slotId: id, rewardRecipient: this.#rewardRecipient }
    const order = { intent, gasPercent: GAS_PERCENT.collect, safeAfter: Number(end) }
    const collected = await outcome<'not over yet' | 'already paid' | 'not our slot', Settled>(
      this.#transactor.settle(order, options),
      {
        notOver: 'not over yet',
        Marketplace_AlreadyPaid: 'already paid',
        Marketplace_InvalidSlotHost: 'not our slot',
        Marketplace_SlotIsFree: 'not our slot',
      },
    )
    if (!collected.done) return collected
    const { landed, logs } = collected.transaction
    return { done: true, transaction: { ...landed, received: paidOut(logs, this) } }
  }

  async collected(id: SlotId, options: AbortOptions): Promise<bigint | undefined> {
    const receipts = await this.#transactor.receiptsOf('collect', id, options)
    const mined = receipts.find(({ succeeded }) => succeeded)
    return mined && paidOut(mined.logs, this)
  }

  /** A reorganisation took back a collect of which the caller knows nothing any more. */
  #collectAgain({ slotId }: JournalEntry): void {
    if (slotId === undefined) return
    this.#scope.spawn('collecting again', async (signal) => {
      for (;;) {
        try {
          const outcome = await this.collect(slotId, { signal })
          if (outcome.done || outcome.why !== 'not over yet') return
        } catch (error) {
          if (signal.aborted || CodexError.is(error, 'market/stopped')) return
          this.#log.warn('collecting again failed; trying until it succeeds', { slotId, error })
        }
        await this.#wall.until(this.#wall.now() + COLLECT_RETRY_SECONDS, { signal })
      }
    })
  }

  async abandon(id: SlotId, options: AbortOptions): Promise<Outcome<'not filled' | 'not our slot'>> {
    const [state, host] = await Promise.all([this.slotState(id, options), this.hostOf(id, options)])
    const sentence = `the slot reads ${state}, its host is ${host ?? 'nobody'}`
    if (state !== 'Filled') return { done: false, why: 'not filled', sentence }
    if (host !== this.host) return { done: false, why: 'not our slot', sentence }
    const intent: Intent = { verb: 'abandon', slotId: id, rewardRecipient: undefined }
    return outcome(this.#send(intent, 'abandon', undefined, options), {
      Marketplace_InvalidSlotHost: 'not our slot',
      Marketplace_SlotIsFree: 'not filled',
      Marketplace_AlreadyPaid: 'not filled',
    })
  }

  markProofAsMissing(id: SlotId, period: Period, options: AbortOptions): Promise<MarkOutcome> {
    const intent: Intent = { verb: 'markProofAsMissing', slotId: id, period }
    return outcome(this.#send(intent, 'markProofAsMissing', undefined, options), {
      Marketplace_SlotNotAcceptingProofs: 'not markable',
      Proofs_PeriodNotEnded: 'not markable',
      Proofs_ValidationTimedOut: 'not markable',
      Proofs_ProofNotMissing: 'not markable',
      Proofs_ProofNotRequired: 'not markable',
      Proofs_ProofAlreadyMarkedMissing: 'not markable',
    })
  }

  /** Sends tokens of the key elsewhere. @throws CodexError as all writes, and as {@link PayOptions.tell} */
  sendTokens(to: Address, amount: bigint, options: PayOptions): Promise<Landed> {
    return this.#pay({ verb: 'sendToken', to: checkedAddress(to), amount }, 200, options)
  }

  /** Sends coins of the key elsewhere, in wei. @throws CodexError as all writes, and as {@link PayOptions.tell} */
  sendCoins(to: Address, amount: bigint, options: PayOptions): Promise<Landed> {
    return this.#pay({ verb: 'sendCoin', to: checkedAddress(to), amount }, 100, options)
  }

  async #pay(intent: Intent, gasPercent: number, { signal, tell }: PayOptions): Promise<Landed> {
    const landed = await this.#transactor.send({ intent, gasPercent }, { signal })
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

  openIntents(): readonly OpenIntent[] {
    return this.#transactor.open()
  }

  endpointStatus(): EndpointStatus {
    return this.#connection.status()
  }

  /** As the endpoint sees it; as our clock does where it does not tell. */
  async #nextBlockTime(options: AbortOptions): Promise<Seconds> {
    const [pending] = await this.#connection.rpc.callMany([PENDING_BLOCK], options)
    return pendingTime(pending) ?? this.clock.now()
  }

  #send(intent: Intent, verb: ContractVerb, validUntil: Seconds | undefined, options: AbortOptions): Promise<Landed> {
    return this.#transactor.send({ intent, gasPercent: GAS_PERCENT[verb], validUntil }, options)
  }
}

function fillMargin(blockInterval: Seconds): Seconds {
  return Math.min(Math.max(FILL_MARGIN_SECONDS, FILL_MARGIN_BLOCKS * blockInterval), MAX_FILL_MARGIN_SECONDS)
}

/** Turns those refusals into answers that `answers` names, by the contract's error, `withdrawn` or `notOver`; all others stay errors. */
async function outcome<Why extends string, Done = Landed>(
  sending: Promise<Done>,
  answers: Readonly<Record<string, Why>>,
): Promise<Outcome<Why, Done>> {
  try {
    return { done: true, transaction: await sending }
  } catch (error) {
    const name = CodexError.is(error, 'market/withdrawn')
      ? 'withdrawn'
      : CodexError.is(error, 'market/not-over-yet')
        ? 'notOver'
        : revertName(error)
    const why = name === undefined ? undefined : answers[name]
    if (why === undefined || !(error instanceof Error)) throw error
    return { done: false, why, sentence: error.message }
  }
}
