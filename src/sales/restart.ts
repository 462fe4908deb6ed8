// What becomes of each Reservation at start: taken up again in which phase, or settled as what. A table over what the chain says and what our
// records say; asking and acting are the agent's.

import type { SlotState } from '../market/chainstates.ts'
import type { ResumedSale } from './sale.ts'
import type { SaleOutcome } from './saleoutcome.ts'

/**
 * Of our fillSlot: `in flight`: signed and its end unknown; `unknown`: our record says sent, nothing is in flight, and nobody has looked yet
 * what became of it.
 */
export type FillFate = 'never sent' | 'in flight' | 'landed' | 'unknown'

export interface FoundAtStart {
  readonly state: SlotState
  /** The chain names us as the slot's host. */
  readonly isOurs: boolean
  readonly fill: FillFate
  /** What the chain says is, or was, left of the collateral. */
  readonly currentCollateral: bigint
}

export type RestartDecision =
  | { readonly do: 'resume'; readonly at: ResumedSale['at'] }
  | { readonly do: 'settle'; readonly outcome: SaleOutcome }
  /** Nothing is released until the chain has told what became of the fill. */
  | { readonly do: 'find out' }

/** Total: every combination has its row. */
export function decideAtStart({ state, isOurs, fill, currentCollateral }: FoundAtStart): RestartDecision {
  return DECISIONS[RESTART_TABLE[state][isOurs ? 'ours' : 'not ours'][fill]](currentCollateral)
}

type Row = Readonly<Record<FillFate, keyof typeof DECISIONS>>

const resume = (at: ResumedSale['at']) => (): RestartDecision => ({ do: 'resume', at })
const settleAs = (outcome: SaleOutcome) => (): RestartDecision => ({ do: 'settle', outcome })

const DECISIONS = {
  reserving: resume('reserving'),
  filling: resume('filling'),
  filled: resume('filled'),
  collecting: resume('collecting'),
  'find out': (): RestartDecision => ({ do: 'find out' }),
  'other host': settleAs({ end: 'declined', why: 'filled by another host' }),
  'not free': settleAs({ end: 'declined', why: 'slot not free' }),
  cancelled: settleAs({ end: 'cancelled', filled: false }),
  failed: settleAs({ end: 'failed', filled: false }),
  paid: (collateral: bigint): RestartDecision => ({
    do: 'settle',
    outcome: { end: 'paid', payout: { reward: 0n, collateral } },
  }),
} as const

/** The same whatever our records say of the fill. */
const always = (decision: keyof typeof DECISIONS): Row => ({
  'never sent': decision,
  'in flight': decision,
  landed: decision,
  unknown: decision,
})
/** A fill that landed was taken from us since, which costs what was at stake, or undone by a reorganisation, which costs nothing: looked into, as one of unknown fate. */
const notOurs = (neverSent: keyof typeof DECISIONS): Row => ({
  'never sent': neverSent,
  'in flight': 'filling',
  landed: 'find out',
  unknown: 'find out',
})

/** What the chain names as ours is ours, whatever our records say; the rest depends on what we sent. */
export const RESTART_TABLE: Readonly<Record<SlotState, { readonly ours: Row; readonly 'not ours': Row }>> = {
  Free: { ours: always('find out'), 'not ours': notOurs('reserving') },
  Filled: { ours: always('filled'), 'not ours': notOurs('other host') },
  Finished: { ours: always('collecting'), 'not ours': notOurs('not free') },
  // Paid to us, at the end or for the time until the expiry: the reward was told when it was collected.
  Paid: { ours: always('paid'), 'not ours': notOurs('not free') },
  Cancelled: { ours: always('collecting'), 'not ours': notOurs('cancelled') },
  Failed: { ours: always('collecting'), 'not ours': notOurs('failed') },
  Repair: { ours: always('find out'), 'not ours': notOurs('reserving') },
}
