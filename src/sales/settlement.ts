// What every end of a sale means for the accounts: the table, and nothing else. No input or output; reservations.ts acts on it.

import type { DeclineReason, SaleOutcome } from './saleoutcome.ts'

/** Of the collateral that was committed, what is ours again: all of it, or this amount in token base units. */
export type CollateralDue = 'all' | bigint

export type Settlement =
  | {
      /** The Reservation ends: its data goes, its bytes and this collateral come back. */
      readonly ends: true
      readonly collateral: CollateralDue
      /** The slot goes back into the queue, marked seen: another Availability, or a change of one, may take it. */
      readonly again: boolean
    }
  /** Everything stays as it is: the sale goes on at the next start. */
  | { readonly ends: false }

/** Total: every outcome has its row. */
export function settle(outcome: SaleOutcome): Settlement {
  switch (outcome.end) {
    case 'paid':
      return ends(outcome.payout.collateral)
    case 'declined':
      return ends('all', AGAIN_AFTER[outcome.why])
    case 'cancelled':
      return ends(outcome.filled ? outcome.payout.collateral : 'all')
    case 'failed':
      // A request fails with all its filled slots: what was put into ours is lost.
      return ends(outcome.filled ? 0n : 'all')
    case 'freed':
      return ends(0n)
    case 'broke':
      return ends('all')
    case 'paused':
      return { ends: false }
  }
}

/** Only what a change of our own can mend is tried again, what was never decided, and what peers may give later. */
const AGAIN_AFTER: Readonly<Record<DeclineReason, boolean>> = {
  'no availability': true,
  'bad terms': false,
  'slot not free': false,
  'reservations full': false,
  'filled by another host': false,
  'no answer': true,
  'too few tokens': true,
  'gas budget': true,
  'few coins': true,
  'no room': true,
  'prover full': true,
  'too late': false,
  'too slow': false,
  'no data': true,
}

function ends(collateral: CollateralDue, again = false): Settlement {
  return { ends: true, collateral, again }
}
