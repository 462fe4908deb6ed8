// Market over a fake chain, for one host: what an endpoint and a pool of transactions may do to it is the caller's choice, call by call.
// Nothing in it waits but on the clock it is given.

import type { AbortOptions } from '../../src/lib/abort.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { CodexError } from '../../src/lib/errors.ts'
import type { Seconds } from '../../src/lib/units.ts'
import { FILL_MARGIN_SECONDS } from '../../src/market/fillslot.ts'
import type { Groth16Proof } from '../../src/market/groth16proof.ts'
import type { IntentVerb } from '../../src/market/intent.ts'
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
  Spending,
  SubmitOutcome,
  WithdrawOutcome,
} from '../../src/market/market.ts'
import { collateralToFill, type MarketplaceTerms } from '../../src/market/marketplaceterms.ts'
import type { ContractEvent, EventPlace, MarketEvent } from '../../src/market/marketevent.ts'
import { MARKETPLACE, TOKEN } from '../../src/market/marketplaceinterface.ts'
import { type Period, Periodicity } from '../../src/market/periodicity.ts'
import { revertError } from '../../src/market/reverts.ts'
import { requestId as requestIdOf, slotId as slotIdOf } from '../../src/protocol/ids.ts'
import type { RequestId, SlotId, StorageRequest } from '../../src/protocol/request.ts'
import { ChainRevert } from './chainrevert.ts'
import type { Block, Executed } from './fakechain.ts'
import { MARKETPLACE_ADDRESS, type FakeChainWorld } from './fakechainworld.ts'
import { NOBODY } from './fakerecords.ts'

export type MarketVerb = keyof Market

/** What goes wrong with one question. `stale`: what was answered to it last time, if it was asked before. */
export type CallFault =
  { readonly is: 'fails' } | { readonly is: 'stale' } | { readonly is: 'late'; readonly seconds: Seconds }
/**
 * What goes wrong with one transaction. `refused`: the endpoint does not take it; `lost`: it gets into no block for so long;
 * `answer lost`: it lands, and nobody hears of it.
 */
export type SendFault =
  { readonly is: 'refused' } | { readonly is: 'lost'; readonly seconds: Seconds } | { readonly is: 'answer lost' }
/** What goes wrong with one event. `late`: behind the next one. */
export type HearFault = 'lost' | 'twice' | 'late'

export interface MarketFaults {
  call?(verb: MarketVerb): CallFault | undefined
  send?(verb: IntentVerb): SendFault | undefined
  hear?(event: MarketEvent): HearFault | undefined
}

export interface FakeMarketOptions {
  readonly faults?: MarketFaults | undefined
  /** Hands every answer to the node: may hold it back, or keep it for ever. */
  readonly deliver?: (<T>(what: string, value: T) => Promise<T>) | undefined
}

/** How old a stale answer may be. */
const MAX_STALE_SECONDS = 120
/** Answers kept to be given again. */
const MAX_REMEMBERED = 500
const GAS_USED = 100_000n

interface Ended {
  readonly executed: Executed<unknown> | undefined
  readonly block: Block
}

export class FakeMarket implements Market {
  readonly host: Address
  readonly marketplace: string
  readonly terms: MarketplaceTerms
  /** Gas costs nothing, unless a test says so. */
  gasPriceWei = 0n
  coinsWei = 10n ** 18n
  capWei = 10n ** 18n
  readonly #world: FakeChainWorld
  readonly #clock: Clock
  readonly #periods: Periodicity
  readonly #faults: MarketFaults
  readonly #deliver: <T>(what: string, value: T) => Promise<T>
  readonly #answered = new Map<string, { readonly value: unknown; readonly at: Seconds }>()
  readonly #underWay = new Map<string, Promise<unknown>>()

  /** @param clock the node's; only waits of late answers use it */
  constructor(world: FakeChainWorld, host: Address, clock: Clock, { faults = {}, deliver }: FakeMarketOptions = {}) {
    this.#world = world
    this.host = host
    this.#clock = clock
    this.marketplace = world.marketplace.address
    this.terms = world.marketplace.configuration
    this.#periods = new Periodicity(this.terms.proofs.period)
    this.#faults = faults
    this.#deliver = deliver ?? (async (_, value) => value)
  }

  async *events({ from, signal }: AbortOptions & { readonly from: number }): AsyncGenerator<MarketEvent, void, void> {
    const rings = this.#world.heads.listen({ signal })
    let heard = this.#world.told.length
    yield* this.#heard(await this.#ask('events', String(from), { signal }, () => this.#world.standing(from)))
    for (;;) {
      await rings.next()
      const fresh = this.#world.told.slice(heard)
      heard += fresh.length
      if (fresh.length === 0) continue
      yield* this.#heard(await this.#deliver('events', fresh))
      if (this.#faults.call?.('events')?.is === 'fails') throw unreachable('events')
    }
  }

  async *pastEvents({
    from,
    to,
    signal,
  }: AbortOptions & { readonly from: number; readonly to?: number }): AsyncGenerator<ContractEvent, void, void> {
    yield* await this.#ask('pastEvents', `${from}-${to}`, { signal }, () => this.#world.standing(from, to))
  }

  blockAt(time: Seconds, options: AbortOptions): Promise<number> {
    const { chain } = this.#world
    return this.#ask('blockAt', String(time), options, () => {
      let [low, high] = [0, chain.latest.number]
      while (low < high) {
        const middle = (low + high) >>> 1
        if ((chain.block(middle)?.time ?? 0) < time) low = middle + 1
        else high = middle
      }
      const distance = (number: number) => Math.abs((chain.block(number)?.time ?? Infinity) - time)
      return low > 0 && distance(low - 1) < distance(low) ? low - 1 : low
    })
  }

  request(id: RequestId, options: AbortOptions): Promise<StorageRequest | undefined> {
    return this.#ask('request', id, options, () => this.#records.requests.get(id)?.request)
  }

  requestState(id: RequestId, options: AbortOptions) {
    return this.#ask(
      'requestState',
      id,
      options,
      () => this.#records.requests.get(id) && this.#pending(() => this.#records.requestState(id)),
    )
  }

  requestEnd(id: RequestId, options: AbortOptions): Promise<Seconds | undefined> {
    return this.#ask(
      'requestEnd',
      id,
      options,
      () => this.#records.requests.get(id) && Number(this.#pending(() => this.#records.requestEnd(id))),
    )
  }

  requestExpiry(id: RequestId, options: AbortOptions): Promise<Seconds | undefined> {
    return this.#ask('requestExpiry', id, options, () => Number(this.#records.requestExpiry(id)) || undefined)
  }

  slotState(id: SlotId, options: AbortOptions) {
    return this.#ask('slotState', id, options, () => this.#pending(() => this.#records.slotState(id)))
  }

  activeSlot(id: SlotId, options: AbortOptions): Promise<ActiveSlot | undefined> {
    return this.#ask('activeSlot', id, options, () => {
      const found = this.#records.slots.get(id)
      if (found === undefined) return undefined
      const { request } = this.#records.known(found.requestId)
      return { slotId: id, requestId: found.requestId, slotIndex: Number(found.slotIndex), request }
    })
  }

  hostOf(id: SlotId, options: AbortOptions): Promise<Address | undefined> {
    return this.#ask('hostOf', id, options, () => {
      const host = this.#records.getHost(id)
      return host === NOBODY ? undefined : host
    })
  }

  currentCollateral(id: SlotId, options: AbortOptions): Promise<bigint> {
    return this.#ask('currentCollateral', id, options, () => this.#records.currentCollateral(id))
  }

  slotCollateral({ requestId, slotIndex }: Slot, options: AbortOptions): Promise<bigint | undefined> {
    return this.#ask('slotCollateral', `${requestId}/${slotIndex}`, options, () => {
      const request = this.#records.requests.get(requestId)?.request
      if (request === undefined) return undefined
      const state = this.#pending(() => this.#records.slotState(slotIdOf(requestId, slotIndex)))
      return collateralToFill(this.terms, { ...request.ask, isRepair: state === 'Repair' })
    })
  }

  canReserveSlot({ requestId, slotIndex }: Slot, options: AbortOptions): Promise<boolean> {
    return this.#ask('canReserveSlot', `${requestId}/${slotIndex}`, options, () =>
      this.#pending(() => this.#world.marketplace.canReserveSlot(this.host, requestId, BigInt(slotIndex))),
    )
  }

  hasReservedSlot({ requestId, slotIndex }: Slot, options: AbortOptions): Promise<boolean> {
    return this.#ask('hasReservedSlot', `${requestId}/${slotIndex}`, options, () =>
      this.#world.marketplace.reserversOf(slotIdOf(requestId, slotIndex)).includes(this.host),
    )
  }

  missingProofs(id: SlotId, options: AbortOptions): Promise<number> {
    return this.#ask('missingProofs', id, options, () => Number(this.#records.missingProofs(id)))
  }

  canMarkProofAsMissing(id: SlotId, period: Period, options: AbortOptions): Promise<boolean | undefined> {
    return this.#ask('canMarkProofAsMissing', `${id}/${period}`, options, () =>
      this.#pending(() => isAllowed(() => this.#world.marketplace.proofs.canMarkProofAsMissing(id, BigInt(period)))),
    )
  }

  mySlots(options: AbortOptions): Promise<readonly SlotId[]> {
    return this.#ask('mySlots', '', options, () => this.#records.mySlots(this.host) as readonly SlotId[])
  }

  myRequests(options: AbortOptions): Promise<readonly RequestId[]> {
    return this.#ask('myRequests', '', options, () => this.#records.myRequests(this.host) as readonly RequestId[])
  }

  async proofDuty(id: SlotId, period: Period, options: AbortOptions): Promise<ProofDuty | undefined> {
    const [found] = await this.slotDuties([id], options)
    return found?.period === period ? found.duty : undefined
  }

  slotDuties(ids: readonly SlotId[], options: AbortOptions): Promise<readonly SlotDuty[]> {
    return this.#ask('slotDuties', ids.join(), options, () =>
      this.#pending(() => ids.map((slotId) => this.#dutyOf(slotId))),
    )
  }

  challenge(id: SlotId, options: AbortOptions): Promise<Challenge> {
    const { proofs } = this.#world.marketplace
    return this.#ask('challenge', id, options, () =>
      this.#pending(() => ({ challenge: proofs.getChallenge(id), pointer: proofs.getPointer(id) })),
    )
  }

  tokenBalance(options: AbortOptions): Promise<bigint> {
    return this.#ask('tokenBalance', '', options, () => this.#world.token.balanceOf(this.host))
  }

  async coinBalance(): Promise<bigint> {
    return this.coinsWei
  }

  async blockInterval(): Promise<Seconds> {
    const { chain } = this.#world
    const { number, time } = chain.latest
    return time - (chain.block(number - 1)?.time ?? time)
  }

  async gasPrice(): Promise<bigint> {
    return this.gasPriceWei
  }

  async requestStorage(
    request: StorageRequest,
    options: AbortOptions,
  ): Promise<Landed & { readonly requestId: RequestId }> {
    const { slots, duration, pricePerBytePerSecond, slotSize } = request.ask
    const requestId = requestIdOf(request)
    const landed = await this.#send('requestStorage', { requestId }, options, () => {
      this.#allow(slots * duration * pricePerBytePerSecond * slotSize)
      return this.#world.marketplace.requestStorage(this.host, request)
    })
    return { ...landed, requestId }
  }

  withdrawFunds(requestId: RequestId, options: AbortOptions): Promise<WithdrawOutcome> {
    const withdraw = () => this.#world.marketplace.withdrawFunds(this.host, requestId)
    return answered(this.#send('withdrawFunds', { requestId }, options, withdraw), {
      Marketplace_NothingToWithdraw: 'nothing to withdraw',
      Marketplace_InvalidState: 'not over yet',
    })
  }

  reserveSlot(
    { requestId, slotIndex }: Slot,
    options: AbortOptions & { readonly validUntil?: Seconds },
  ): Promise<ReserveOutcome> {
    const id = slotIdOf(requestId, slotIndex)
    const reserve = () => this.#world.marketplace.reserveSlot(this.host, requestId, BigInt(slotIndex))
    return answered(this.#send('reserveSlot', { requestId, slotId: id, ...options }, options, reserve), {
      withdrawn: 'withdrawn',
      SlotReservations_ReservationNotAllowed: 'reservation not allowed',
    })
  }

  async fillSlot(slot: Slot, proof: Groth16Proof, options: AbortOptions): Promise<FillOutcome> {
    const { requestId, slotIndex } = slot
    const id = slotIdOf(requestId, slotIndex)
    const record = this.#records.requests.get(requestId)
    if (record === undefined) throw this.#refusal('fillSlot', new ChainRevert('Marketplace_UnknownRequest'))
    const [state, requestState] = this.#pending(() => [
      this.#records.slotState(id),
      this.#records.requestState(requestId),
    ])
    if (state !== 'Free' && state !== 'Repair')
      return { done: false, why: 'slot not free', sentence: `the slot reads ${state}` }
    const last = Number(requestState === 'New' ? record.expiresAt : record.endsAt) - FILL_MARGIN_SECONDS
    if (this.#now > last || (requestState !== 'New' && requestState !== 'Started'))
      return { done: false, why: 'request over', sentence: 'the request is over, or soon will be' }
    const fill = () => {
      // As much as the contract takes: the slot may be in repair by then.
      this.#allow(
        collateralToFill(this.terms, { ...record.request.ask, isRepair: this.#records.slotState(id) === 'Repair' }),
      )
      this.#world.marketplace.fillSlot(this.host, requestId, BigInt(slotIndex), proof)
    }
    const lastOfProof = this.#periods.endOf(this.#periods.periodOf(this.#now)) - 1
    const validUntil = Math.min(last, lastOfProof)
    return answered(this.#send('fillSlot', { requestId, slotId: id, validUntil }, options, fill), {
      Marketplace_SlotNotFree: 'slot not free',
      Marketplace_ReservationRequired: 'reservation missing',
      Proofs_ProofAlreadySubmitted: 'proof already in this period',
      Marketplace_StartNotBeforeExpiry: 'request over',
      withdrawn: lastOfProof < last ? 'period over' : 'request over',
    })
  }

  fillerOf(
    { slotId: id, block, blockHash }: EventPlace & { readonly slotId: SlotId },
    options: AbortOptions,
  ): Promise<Address> {
    return this.#ask('fillerOf', `${block}/${id}`, options, () => {
      const { chain, marketplace } = this.#world
      const filler = chain.block(block)?.hash === blockHash ? marketplace.fillerIn(block, id) : undefined
      if (filler === undefined) throw new CodexError('market/bad-answer', 'this event stands in the chain no more')
      return filler
    })
  }

  async submitProof(id: SlotId, period: Period, proof: Groth16Proof, options: AbortOptions): Promise<SubmitOutcome> {
    const end = this.#periods.endOf(period)
    if (this.#now >= end) return { done: false, why: 'period over', sentence: `period ${period} is over` }
    const submit = () => this.#world.marketplace.submitProof(this.host, id, proof)
    return answered(this.#send('submitProof', { slotId: id, validUntil: end - 1, period }, options, submit), {
      Proofs_ProofAlreadySubmitted: 'already submitted',
      Marketplace_ProofNotSubmittedByHost: 'not our slot',
      Marketplace_UnknownRequest: 'not our slot',
      withdrawn: 'period over',
    })
  }

  async collect(id: SlotId, options: AbortOptions): Promise<CollectOutcome> {
    const state = await this.slotState(id, options)
    if (state === 'Filled') return { done: false, why: 'not over yet', sentence: 'the slot reads Filled' }
    if (state === 'Paid') return { done: false, why: 'already paid', sentence: 'the slot was paid' }
    if (state === 'Free' || state === 'Repair' || this.#records.getHost(id) !== this.host)
      return { done: false, why: 'not our slot', sentence: 'the slot is not ours' }
    let received = 0n
    const free = () => {
      // The state may be another in the block that runs it: what is filled is never freed.
      if (this.#records.slotState(id) === 'Filled') throw new ChainRevert('Marketplace_SlotNotFree')
      const before = this.#world.token.balanceOf(this.host)
      this.#world.marketplace.freeSlot(this.host, id)
      received = this.#world.token.balanceOf(this.host) - before
      this.#world.collected.set(id, received)
    }
    const outcome = await answered<'not over yet' | 'already paid' | 'not our slot'>(
      this.#send('collect', { slotId: id }, options, free),
      {
        Marketplace_SlotNotFree: 'not over yet',
        Marketplace_AlreadyPaid: 'already paid',
        Marketplace_InvalidSlotHost: 'not our slot',
        Marketplace_SlotIsFree: 'not our slot',
      },
    )
    return outcome.done ? { done: true, transaction: { ...outcome.transaction, received } } : outcome
  }

  collected(id: SlotId, options: AbortOptions): Promise<bigint | undefined> {
    return this.#ask('collected', id, options, () => this.#world.collected.get(id))
  }

  async abandon(id: SlotId, options: AbortOptions): Promise<Outcome<'not filled' | 'not our slot'>> {
    const state = await this.slotState(id, options)
    if (state !== 'Filled') return { done: false, why: 'not filled', sentence: `the slot reads ${state}` }
    const free = () => this.#world.marketplace.freeSlot(this.host, id)
    return answered(this.#send('abandon', { slotId: id }, options, free), {
      Marketplace_InvalidSlotHost: 'not our slot',
    })
  }

  markProofAsMissing(id: SlotId, period: Period, options: AbortOptions): Promise<MarkOutcome> {
    const mark = () => this.#world.marketplace.markProofAsMissing(this.host, id, BigInt(period))
    return answered(this.#send('markProofAsMissing', { slotId: id, period }, options, mark), {
      Marketplace_SlotNotAcceptingProofs: 'not markable',
      Proofs_PeriodNotEnded: 'period not over',
      Proofs_ValidationTimedOut: 'too late',
      withdrawn: 'too late',
      Proofs_ProofNotMissing: 'not markable',
      Proofs_ProofNotRequired: 'not markable',
      Proofs_ProofAlreadyMarkedMissing: 'not markable',
    })
  }

  openIntents(): readonly OpenIntent[] {
    return this.#world.openIntents(this.host)
  }

  spending(): Spending {
    return {
      capWei: this.capWei,
      takenWei: 0n,
      laterWei: new Array<bigint>(24).fill(0n),
      dutiesPerDayWei: 0n,
      refused: undefined,
    }
  }

  endpointStatus(): EndpointStatus {
    return { state: 'connected' }
  }

  get #records() {
    return this.#world.marketplace.records
  }

  get #now(): Seconds {
    return this.#world.clock.now()
  }

  /** As the next block would see it. */
  #pending<T>(call: () => T): T {
    return this.#world.chain.view(call, Math.max(this.#now, this.#world.chain.latest.time))
  }

  #dutyOf(slotId: SlotId): SlotDuty {
    const { proofs } = this.#world.marketplace
    const period = this.#periods.periodOf(this.#world.chain.executing.time)
    const state = this.#records.slotState(slotId)
    const isNow = state === 'Filled' && proofs.isProofRequired(slotId)
    const isSoon = state === 'Filled' && !isNow && proofs.willProofBeRequired(slotId)
    if (state !== 'Filled') return { slotId, state, period, duty: undefined }
    const pointer = proofs.getPointer(slotId)
    if (!isNow && !isSoon) return { slotId, state, period, duty: undefined, pointer }
    const challenge = proofs.getChallenge(slotId)
    return { slotId, state, period, pointer, duty: { slotId, period, due: isNow ? 'now' : 'soon', challenge, pointer } }
  }

  /** What of these events gets here, in which order. */
  #heard(events: readonly MarketEvent[]): readonly MarketEvent[] {
    const { hear } = this.#faults
    if (hear === undefined) return events
    const heard: MarketEvent[] = []
    let late: MarketEvent | undefined
    for (const event of events) {
      const fault = hear.call(this.#faults, event)
      if (fault === 'late' && late === undefined) {
        late = event
        continue
      }
      if (fault !== 'lost') heard.push(event)
      if (fault === 'twice') heard.push(event)
      if (late !== undefined) heard.push(late)
      late = undefined
    }
    if (late !== undefined) heard.push(late)
    return heard
  }

  async #ask<T>(verb: MarketVerb, key: string, { signal }: AbortOptions, read: () => T): Promise<T> {
    signal.throwIfAborted()
    const fault = this.#faults.call?.(verb)
    if (fault?.is === 'late') await this.#clock.until(this.#clock.now() + fault.seconds, { signal })
    if (fault?.is === 'fails') throw await this.#deliver(verb, unreachable(verb))
    const place = `${verb}/${key}`
    const before = fault?.is === 'stale' ? this.#answered.get(place) : undefined
    if (before !== undefined && before.at >= this.#now - MAX_STALE_SECONDS)
      return this.#deliver(verb, before.value as T)
    const value = read()
    if (this.#faults.call !== undefined) {
      if (this.#answered.size >= MAX_REMEMBERED) this.#answered.clear()
      this.#answered.set(place, { value, at: this.#now })
    }
    return this.#deliver(verb, value)
  }

  #send(
    verb: IntentVerb,
    act: {
      readonly requestId?: RequestId
      readonly slotId?: SlotId
      readonly period?: Period
      readonly validUntil?: Seconds
    },
    options: AbortOptions,
    run: () => unknown,
  ): Promise<Landed> {
    const key = `${verb}/${act.slotId ?? act.requestId}/${act.period}`
    const underWay = this.#underWay.get(key) as Promise<Landed> | undefined
    if (underWay !== undefined) return underWay
    const sending = this.#sendOnce(verb, act, options, run).finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, sending)
    return sending
  }

  async #sendOnce(
    verb: IntentVerb,
    {
      requestId,
      slotId,
      validUntil,
    }: { readonly requestId?: RequestId; readonly slotId?: SlotId; readonly validUntil?: Seconds },
    { signal }: AbortOptions,
    run: () => unknown,
  ): Promise<Landed> {
    signal.throwIfAborted()
    const fault = this.#faults.send?.(verb)
    if (fault?.is === 'refused') throw await this.#deliver(verb, unreachable(verb))
    const ended = new Promise<Ended>((resolve) =>
      this.#world.send({
        host: this.host,
        verb,
        requestId,
        slotId,
        validUntil,
        notBefore: fault?.is === 'lost' ? this.#now + fault.seconds : 0,
        run,
        ended: (executed, block) => resolve({ executed, block }),
      }),
    )
    const { executed, block } = await this.#deliver(verb, await ended)
    if (fault?.is === 'answer lost') throw unreachable(verb)
    if (executed === undefined)
      throw new CodexError('market/withdrawn', `${verb}: it was no use any more before it was in a block`)
    if (!executed.ok) throw this.#refusal(verb, executed.revert)
    return { hash: `${block.hash}/${verb}`, block: block.number, blockHash: block.hash, gasUsed: GAS_USED, feeWei: 0n }
  }

  /** For a transaction: lets the marketplace take so much more. */
  #allow(amount: bigint): void {
    const { token } = this.#world
    token.approve(this.host, MARKETPLACE_ADDRESS, token.allowance(this.host, MARKETPLACE_ADDRESS) + amount)
  }

  #refusal(verb: IntentVerb, { error, values }: ChainRevert): CodexError {
    if (values.length > 0) return readRefusal(verb, error, values)
    const known = refusals.get(`${verb}/${error}`)
    if (known !== undefined) return known
    const refusal = readRefusal(verb, error, values)
    refusals.set(`${verb}/${error}`, refusal)
    return refusal
  }
}

/** Of errors without values: as many as there are errors and verbs, and slow to read. */
const refusals = new Map<string, CodexError>()

function readRefusal(verb: IntentVerb, error: string, values: readonly unknown[]): CodexError {
  const known = MARKETPLACE.getError(error) === null ? TOKEN : MARKETPLACE
  const data = known.getError(error) === null ? undefined : known.encodeErrorResult(error, values)
  return revertError(verb, data, error)
}

function unreachable(verb: string): CodexError {
  return new CodexError('market/unreachable', `${verb}: the endpoint gave no answer, as the test asked for`)
}

/** Undefined when it is too early to say. */
function isAllowed(check: () => void): boolean | undefined {
  try {
    check()
    return true
  } catch (error) {
    if (error instanceof ChainRevert) return error.error === 'Proofs_PeriodNotEnded' ? undefined : false
    throw error
  }
}

async function answered<Why extends string>(
  sending: Promise<Landed>,
  answers: Readonly<Record<string, Why>>,
): Promise<Outcome<Why>> {
  try {
    return { done: true, transaction: await sending }
  } catch (error) {
    if (!CodexError.is(error)) throw error
    const name = error.code === 'market/withdrawn' ? 'withdrawn' : String(error.detail['revert'])
    const why = answers[name]
    if (why === undefined) throw error
    return { done: false, why, sentence: error.message }
  }
}
