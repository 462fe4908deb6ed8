// Tells what became of slots: to the log, and to the decision log that people ask why. It decides nothing.

import type { Clock } from '../lib/clock.ts'
import { formatAmount } from '../lib/formatamount.ts'
import type { Log } from '../lib/log.ts'
import type { Slot } from '../market/market.ts'
import type { RequestId } from '../protocol/request.ts'
import { type SlotWanted, mismatches } from './availability.ts'
import type { Decision } from './decisionlog.ts'
import { DecisionLog } from './decisionlog.ts'
import type { Reservation } from './reservation.ts'
import type { Reservations } from './reservations.ts'
import type { SaleStart } from './sale.ts'
import type { SaleOutcome } from './saleoutcome.ts'
import type { SalePhase } from './salephase.ts'

/** What a sale came to, for onlookers. */
export type SaleEvent = Slot &
  (
    | { readonly type: 'phase'; readonly phase: SalePhase }
    | { readonly type: 'end'; readonly outcome: SaleOutcome; readonly reservation: Reservation | undefined }
  )

export type EndOfSale = SaleEvent & { readonly type: 'end' }

export interface SaleTellerParts {
  /** The chain's. */
  readonly clock: Pick<Clock, 'now'>
  readonly reservations: Pick<Reservations, 'someAvailabilities'>
  readonly log: Log
  /** That of earlier runs, which goes on. A new one by default. */
  readonly decisions?: DecisionLog | undefined
  /** Must not throw. */
  readonly tell?: ((event: SaleEvent) => void) | undefined
}

/** Availabilities whose reasons are told; who has more than a person reads is told of the first. */
const MAX_TOLD = 8

export class SaleTeller {
  readonly decisions: DecisionLog
  readonly #parts: SaleTellerParts

  constructor(parts: SaleTellerParts) {
    this.#parts = parts
    this.decisions = parts.decisions ?? new DecisionLog()
  }

  /** @param slotIndex undefined where all slots of the request are meant */
  note(
    requestId: RequestId,
    slotIndex: number | undefined,
    verdict: Decision['verdict'],
    reasons: readonly string[],
  ): void {
    this.decisions.add({ at: this.#parts.clock.now(), requestId, slotIndex, verdict, reasons })
  }

  /** None of its slots can be for us. */
  unmatched(requestId: RequestId, wanted: SlotWanted): void {
    this.note(requestId, undefined, 'ignored', this.#whyNot({ end: 'declined', why: 'no availability', wanted }))
  }

  phase(slot: Slot, phase: SalePhase, startedAt: SaleStart['at'] = 'preparing'): void {
    this.#parts.tell?.({ ...slot, type: 'phase', phase })
    if (phase.at === 'reserving') {
      const { availabilityId } = phase.reservation
      const why =
        startedAt === 'preparing'
          ? `availability ${availabilityId} matches`
          : `it was taken for availability ${availabilityId} before the node was started anew, and goes on`
      this.note(slot.requestId, slot.slotIndex, 'taken', [why])
    }
    // What shows progress is told on entry; of the proofs, which come every period for months, the log keeps to itself what went well.
    if (phase.at === 'downloading' && phase.doneBytes > 0) return
    const level = phase.at === 'proving' ? 'debug' : 'info'
    this.#parts.log[level]('a sale entered a phase', { ...slot, phase: phase.at })
  }

  /** @param reservation what it had taken, if anything */
  outcome(slot: Slot, outcome: SaleOutcome, reservation: Reservation | undefined): void {
    const { log, tell } = this.#parts
    tell?.({ ...slot, type: 'end', outcome, reservation })
    const fields = { ...slot, end: outcome.end }
    const note = (verdict: Decision['verdict'], reasons: readonly string[]): void =>
      this.note(slot.requestId, slot.slotIndex, verdict, reasons)
    switch (outcome.end) {
      case 'paid':
        log.info('a slot was paid', { ...fields, ...outcome.payout })
        return note('ended', [`paid ${formatAmount(outcome.payout.reward)}`])
      case 'declined':
        log.info('a slot was left alone', { ...fields, why: outcome.why })
        return note('ignored', this.#whyNot(outcome))
      case 'broke':
        log.error('a sale broke off', { ...fields, error: outcome.error })
        return note('lost', [outcome.error.message])
      case 'freed':
        log.error('a slot is ours no more: its collateral is lost', fields)
        return note('lost', ['the contract took it, after too many missed proofs, or it was given up'])
      case 'cancelled':
      case 'failed':
        log.warn('the request of a slot ended early', fields)
        return note('lost', [`the request was ${outcome.end}`])
      case 'paused':
    }
  }

  /** Rule by rule where our own terms decided. */
  #whyNot({ why, wanted, told }: Extract<SaleOutcome, { end: 'declined' }>): readonly string[] {
    if (told !== undefined) return [told]
    if (wanted === undefined) return [why]
    const reasons = this.#parts.reservations
      .someAvailabilities(MAX_TOLD)
      .flatMap((availability) => mismatches(availability, wanted).map((rule) => rule.tell(availability, wanted)))
    return reasons.length > 0 ? reasons : [why]
  }
}
