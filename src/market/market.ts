// Market: the chain as sales, purchasing and validation see it. A seam; how an endpoint is spoken to is not here (ethersmarket.ts).

import type { AbortOptions } from '../lib/abort.ts'
import type { CodexError } from '../lib/errors.ts'
import type { Seconds } from '../lib/units.ts'
import type { RequestId, SlotId, StorageRequest } from '../protocol/request.ts'
import type { RequestState, SlotState } from './chainstates.ts'
import type { Groth16Proof } from './groth16proof.ts'
import type { IntentVerb } from './intent.ts'
import type { ContractEvent, EventPlace, MarketEvent } from './marketevent.ts'
import type { MarketplaceTerms } from './marketplaceterms.ts'
import type { Period } from './periodicity.ts'

/** `0x` and lower-case hex digits of 20 bytes. */
export type Address = string

/** A slot by the request it belongs to. */
export interface Slot {
  readonly requestId: RequestId
  readonly slotIndex: number
}

/** A slot that some host filled, with its whole request. */
export interface ActiveSlot extends Slot {
  readonly slotId: SlotId
  readonly request: StorageRequest
}

/** What one period asks of a slot. */
export interface ProofDuty {
  readonly slotId: SlotId
  readonly period: Period
  /** `now`: a proof is required; `soon`: it will be once the pointer has left the downtime. */
  readonly due: 'now' | 'soon'
  /** `0x` and hex digits of 32 bytes. May change within the period only where the pointer wraps from 255 to 0. */
  readonly challenge: string
  /** 0 to 255. It grows by one with each block. */
  readonly pointer: number
}

/** A slot as one block sees it, the block that would come next. */
export interface SlotDuty {
  readonly slotId: SlotId
  readonly state: SlotState
  /** The period of the block that answered. */
  readonly period: Period
  readonly duty: ProofDuty | undefined
  /** As {@link ProofDuty.pointer}, where none is due too: when it comes around one may be. Undefined where the contract did not tell. */
  readonly pointer?: number | undefined
  /** Why the contract did not tell whether a proof is due: then `duty` says nothing, and has to be asked for again. */
  readonly problem?: CodexError
}

/** A transaction of ours that is in the chain. */
export interface Landed {
  readonly hash: string
  readonly block: number
  readonly blockHash: string
  readonly gasUsed: bigint
  /** Paid for gas, in wei. */
  readonly feeWei: bigint
}

/** What a proof of a slot has to answer, as the next block would see it. */
export interface Challenge {
  /** `0x` and hex digits of 32 bytes. Stays the same until the pointer wraps from 255 to 0. */
  readonly challenge: string
  /** 0 to 255. It grows by one with each block. */
  readonly pointer: number
}

/** Done, or an answer that is no fault: somebody else was quicker, time was over. Then nothing was taken from us but perhaps gas. */
export type Outcome<Why extends string, Done = Landed> =
  | { readonly done: true; readonly transaction: Done }
  | { readonly done: false; readonly why: Why; /** For people. */ readonly sentence: string }

/** Of reserving a slot. `withdrawn`: it was of no use any more, or made way for proofs. */
export type ReserveOutcome = Outcome<'reservation not allowed' | 'withdrawn'>
/** Of filling a slot. */
export type FillOutcome = Outcome<
  'slot not free' | 'reservation missing' | 'proof already in this period' | 'period over' | 'request over'
>
/** Of submitting a proof. */
export type SubmitOutcome = Outcome<'already submitted' | 'not our slot' | 'period over'>
/** With the tokens that the contract paid out, collateral included, to us and to the reward recipient. */
export type CollectOutcome = Outcome<
  'not over yet' | 'already paid' | 'not our slot',
  Landed & { readonly received: bigint }
>
/** Of marking a proof as missing. `period not over`: as the block sees it that was asked, which may lag behind the one that told us: ask again. */
export type MarkOutcome = Outcome<'not markable' | 'period not over' | 'too late'>
/** Of withdrawing what is left of a request's price. */
export type WithdrawOutcome = Outcome<'nothing to withdraw' | 'not over yet'>

/** A transaction that was signed and whose end is not known yet. */
export interface OpenIntent {
  readonly verb: IntentVerb
  readonly requestId: RequestId | undefined
  readonly slotId: SlotId | undefined
  readonly nonce: number
  /** Of every form it was sent in: a replacement has a hash of its own. */
  readonly hashes: readonly string[]
  /** Why nothing more can be done for it though it waits too long: a person has to act. */
  readonly stuck?: CodexError<'market/stuck'> | undefined
}

/**
 * What is known of the way to the chain. `problem` is a sentence for people; `drift` is how far the chain's time is ahead of this machine's clock (behind, when
 * negative), where that is more than some seconds; `historyFrom` is the first block whose events the endpoint has, where it was found to lack earlier ones.
 */
export type EndpointStatus =
  | { readonly state: 'connected'; readonly drift?: Seconds | undefined; readonly historyFrom?: number | undefined }
  | { readonly state: 'unreachable' | 'wrong chain'; readonly since: Seconds; readonly problem: string }

/** What the daily cap leaves to a key, in wei. */
export interface Spending {
  readonly capWei: bigint
  /** In the last day, with what may follow of all that is under way. */
  readonly takenWei: bigint
  /** Of that, what still counts so many hours from now, from 0 to 23. */
  readonly laterWei: readonly bigint[]
  /** What duties cost in a day at the pace of the last hours. */
  readonly dutiesPerDayWei: bigint
  /** The dearest kind of act that the cap refused and would refuse again: a duty may use all of it, anything else four fifths. */
  readonly refused: 'duty' | 'act' | undefined
}

/**
 * Errors of every verb that asks the chain: `market/unreachable` (the endpoint gave no usable answer for a while), `market/rate-limited`,
 * `market/wrong-chain`, `market/bad-answer`, `market/rpc-error`, `market/answer-too-long`, `market/batch-refused` (of a call that travelled alone),
 * `market/stopped`; or the signal's reason. State is read as the next block would see it.
 *
 * Writes honour `signal` up to signing; once sent, they wait for the receipt. They throw a `market/…` error for what the contract or the token
 * refuses beyond their outcomes (its detail names the `revert`), `market/out-of-gas`, and `wallet/…` when a cap of the key stands in the way.
 * The same act asked for twice at once is sent once.
 */
export interface Market {
  /** Our own address: the sender of all transactions. */
  readonly host: Address
  readonly terms: MarketplaceTerms

  /** Everything from block `from` on, as far back as the endpoint has it, then what comes: history and live on one path. Ends only by the signal. */
  events(options: AbortOptions & { readonly from: number }): AsyncIterable<MarketEvent>
  /** What happened in blocks `from` to `to` (the newest when silent), then ends. Throws `market/history-missing` where the endpoint has not all of it. */
  pastEvents(options: AbortOptions & { readonly from: number; readonly to?: number }): AsyncIterable<ContractEvent>
  /** The block whose time is nearest to `time`, the later one of two equally near. Never beyond the ends of what the endpoint has: of `Infinity` the newest. */
  blockAt(time: Seconds, options: AbortOptions): Promise<number>

  /** Undefined when the contract knows no such request. */
  request(id: RequestId, options: AbortOptions): Promise<StorageRequest | undefined>
  /** Undefined when the contract knows no such request. */
  requestState(id: RequestId, options: AbortOptions): Promise<RequestState | undefined>
  /** When it ends, or ended, in chain seconds. */
  requestEnd(id: RequestId, options: AbortOptions): Promise<Seconds | undefined>
  /** When it is cancelled unless it has started, in chain seconds. */
  requestExpiry(id: RequestId, options: AbortOptions): Promise<Seconds | undefined>
  /** `Free` also for a slot that the contract knows nothing of. */
  slotState(id: SlotId, options: AbortOptions): Promise<SlotState>
  /** The slot's request and index; undefined while nobody has filled it. */
  activeSlot(id: SlotId, options: AbortOptions): Promise<ActiveSlot | undefined>
  /** Who holds it; undefined while nobody does. */
  hostOf(id: SlotId, options: AbortOptions): Promise<Address | undefined>
  /** What is left of the collateral put into the slot. Not reset when the slot is paid. */
  currentCollateral(id: SlotId, options: AbortOptions): Promise<bigint>
  /** What filling the slot would take from us now: the full collateral, or less in repair. Undefined for an unknown request. */
  slotCollateral(slot: Slot, options: AbortOptions): Promise<bigint | undefined>
  /** Whether the contract would let us reserve it now. */
  canReserveSlot(slot: Slot, options: AbortOptions): Promise<boolean>
  /** Whether one of the slot's reservations is ours already, from an earlier run perhaps: then it cannot be reserved once more, and may be filled. */
  hasReservedSlot(slot: Slot, options: AbortOptions): Promise<boolean>
  /** Proofs of it that were marked as missing. */
  missingProofs(id: SlotId, options: AbortOptions): Promise<number>
  /**
   * Whether the contract would take it now that the proof of this period is missing. Undefined where the period is not over yet as the block sees it that was
   * asked: no answer, for that one may lag behind.
   */
  canMarkProofAsMissing(id: SlotId, period: Period, options: AbortOptions): Promise<boolean | undefined>
  /** Those we hold as the contract knows it, paid ones excepted. */
  mySlots(options: AbortOptions): Promise<readonly SlotId[]>
  /** Ours that the contract still lists. */
  myRequests(options: AbortOptions): Promise<readonly RequestId[]>
  /** Undefined when the slot owes no proof in this period, or the chain is in another period by now. Throws {@link SlotDuty.problem}. */
  proofDuty(id: SlotId, period: Period, options: AbortOptions): Promise<ProofDuty | undefined>
  /** State and duty of many slots in a few requests, in the order of `ids`. */
  slotDuties(ids: readonly SlotId[], options: AbortOptions): Promise<readonly SlotDuty[]>
  /** Also of a slot that nobody has filled: its first proof answers this. */
  challenge(id: SlotId, options: AbortOptions): Promise<Challenge>
  /** Seconds from one block to the next, of late; 0 where there is no saying. May be some minutes old. */
  blockInterval(options: AbortOptions): Promise<Seconds>
  /** Our tokens. */
  tokenBalance(options: AbortOptions): Promise<bigint>
  /** Our coins for gas, in wei. */
  coinBalance(options: AbortOptions): Promise<bigint>
  /** What a unit of gas is likely to cost now, in wei. */
  gasPrice(options: AbortOptions): Promise<bigint>

  /** Pays the price of the whole request into the contract; `client` must be {@link Market.host}. */
  requestStorage(request: StorageRequest, options: AbortOptions): Promise<Landed & { readonly requestId: RequestId }>
  /** Takes back what is left of the price of a request of ours that is over. */
  withdrawFunds(id: RequestId, options: AbortOptions): Promise<WithdrawOutcome>
  /** Takes one of the few places among which a slot's host is chosen. @param options `validUntil`: chain time after which a place is of no use any more; `withdrawn` then, and where it made way for proofs */
  reserveSlot(slot: Slot, options: AbortOptions & { readonly validUntil?: Seconds }): Promise<ReserveOutcome>
  /** Raises the allowance by the collateral first. The proof answers the period the chain is in, and is withdrawn at its end. */
  fillSlot(slot: Slot, proof: Groth16Proof, options: AbortOptions): Promise<FillOutcome>
  /** Who filled a slot, by the `SlotFilled` that told of it. @throws also where that stands in the chain no more */
  fillerOf(event: EventPlace & { readonly slotId: SlotId }, options: AbortOptions): Promise<Address>
  /** For the period the chain is in; `period` is the one the proof was made for. */
  submitProof(id: SlotId, period: Period, proof: Groth16Proof, options: AbortOptions): Promise<SubmitOutcome>
  /** Takes earnings and collateral of a slot that is over. Refuses, sending nothing, unless it reads Finished, Cancelled or Failed. */
  collect(id: SlotId, options: AbortOptions): Promise<CollectOutcome>
  /** What a {@link Market.collect} of ours received, whose answer was lost: of this run, or of the one before. Undefined where none is known. */
  collected(id: SlotId, options: AbortOptions): Promise<bigint | undefined>
  /** Gives a filled slot up: its whole collateral and all it earned are LOST. */
  abandon(id: SlotId, options: AbortOptions): Promise<Outcome<'not filled' | 'not our slot'>>
  /** Tells the contract that the slot's host gave no proof in this period; a share of what the host loses is ours. */
  markProofAsMissing(id: SlotId, period: Period, options: AbortOptions): Promise<MarkOutcome>

  /** Signed transactions whose end is unknown, those of an earlier run included. Release nothing that one of them may still take. */
  openIntents(): readonly OpenIntent[]
  /** What the daily cap of the key leaves to it. */
  spending(): Spending
  /** As far as is known, without asking. */
  endpointStatus(): EndpointStatus
}
