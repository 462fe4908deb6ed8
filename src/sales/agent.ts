// SalesAgent: runs one sale, keeps its latest phase for onlookers, and settles its accounts once, however it ended. It decides nothing.

import { Bell } from '../lib/bell.ts'
import { ChildAbort } from '../lib/childabort.ts'
import { assert } from '../lib/errors.ts'
import { RETRY_SECONDS } from '../lib/insist.ts'
import type { Slot } from '../market/market.ts'
import type { Change } from '../storage/datastore.ts'
import type { Reservation, ReservationId } from './reservation.ts'
import type { Reservations } from './reservations.ts'
import type { SaleStart } from './sale.ts'
import { sell } from './sale.ts'
import type { SaleSeams } from './salecontext.ts'
import { OUTCOME_NAMES, type SaleOutcome } from './saleoutcome.ts'
import { PHASE_NAMES, RESUMING_NAME, type SalePhase, mayEnd, mayFollow } from './salephase.ts'
import type { EndOfSale } from './saleteller.ts'
import type { CollateralDue, Settlement } from './settlement.ts'
import { settle } from './settlement.ts'

export interface AgentSeams extends SaleSeams {
  /** What goes on record with the end of a sale, in the same commit. Nothing by default. */
  readonly recordsOf?: ((event: EndOfSale) => readonly Change[]) | undefined
  /** Whether the end of a slot is on record, its payout included. Of none by default. */
  readonly hasEnded?: ((slot: Slot) => boolean) | undefined
  readonly reservations: Pick<
    Reservations,
    | 'find'
    | 'reserveWithin'
    | 'reservationOf'
    | 'markFill'
    | 'countHeld'
    | 'unpaid'
    | 'reservations'
    | 'settle'
    | 'reservation'
  >
}

export interface AgentParts {
  readonly slot: Slot
  readonly seams: AgentSeams
  /** Aborts when the node stops. */
  readonly signal: AbortSignal
  readonly start: SaleStart
  /** Hears of each phase on entry and of its progress. */
  readonly entered: (agent: SalesAgent, phase: SalePhase) => void
}

export class SalesAgent {
  readonly slot: Slot
  readonly #parts: AgentParts
  readonly #pokes = new Bell()
  #decide: (verdict: 'decided' | 'again') => void = () => undefined
  /** Settles when the slot is ours or given up: whoever had it looked at is free for the next. `again`: a change of our terms may mend it. */
  readonly decided = new Promise<'decided' | 'again'>((resolve) => (this.#decide = resolve))
  #phase: SalePhase | undefined
  #outcome: SaleOutcome | undefined
  #taken: ReservationId | undefined
  #ended: Reservation | undefined
  /** Settles when the accounts are settled too, with how it ended. Rejects only for mistakes of our own and for stores that fail. */
  readonly done: Promise<SaleOutcome>

  /** Begins at once. */
  constructor(parts: AgentParts) {
    this.slot = parts.slot
    this.#parts = parts
    if (parts.start.at !== 'preparing') this.#taken = parts.start.reservation.id
    this.done = this.#run()
    // Whoever wants to know awaits it; a failure must not count as unhandled before that.
    this.done.catch(() => undefined)
  }

  /** Where it began: afresh, or where an earlier run left it. */
  get startedAt(): SaleStart['at'] {
    return this.#parts.start.at
  }

  get phase(): SalePhase | undefined {
    return this.#phase
  }

  get outcome(): SaleOutcome | undefined {
    return this.#outcome
  }

  /** The name shown to people and REST. */
  get state(): string {
    if (this.#outcome !== undefined && this.#outcome.end !== 'paused') return OUTCOME_NAMES[this.#outcome.end]
    return this.#phase === undefined ? RESUMING_NAME : PHASE_NAMES[this.#phase.at]
  }

  /** What the sale took, as it was before its end; undefined before it has taken anything. */
  get taken(): Reservation | undefined {
    return this.reservation ?? this.#ended
  }

  /** What the sale has taken, as it is now. */
  get reservation(): Reservation | undefined {
    return this.#taken && this.#parts.seams.reservations.reservation(this.#taken)
  }

  /** The chain told something of this slot or its request: time to look. */
  poke(): void {
    this.#pokes.ring()
  }

  async #run(): Promise<SaleOutcome> {
    const { slot, seams, start, entered } = this.#parts
    // One of its own: hundreds of sales wait, and a platform warns of so many listeners on one signal.
    const abort = new ChildAbort(this.#parts.signal)
    const sale = sell(slot, seams, {
      ...{ signal: abort.signal, start, pokes: this.#pokes },
      decided: () => this.#decide('decided'),
    })
    try {
      for (;;) {
        const { done, value } = await sale.next()
        if (done === true) return await this.#end(value)
        assert(mayFollow(this.#phase?.at, value.at), `a sale goes from ${this.#phase?.at} to ${value.at}`)
        this.#phase = value
        if (value.at === 'reserving') this.#taken = value.reservation.id
        if (value.at === 'filled') this.#decide('decided')
        entered(this, value)
      }
    } finally {
      this.#decide('decided')
      // Of a sale that a mistake of ours broke off in the middle, nothing may go on.
      await sale.return({ end: 'paused' })
      abort.leave()
    }
  }

  /** Also of an aborted sale, and under no signal: the accounts must be right whoever gave up waiting. */
  async #end(outcome: SaleOutcome): Promise<SaleOutcome> {
    assert(mayEnd(this.#phase?.at, outcome.end), `a sale in ${this.#phase?.at} ends as ${outcome.end}`)
    const settlement: Settlement = settle(outcome)
    if (settlement.ends) {
      this.#ended = this.reservation
      if (this.#taken !== undefined) {
        const also = this.#parts.seams.recordsOf?.({ ...this.slot, type: 'end', outcome, reservation: this.#ended })
        if (!(await this.#settle(this.#taken, settlement.collateral, also))) return (this.#outcome = { end: 'paused' })
      }
    }
    this.#outcome = outcome
    if (settlement.ends) this.#decide(settlement.again ? 'again' : 'decided')
    return outcome
  }

  /** Until it is written down. @returns false when the node stops before that: the next start settles it then */
  async #settle(id: ReservationId, collateral: CollateralDue, also?: readonly Change[]): Promise<boolean> {
    const { slot, seams, signal } = this.#parts
    for (;;)
      try {
        await seams.reservations.settle(id, collateral, also, { signal })
        return true
      } catch (error) {
        if (signal.aborted && error === signal.reason) return false
        seams.log.error('the end of a sale could not be written down; trying again', { ...slot, error })
        if (signal.aborted) return false
        await seams.clock.until(seams.clock.now() + RETRY_SECONDS, { signal }).catch(() => undefined)
        if (signal.aborted) return false
      }
  }
}
