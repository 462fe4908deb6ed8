// What the rows of the marketplace need of a node: a few verbs of sales, purchasing, validation and the chain. The classes of those rooms have them; ids
// are checked where they come in, so they are plain texts here.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import type { CodexError } from '../lib/errors.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import type { StorageRequest } from '../protocol/request.ts'

export interface MarketplaceParts {
  /** Raised by the node so far, the latest first. */
  readonly alerts: readonly AlertLook[]
  readonly market: MarketLook
  /** The chain's. */
  readonly clock: Pick<Clock, 'now'>
  readonly selling: Selling | undefined
  readonly buying: Buying | undefined
  /** Slots that a validator watches. */
  readonly validating: { readonly watched: readonly string[] } | undefined
}

/** What a person has to know, the money at stake (token base units), and the one thing to do. */
export interface AlertLook {
  readonly code: string
  readonly at: Seconds
  readonly cause: string
  readonly atStake: bigint | undefined
  readonly action: string
  /** Chain time at which its cause was over. */
  readonly over?: Seconds | undefined
}

/** How one slot of ours ended, in token base units. */
export interface EarningLook {
  readonly at: Seconds
  readonly requestId: string
  readonly slotIndex: number
  readonly end: string
  readonly reward: bigint
  readonly lostCollateral: bigint
}

export interface MarketLook {
  /** Our own address. */
  readonly host: string
  /** Address of the contract. */
  readonly marketplace: string
  readonly terms: {
    readonly collateral: { readonly maxNumberOfSlashes: number; readonly slashPercentage: number }
    readonly proofs: { readonly period: Seconds; readonly timeout: Seconds }
    readonly requestDurationLimit: Seconds
  }
  mySlots(options: AbortOptions): Promise<readonly string[]>
  activeSlot(id: string, options: AbortOptions): Promise<ActiveSlotLook | undefined>
  request(id: string, options: AbortOptions): Promise<StorageRequest | undefined>
  /** Chain time; undefined for a request that the chain does not know. */
  requestEnd(id: string, options: AbortOptions): Promise<Seconds | undefined>
  slotState(id: string, options: AbortOptions): Promise<string>
  tokenBalance(options: AbortOptions): Promise<bigint>
  coinBalance(options: AbortOptions): Promise<bigint>
  endpointStatus(): {
    readonly state: string
    readonly since?: Seconds
    readonly problem?: string
    /** Seconds that the chain's time is ahead of the machine's clock, where that is too much. */
    readonly drift?: Seconds | undefined
  }
  openIntents(): readonly OpenIntentLook[]
}

export interface OpenIntentLook {
  /** Why nothing more can be done for a transaction that waits too long. */
  readonly stuck?: CodexError | undefined
}

export interface ActiveSlotLook {
  readonly requestId: string
  readonly slotIndex: number
  readonly request: StorageRequest
}

export interface SellingTerms {
  readonly totalSize: Bytes
  readonly duration: Seconds
  readonly minPricePerBytePerSecond: bigint
  readonly totalCollateral: bigint
  readonly enabled: boolean
  readonly until: Seconds
}

export interface AvailabilityLook extends SellingTerms {
  readonly id: string
  readonly freeSize: Bytes
  readonly totalRemainingCollateral: bigint
}

export interface ReservationLook {
  readonly id: string
  readonly availabilityId: string
  readonly requestId: string
  readonly slotIndex: number
  readonly slotBytes: Bytes
  readonly size: Bytes
  readonly collateral: bigint
  readonly validUntil: Seconds
}

export interface SaleLook {
  readonly slotId: string
  readonly requestId: string
  readonly slotIndex: number
  readonly state: string
  /** Chain time. */
  readonly since: Seconds
  /** Since when the slot is ours on chain; undefined while it is not. */
  readonly filledAt?: Seconds | undefined
  readonly phase: PhaseLook | undefined
  readonly proven: number
  readonly missed: number
  /** Period of the latest proof in the chain. */
  readonly provenIn?: number | undefined
  readonly reservation: ReservationLook | undefined
  readonly why: string | undefined
}

/** Each phase has some of these. */
export interface PhaseLook {
  readonly at: string
  readonly doneBytes?: Bytes
  readonly totalBytes?: Bytes
  readonly until?: Seconds
  readonly period?: number
}

export interface DecisionLook {
  readonly at: Seconds
  readonly requestId: string
  readonly slotIndex: number | undefined
  readonly verdict: string
  readonly reasons: readonly string[]
}

export interface Selling {
  readonly reservations: {
    availabilities(): readonly AvailabilityLook[]
    availability(id: string): AvailabilityLook | undefined
    reservations(): readonly ReservationLook[]
    reservationsOf(id: string): readonly ReservationLook[]
    delete(id: string): Promise<void>
    /** One sentence for each thing that is wrong with the accounts. */
    check(options: AbortOptions): Promise<readonly string[]>
  }
  readonly sales: { readonly queue: { readonly size: number } }
  createAvailability(terms: NewSellingTerms): Promise<AvailabilityLook>
  changeAvailability(id: string, changes: Partial<SellingTerms>): Promise<AvailabilityLook>
  /** Under way. */
  list(): readonly SaleLook[]
  /** Over since the start, the latest first. */
  ended(): readonly SaleLook[]
  decisions(count: number, requestId?: string): readonly DecisionLook[]
  /** Over restarts too, the latest so many, the oldest of them first. */
  readonly earnings: readonly EarningLook[]
  /** Of all, in token base units. */
  readonly earningTotals: { readonly reward: bigint; readonly lostCollateral: bigint }
  /** Since the start. */
  readonly proofs: { readonly submitted: number; readonly missed: number }
  readonly meter: { readonly lastSeconds: number | undefined; readonly developmentMark: string | undefined }
  /** Why nothing new is taken; empty while it sells. */
  readonly holds: readonly string[]
  /** From now on, and over restarts; settles once it is on record. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** Takes nothing new; settles when the last sale has ended. */
  drain(options: AbortOptions): Promise<void>
}

export type NewSellingTerms = Omit<SellingTerms, 'enabled' | 'until'> & Partial<SellingTerms>

export interface PurchaseLook {
  readonly id: string
  readonly request: StorageRequest
  readonly state: string
  /** Why it ended as it did; undefined while all is well. */
  readonly problem: string | undefined
}

export interface PurchaseOffer {
  readonly duration: Seconds
  readonly expiry: Seconds
  readonly pricePerBytePerSecond: bigint
  readonly collateralPerByte: bigint
  readonly proofProbability?: bigint | undefined
  /** Slots in all. */
  readonly nodes: number
  /** Of them, how many may be lost. */
  readonly tolerance: number
}

export interface Buying {
  readonly purchasing: {
    readonly purchases: readonly PurchaseLook[]
    purchase(id: string): PurchaseLook | undefined
    /** Settles once what is left of a request of this key was taken back. @throws CodexError `purchase/*`, and as the chain */
    withdraw(id: string, options: AbortOptions): Promise<PurchaseLook>
  }
  /** Settles once the purchase is on record. @throws CodexError `purchase/*`, `erasure/*`, and as stores and network */
  buy(cid: Cid, offer: PurchaseOffer, options: AbortOptions): Promise<PurchaseLook>
}
