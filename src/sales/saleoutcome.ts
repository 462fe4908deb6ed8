// How a sale ends, and what each end is called. What it means for the accounts is in settlement.ts.

import type { CodexError } from '../lib/errors.ts'
import type { SlotWanted } from './availability.ts'

/** What the contract paid out, in token base units. */
export interface Payout {
  readonly reward: bigint
  /** What was left of the collateral. */
  readonly collateral: bigint
}

/**
 * `no answer`: the chain could not be asked before anything was taken; `too few tokens`: our account does not hold what the slot puts at stake
 * beside what other sales will; `gas budget`: the daily cap would not carry the gas of its proofs beside those of all that is held; `few coins`: nor
 * would the purse, for some days; `no room`: its manifest finds none beside what is set aside for slots; `prover full`: proofs of one slot more would
 * take too much of a period; `too late`: it cannot be proven and filled before its deadline any more; `too slow`: its data would not have been here in
 * time; `no data`: peers did not give it for now, and our place on chain stays ours.
 */
export type DeclineReason =
  | 'no availability'
  | 'bad terms'
  | 'slot not free'
  | 'reservations full'
  | 'filled by another host'
  | 'no answer'
  | 'too few tokens'
  | 'gas budget'
  | 'few coins'
  | 'no room'
  | 'prover full'
  | 'too late'
  | 'too slow'
  | 'no data'

export interface Declined {
  readonly end: 'declined'
  readonly why: DeclineReason
  /** What no availability matched. */
  readonly wanted?: SlotWanted
  /** The reason for people, where figures say more than its name. */
  readonly told?: string
}

/** `filled`: the slot was ours on chain when it ended. */
export type SaleOutcome =
  | { readonly end: 'paid'; readonly payout: Payout }
  | Declined
  | { readonly end: 'cancelled'; readonly filled: false }
  /** Paid for the time until the expiry. */
  | { readonly end: 'cancelled'; readonly filled: true; readonly payout: Payout }
  | { readonly end: 'failed'; readonly filled: boolean }
  /** The contract took the slot from us, or we gave it up. */
  | { readonly end: 'freed' }
  /** The node stops: the sale goes on at the next start. */
  | { readonly end: 'paused' }
  /** Only before the fill. */
  | { readonly end: 'broke'; readonly error: CodexError }

export type SaleEnd = SaleOutcome['end']

/** Names shown to people and REST. A paused sale keeps the name of its phase. */
export const OUTCOME_NAMES = {
  paid: 'SaleFinished',
  declined: 'SaleIgnored',
  cancelled: 'SaleCancelled',
  failed: 'SaleFailed',
  freed: 'SaleErrored',
  broke: 'SaleErrored',
} as const satisfies Readonly<Record<Exclude<SaleEnd, 'paused'>, string>>
