// What a restart has to take up again: every slot that is ours on chain or has a Reservation goes on where it stands, or is settled. Nothing is
// dropped because nobody answered.

import type { AbortOptions } from '../lib/abort.ts'
import type { RaisedAlert } from '../lib/alert.ts'
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
import { collateralAtStake } from './collateralatstake.ts'
import { payoutOf } from './collectslot.ts'
import { namesOf } from './namesof.ts'
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
  /** Hears once when every slot that is ours has a Reservation: what no Reservation names is nobody's then. */
  readonly ownAreKnown: () => void
  /** Hears what a person has to know. Nobody by default. Must not throw. */
  readonly raise?: ((alert: RaisedAlert) => void) | undefined
}

/** Before something is given up. */
const CONFIRMING_LOOKS = 3
const CONFIRMING_SECONDS: Seconds = 15
/** Until the chain is asked again for slots that are ours: an endpoint that was behind has caught up, a fill that was on its way has landed. */
const SOON_SECONDS: Seconds = 300
/** Afterwards. */
const LOOK_SECONDS: Seconds = 3600
/** An answer that names none may be one of the past. */
const SURE_LOOKS = 2
/** Slots that are looked up at once. */
const TAKEN_UP_AT_ONCE = 32

/** Takes a slot up. Returns what else is to be taken up. Rejects when it has to be tried again. */
type Act = () => Promise<Act[]>

export class TakeUp {
  readonly #parts: TakeUpParts
  readonly #signal: AbortSignal
  #left: readonly Act[]
  /** Those with a Reservation at the start. */
  readonly #known: ReadonlySet<SlotId>
  /** Answers of the chain as to which slots are ours. */
  #looks = 0
  #lookedAt: Seconds = -Infinity
  /** What the latest of them named and no Reservation does. */
  #unknown = new Set<SlotId>()
  /** Begun, and not come to an end yet. */
  readonly #adopting = new Set<SlotId>()
  #adopted: Reservation[] = []
  #areOwnKnown = false

  constructor(parts: TakeUpParts, { signal }: AbortOptions) {
    this.#parts = parts
    this.#signal = signal
    const slots = parts.reservations.reservations().map(({ requestId, slotIndex }) => ({ requestId, slotIndex }))
    this.#known = new Set(slots.map(idOf))
    this.#left = [...slots.map((slot) => () => this.#takeUp(slot, idOf(slot))), this.#adoptOthers]
  }

  /** Each once, none waiting for another. What failed is left for {@link TakeUp.goOn}. Rejects with the signal's reason only. */
  async once(): Promise<void> {
    const { ownAreKnown } = this.#parts
    this.#left = await this.#tryAll(this.#left)
    this.#tellAdopted()
    if (this.#areOwnKnown || !this.#isSure) return
    this.#areOwnKnown = true
    ownAreKnown()
  }

  /** What is left, and slots of ours that come to light later. Rejects with the signal's reason only. */
  async goOn(): Promise<never> {
    const { clock } = this.#parts
    for (;;) {
      const retry = this.#left.length > 0 ? clock.now() + RETRY_SECONDS : Infinity
      const next = this.#nextLook
      await clock.until(Math.min(next, retry), { signal: this.#signal })
      if (clock.now() >= next) this.#left = [...this.#left, this.#adoptOthers]
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

  get #isSure(): boolean {
    return this.#looks >= SURE_LOOKS && this.#unknown.size === 0
  }

  /** Never while one is tried, or is to be tried again. */
  get #nextLook(): Seconds {
    if (this.#left.includes(this.#adoptOthers)) return Infinity
    return this.#lookedAt + (this.#isSure ? LOOK_SECONDS : SOON_SECONDS)
  }

  /** Looks for slots of ours that no Reservation names. */
  readonly #adoptOthers: Act = async () => {
    const { market, clock, reservations } = this.#parts
    const own = await market.mySlots({ signal: this.#signal })
    const held = new Set(reservations.reservations().map(idOf))
    const others = own.filter((id) => !held.has(id))
    // That a slot has ended an endpoint may not know yet: those of this run are adopted when they are named again, a while later.
    const isNew = this.#looks === 0
    const lasting = others.filter((id) => (isNew ? !this.#known.has(id) : this.#unknown.has(id)))
    this.#unknown = new Set(others)
    this.#looks++
    this.#lookedAt = clock.now()
    return lasting
      .filter((id) => !this.#adopting.has(id))
      .map((id) => {
        this.#adopting.add(id)
        return async () => {
          const more = await this.#adopt(id)
          this.#adopting.delete(id)
          return more
        }
      })
  }

  /** A slot of ours whose records were lost: it is proven and collected all the same. */
  async #adopt(id: SlotId): Promise<Act[]> {
    const { market, reservations, isBeingSold, hasEnded, log } = this.#parts
    const signal = this.#signal
    const found = await market.activeSlot(id, { signal })
    // The next look finds it again.
    if (found === undefined) return []
    const { requestId, slotIndex, request } = found
    if (hasEnded?.(found) === true) {
      this.#unknown.delete(id)
      return this.#collectAgain(found)
    }
    // While it was looked up, the queue may have begun to sell it.
    if (reservations.reservationOf(requestId, slotIndex) === undefined) {
      if (isBeingSold(found)) return []
      const collateral = await market.currentCollateral(id, { signal })
      const validUntil = (await market.requestEnd(requestId, { signal })) ?? 0
      const filledBlock = await market.blockAt(Infinity, { signal })
      const { slotSize, proofProbability } = request.ask
      // Nothing can be set aside for more than any disk holds, and to be collected it needs no bytes.
      const slotBytes = slotSize <= Number.MAX_SAFE_INTEGER ? Number(slotSize) : 0
      const ours = { requestId, slotIndex, slotBytes, collateral, validUntil, proofProbability, filledBlock }
      this.#adopted.push(await reservations.adopt(ours))
      log.error('a slot of ours had no reservation: its records were lost; it is proven and collected all the same', {
        requestId,
        slotIndex,
      })
    }
    this.#unknown.delete(id)
    return this.#takeUp({ requestId, slotIndex }, id)
  }

  #tellAdopted(): void {
    const adopted = this.#adopted
    if (adopted.length === 0) return
    this.#adopted = []
    this.#parts.raise?.({
      code: 'sales/slots-adopted',
      cause: `The contract names slots as ours that this node had no records of: ${namesOf(adopted)}. They are proven and collected all the same, as far as their data is here`,
      atStake: collateralAtStake(adopted),
      action:
        'See whether their proofs are made, and check the storage (`codex-light space --check`, in a tab the button for it)',
    })
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
      if (settlement.ends)
        await reservations.settle(reservation.id, settlement.collateral, also, { signal: this.#signal })
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

function idOf({ requestId, slotIndex }: Slot): SlotId {
  return slotId(requestId, slotIndex)
}
