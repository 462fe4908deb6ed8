// What becomes of sales, as people hear it: one report for each slot, proofs made and missed, earnings, and alerts where collateral is at stake. It decides
// nothing.

import type { RaisedAlert } from '../lib/alert.ts'
import type { Clock } from '../lib/clock.ts'
import { plainText } from '../lib/plainvalue.ts'
import { RingBuffer } from '../lib/ringbuffer.ts'
import type { Seconds } from '../lib/units.ts'
import type { Market, Slot } from '../market/market.ts'
import type { Period } from '../market/periodicity.ts'
import { slotId } from '../protocol/ids.ts'
import type { SlotId } from '../protocol/request.ts'
import type { SalesAgent } from './agent.ts'
import { actionFor, troubleOf } from './prooftrouble.ts'
import type { Earning, Earnings } from './earnings.ts'
import type { Reservation } from './reservation.ts'
import { OUTCOME_NAMES } from './saleoutcome.ts'
import { RESUMING_NAME, type SalePhase } from './salephase.ts'
import type { EndOfSale, SaleEvent } from './saleteller.ts'

export type ProviderEvent =
  | { readonly type: 'sale'; readonly sale: SaleReport }
  | { readonly type: 'proof'; readonly sale: SaleReport; readonly result: 'submitted' | 'missed' }
  | { readonly type: 'earning'; readonly earning: Earning }
  | { readonly type: 'alert'; readonly alert: RaisedAlert }
  /** The cause of the alerts with this code is over. */
  | { readonly type: 'over'; readonly code: string }

/** One sale as it is, in plain data. */
export interface SaleReport extends Slot {
  readonly slotId: SlotId
  /** As {@link SALE_STATE_NAMES} has it. */
  readonly state: string
  /** Chain time at which it entered that state; of a filled slot, since when it is ours, over restarts too where that is on record. */
  readonly since: Seconds
  /** Since when the slot is ours on chain, until it is paid; of a fill that is not on record, since this run first saw it. Undefined while it is not ours. */
  readonly filledAt?: Seconds | undefined
  readonly phase: SalePhase | undefined
  /** Proofs in the chain since the node was started. */
  readonly proven: number
  /** Proofs that were due and are not: as the chain counts them, and those it does not know of yet. */
  readonly missed: number
  /** Period whose proof was the latest to get into the chain; undefined where none did since the node was started. */
  readonly provenIn?: Period | undefined
  /** Why the last try at a proof failed, until one is in the chain. */
  readonly trouble?: string | undefined
  /** Undefined before it took anything. */
  readonly reservation: Reservation | undefined
  /** Why it ended, where that needs saying. */
  readonly why: string | undefined
}

export interface ProofTotals {
  readonly submitted: number
  readonly missed: number
}

export interface SaleNewsParts {
  readonly market: Pick<Market, 'terms' | 'spending'>
  /** The chain's. */
  readonly clock: Pick<Clock, 'now'>
  readonly earnings: Earnings
  readonly tell: (event: ProviderEvent) => void
}

/** Sales that ended and are still told of. */
export const MAX_ENDED = 200

export class SaleNews {
  readonly #parts: SaleNewsParts
  readonly #since = new Map<SlotId, { readonly state: string; readonly at: Seconds }>()
  /** Fills of which no record tells when they were. */
  readonly #filled = new Map<SlotId, Seconds>()
  readonly #ended = new RingBuffer<SaleReport>(MAX_ENDED)
  readonly #told = new Map<
    SlotId,
    { readonly proven: number; readonly missed: number; readonly provenIn: Period | undefined }
  >()
  /** Why the last try at a proof failed. */
  readonly #trouble = new Map<SlotId, string>()
  #proofs: ProofTotals = { submitted: 0, missed: 0 }

  constructor(parts: SaleNewsParts) {
    this.#parts = parts
  }

  /** Of all slots since the start. */
  get proofs(): ProofTotals {
    return this.#proofs
  }

  /** Sales that ended since the start, the latest first, at most {@link MAX_ENDED}. */
  ended(): SaleReport[] {
    return this.#ended.toArray().reverse()
  }

  report(agent: SalesAgent): SaleReport {
    const { slot, phase, state, outcome } = agent
    const id = slotId(slot.requestId, slot.slotIndex)
    const told = this.#told.get(id)
    const counts = phase?.at === 'proving' ? phase : told
    const isOver = outcome !== undefined && outcome.end !== 'paused'
    const filledAt = isOver ? undefined : this.#filledAt(id, phase, agent.taken)
    return {
      ...slot,
      slotId: id,
      state,
      since: filledSince(phase, agent.taken) ?? this.#sinceOf(id, state),
      filledAt,
      phase,
      proven: counts?.proven ?? 0,
      missed: counts?.missed ?? 0,
      provenIn: told?.provenIn,
      trouble: this.#trouble.get(id),
      reservation: agent.taken,
      why: outcome === undefined ? undefined : whyOf(outcome),
    }
  }

  /** Of a slot that an earlier run took, and whose sale has not gone on yet. */
  unknown(reservation: Reservation): SaleReport {
    const { requestId, slotIndex } = reservation
    const id = slotId(requestId, slotIndex)
    const since = this.#sinceOf(id, RESUMING_NAME)
    const state = RESUMING_NAME
    return {
      requestId,
      slotIndex,
      slotId: id,
      state,
      since,
      filledAt: this.#filledAt(id, undefined, reservation),
      phase: undefined,
      proven: 0,
      missed: 0,
      reservation,
      why: undefined,
    }
  }

  #sinceOf(id: SlotId, state: string): Seconds {
    const known = this.#since.get(id)
    if (known?.state === state) return known.at
    const at = this.#parts.clock.now()
    this.#since.set(id, { state, at })
    return at
  }

  #filledAt(id: SlotId, phase: SalePhase | undefined, reservation: Reservation | undefined): Seconds | undefined {
    // Of an earlier run's, what is on record counts until it has been looked up.
    const isFilled = phase === undefined ? reservation?.fill === 'landed' : FILLED.has(phase.at)
    if (!isFilled) {
      this.#filled.delete(id)
      return undefined
    }
    if (reservation?.filledAt !== undefined) return reservation.filledAt
    const at = this.#filled.get(id) ?? this.#parts.clock.now()
    this.#filled.set(id, at)
    return at
  }

  /** @param agent whose sale it is, while it is known */
  hear(event: SaleEvent, agent: SalesAgent | undefined): void {
    const id = slotId(event.requestId, event.slotIndex)
    if (event.type === 'phase') {
      if (agent === undefined) return
      if (event.phase.at === 'proving') this.#hearProofs(this.report(agent), event.phase)
      return this.#parts.tell({ type: 'sale', sale: this.report(agent) })
    }
    const state = event.outcome.end === 'paused' ? undefined : OUTCOME_NAMES[event.outcome.end]
    if (state === undefined) return
    const base = agent === undefined ? undefined : this.report(agent)
    const { requestId, slotIndex, reservation } = event
    const sale: SaleReport = {
      ...{ requestId, slotIndex, slotId: id, state, phase: base?.phase, reservation },
      since: this.#sinceOf(id, state),
      proven: base?.proven ?? 0,
      missed: base?.missed ?? 0,
      why: whyOf(event.outcome),
    }
    this.#since.delete(id)
    this.#told.delete(id)
    this.#filled.delete(id)
    this.#trouble.delete(id)
    if (reservation !== undefined) this.#ended.push(sale)
    this.#parts.tell({ type: 'sale', sale })
    this.#hearEnd(event)
  }

  /** A proof that is due could not be made or sent. */
  troubled(id: SlotId, error: unknown): void {
    this.#trouble.set(id, plainText(error instanceof Error ? error.message : String(error)))
  }

  #hearProofs(sale: SaleReport, { period, proven, missed }: SalePhase & { readonly at: 'proving' }): void {
    const { tell, market } = this.#parts
    // What was missed before it was taken up is not missed now.
    const before = this.#told.get(sale.slotId) ?? { proven, missed, provenIn: undefined }
    const provenIn = proven > before.proven ? period : before.provenIn
    this.#told.set(sale.slotId, { proven, missed, provenIn })
    this.#proofs = {
      submitted: this.#proofs.submitted + Math.max(0, proven - before.proven),
      missed: this.#proofs.missed + Math.max(0, missed - before.missed),
    }
    if (proven > before.proven) {
      this.#trouble.delete(sale.slotId)
      tell({ type: 'proof', sale: { ...sale, trouble: undefined }, result: 'submitted' })
    }
    if (missed <= before.missed) return
    tell({ type: 'proof', sale, result: 'missed' })
    const { slashPercentage, maxNumberOfSlashes } = market.terms.collateral
    this.raise({
      code: 'sales/proof-missed',
      cause: `A proof of slot ${sale.slotIndex} of request ${sale.requestId} was missed; at ${maxNumberOfSlashes} the slot is lost${troubleOf([sale])}`,
      atStake: ((sale.reservation?.collateral ?? 0n) * BigInt(slashPercentage)) / 100n,
      action: actionFor([sale], market.spending(), 'Keep the machine awake and its connection up'),
    })
  }

  #hearEnd(event: EndOfSale): void {
    const earning = this.#parts.earnings.note(event, this.#parts.clock.now())
    if (earning !== undefined) this.#parts.tell({ type: 'earning', earning })
    const slot = `slot ${event.slotIndex} of request ${event.requestId}`
    const atStake = event.reservation?.stake ?? event.reservation?.collateral
    if (event.outcome.end === 'freed')
      this.raise({
        code: 'sales/slot-lost',
        cause: `The contract took ${slot} from this node, and its collateral with it`,
        atStake,
        action: 'See the log for why proofs were missed, and pause until that is mended',
      })
    if (event.outcome.end === 'failed' && event.outcome.filled)
      this.raise({
        code: 'sales/request-failed',
        cause: `Too many hosts lost slots of request ${event.requestId}: the collateral of ${slot} is gone with them`,
        atStake,
        action: 'Ask more for requests that allow few losses',
      })
  }

  raise(alert: RaisedAlert): void {
    this.#parts.tell({ type: 'alert', alert })
  }

  over(code: string): void {
    this.#parts.tell({ type: 'over', code })
  }
}

const FILLED: ReadonlySet<SalePhase['at']> = new Set(['filled', 'proving', 'collecting'])

function filledSince(phase: SalePhase | undefined, reservation: Reservation | undefined): Seconds | undefined {
  return phase?.at === 'filled' || phase?.at === 'proving' ? reservation?.filledAt : undefined
}

function whyOf(outcome: NonNullable<SalesAgent['outcome']>): string | undefined {
  if (outcome.end === 'declined') return outcome.why
  return outcome.end === 'broke' ? outcome.error.message : undefined
}
