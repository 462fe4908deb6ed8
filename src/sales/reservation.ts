// A Reservation: the bytes and the collateral that one slot has taken from its Availability. Plain data; the arithmetic is in
// reservations.ts.

import type { Bytes, Seconds } from '../lib/units.ts'
import type { RequestId } from '../protocol/request.ts'
import type { AvailabilityId } from './availability.ts'

declare const BRAND: unique symbol

/** `0x` and lower-case hex digits of 32 random bytes. */
export type ReservationId = `0x${string}` & { readonly [BRAND]: 'ReservationId' }

/** Lives until its request is over. */
export interface Reservation {
  readonly id: ReservationId
  readonly availabilityId: AvailabilityId
  readonly requestId: RequestId
  readonly slotIndex: number
  /** Taken from the Availability; fixed. */
  readonly slotBytes: Bytes
  /** Of `slotBytes`, what is still reserved: what is missing was really added to the store. */
  readonly size: Bytes
  /** Committed, in token base units; fixed. */
  readonly collateral: bigint
  /** When the request ends: the Availability's `until` may not be moved before it. */
  readonly validUntil: Seconds
  /** Of the request: on average one of so many periods asks for a proof. Unknown of what was taken before this was kept. */
  readonly proofProbability?: bigint | undefined
  /** The list of leaves in the store that names the slot's blocks by their index in the dataset, and keeps them. */
  readonly listId: number
  /** Text of the CID of the dataset's tree, known from the first block on. Its leaves at the slot's indices go with the slot. */
  readonly tree?: string | undefined
  /** How far the fill is: `sent` from before the transaction is signed, `landed` once it is known to be in the chain. */
  readonly fill?: 'sent' | 'landed' | undefined
  /** Number of the newest block when a fill was first sent; unknown of slots that were filled before this was kept, and of adopted ones. */
  readonly sentBlock?: number | undefined
  /**
   * Number of the block of the fill, of an adopted slot that of the newest one by then: an endpoint whose newest block is an earlier one cannot know of the
   * fill. Unknown where the answer to the transaction did not come.
   */
  readonly filledBlock?: number | undefined
  /** What the fill took from our account: less than `collateral` in repair. Unknown as `sentBlock`. */
  readonly stake?: bigint | undefined
  /** Chain time at which the fill was first known to be in the chain; unknown of slots that were filled before this was kept, and of adopted ones. */
  readonly filledAt?: Seconds | undefined
  /** Set once it is being settled: how much of the collateral is ours again. From then on it takes no blocks. */
  readonly returnedCollateral?: bigint | undefined
}
