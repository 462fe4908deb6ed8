// What a restart has to take up again: every slot that is ours on chain or has a Reservation goes on where it stands, or is settled. Nothing is
// dropped because nobody answered.

import type { AbortOptions } from '../lib/abort.ts'
import { ChildAbort } from '../lib/childabort.ts'
import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import { RETRY_SECONDS } from '../lib/insist.ts'
import type { Log } from '../lib/log.ts'
import { mapBounded } from '../lib/mapbounded.ts'
import type { Seconds } from '../lib/units.ts'
import type { ActiveSlot, Market, Slot } from '../market/market.ts'
import { slotId } from '../protocol/ids.ts'
import type { SlotId } from '../protocol/request.ts'
import type { AgentSeams } from './agent.ts'
import { payoutOf } from './collectslot.ts'
import type { Reservation } from './reservation.ts'
import type { Reservations } from './reservations.ts'
import { type FillFate, type RestartDecision, decideAtStart } from './restart.ts'
import type { SaleStart } from './sale.ts'
import { isInFlight } from './salecontext.ts'
import type { SaleOutcome } from './saleoutcome.ts'
import { settle } from './settlement.ts'

export interface TakeUpParts extends Pick<AgentSeams, 'recordsOf' | 'hasEnded'> {
  readonly market: Market
  /** The chain's. */
  readonly clock: Clock
  readonly reservations: Reservations
  readonly log: Log
  readonly isBeingSold: (slot: Slot) => boolean
  readonly sell: (slot: Slot, start: SaleStart) => void
  /** Hears of what was over already. */
  readonly settled: (slot: Slot, outcome: SaleOutcome, reservation: Reservation) => Promise<void>
}

/** Before something is given up. */
const CONFIRMING_LOOKS = 3
const CONFIRMING_SECONDS: Seconds = 15
/** Slots that are looked up at once. */
const TAKEN_UP_AT_ONCE = 32

/** Takes a slot up. Returns what else is to be taken up. Rejects when it has to be tried again. */
type Act = () => Promise<Act[]>

export class TakeUp {
  readonly #parts: TakeUpParts
  readonly #signal: AbortSignal
  #left: readonly Act[]

  constructor(parts: TakeUpParts, { signal }: AbortOptions) {
    this.#parts = parts
    this.#signal = signal
    const known = parts.reservations.reservations().map(({ requestId, slotIndex }) => ({ requestId, slotIndex }))
    const slots = new Map(known.map((slot) => [slotId(slot.requestId, slot.slotIndex), slot]))
    const adoptOthers = async (): Promise<Act[]> => {
      const others = (await parts.market.mySlots({ signal })).filter((id) => !slots.has(id))
      return others.map((id) => () => this.#adopt(id))
    }
    this.#left = [
      ...Array.from(
        slots,
        ([id, slot]) =>
          () =>
            this.#takeUp(slot, id),
      ),
      adoptOthers,
    ]
  }

  /** Each once, none waiting for another. What failed is left for {@link TakeUp.theRest}. Rejects with the signal's reason only. */
  async once(): Promise<void> {
    this.#left = await this.#tryAll(this.#left)
  }

  /** Until nothing is left. Rejects with the signal's reason only. */
  async theRest(): Promise<void> {
    const { clock } = this.#parts
    while (this.#left.length > 0) {
      await clock.until(clock.now() + RETRY_SECONDS, { signal: this.#signal })
      await this.once()
    }
  }

  /** @returns those that failed */
  async #tryAll(acts: readonly Act[]): Promise<Act[]> {
    const { log } = this.#parts
    const left = await mapBounded(acts, TAKEN_UP_AT_ONCE, async (act) => {
      try {
        return await act()
      } catch (error) {
        this.#signal.throwIfAborted()
        log.warn('a slot could not be taken up yet; trying again', { error })
        return [act]
      }
    })
    const more = left.flat()
    return more.length > 0 && !more.every((act) => acts.includes(act)) ? this.#tryAll(more) : more
  }

  /** A slot of ours whose records were lost: it is proven and collected all the same. */
  async #adopt(id: SlotId): Promise<Act[]> {
    const { market, reservations, hasEnded, log } = this.#parts
    const signal = this.#signal
    const found = await market.activeSlot(id, { signal })
    if (found === undefined) return []
    const { requestId, slotIndex, request } = found
    if (hasEnded?.(found) === true) return this.#collectAgain(found)
    // While it was looked up, the queue may have begun to sell it.
    if (reservations.reservationOf(requestId, slotIndex) === undefined) {
      const collateral = await market.currentCollateral(id, { signal })
      const validUntil = (await market.requestEnd(requestId, { signal })) ?? 0
      const filledBlock = await market.blockAt(Infinity, { signal })
      const { slotSize, proofProbability } = request.ask
      // Nothing can be set aside for more than any disk holds, and to be collected it needs no bytes.
      const slotBytes = slotSize <= Number.MAX_SAFE_INTEGER ? Number(slotSize) : 0
      const ours = { requestId, slotIndex, slotBytes, collateral, validUntil, proofProbability, filledBlock }
      await reservations.adopt(ours)
      log.error('a slot of ours had no reservation: its records were lost; it is proven and collected all the same', {
        requestId,
        slotIndex,
      })
    }
    return this.#takeUp({ requestId, slotIndex }, id)
  }

  /** A reorganisation took the payout back; the accounts are settled. Rejects until it is paid again. */
  async #collectAgain({ slotId: id, requestId, slotIndex }: ActiveSlot): Promise<Act[]> {
    const { market, log } = this.#parts
    const outcome = await market.collect(id, { signal: this.#signal })
    if (!outcome.done && outcome.why === 'not over yet')
      throw new CodexError('sale/not-over', `slot ${id} was paid once, and is not over yet by what the chain says now`)
    log.warn('the payout of a slot was undone, and is asked for again', { requestId, slotIndex, isPaid: outcome.done })
    return []
  }

  async #takeUp(slot: Slot, id: SlotId): Promise<Act[]> {
    const { reservations, isBeingSold, sell, settled, recordsOf, log } = this.#parts
    const { requestId, slotIndex } = slot
    const reservation = reservations.reservationOf(requestId, slotIndex)
    if (reservation === undefined || isBeingSold(slot)) return []
    let decision = await this.#decide(reservation, id)
    // Given up on answers that last only: an endpoint that lags shows what was before.
    for (let look = 1; look < CONFIRMING_LOOKS && decision.do === 'settle'; look++) {
      await this.#pause()
      decision = await this.#decide(reservation, id)
    }
    if (decision.do === 'settle') {
      const outcome = await this.#withReward(id, decision.outcome)
      const settlement = settle(outcome)
      const also = recordsOf?.({ ...slot, type: 'end', outcome, reservation })
      if (settlement.ends) await reservations.settle(reservation.id, settlement.collateral, also)
      await settled(slot, outcome, reservation)
      return []
    }
    // It landed while nobody was there to hear of it.
    if (decision.do === 'resume' && decision.at === 'filled' && reservation.fill !== 'landed')
      await reservations
        .markFill(reservation.id, 'landed')
        .catch((error: unknown) => log.error('how far a fill is could not be noted', { ...slot, error }))
    // What became of a fill is found out by the sale itself, which goes on from there.
    sell(slot, { at: decision.do === 'find out' ? 'filling' : decision.at, reservation })
    return []
  }

  async #pause(): Promise<void> {
    const { clock } = this.#parts
    // One of its own: many wait at once, and a platform warns of so many listeners on one signal.
    const own = new ChildAbort(this.#signal)
    try {
      await clock.until(clock.now() + CONFIRMING_SECONDS, own)
    } finally {
      own.leave()
    }
  }

  /** Of a slot that was collected while nobody was there to hear of it. */
  async #withReward(id: SlotId, outcome: SaleOutcome): Promise<SaleOutcome> {
    if (outcome.end !== 'paid') return outcome
    const received = await this.#parts.market.collected(id, { signal: this.#signal })
    return received === undefined ? outcome : { ...outcome, payout: payoutOf(received, outcome.payout.collateral) }
  }

  async #decide(reservation: Reservation, id: SlotId): Promise<RestartDecision> {
    const { market } = this.#parts
    const signal = this.#signal
    const state = await market.slotState(id, { signal })
    const host = await market.hostOf(id, { signal })
    const currentCollateral = await market.currentCollateral(id, { signal })
    const isOurs = host?.toLowerCase() === market.host.toLowerCase()
    return decideAtStart({ state, isOurs, fill: this.#fateOf(reservation, id), currentCollateral })
  }

  #fateOf(slot: Reservation, id: SlotId): FillFate {
    const { fill } = slot
    if (isInFlight({ market: this.#parts.market, id, slot })) return 'in flight'
    return fill === undefined ? 'never sent' : fill === 'landed' ? 'landed' : 'unknown'
  }
}
