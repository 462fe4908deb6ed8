// Looks ahead for a provider: says of a proof that it is about to be missed while something can still be done about it, and after a sleep of the machine, or a
// time in which the node did not run, what passed meanwhile. It proves nothing and sends nothing.

import { type AbortOptions, raceAbort } from '../lib/abort.ts'
import type { RaisedAlert } from '../lib/alert.ts'
import { ChildAbort } from '../lib/childabort.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Seconds } from '../lib/units.ts'
import type { Market } from '../market/market.ts'
import { type Period, Periodicity } from '../market/periodicity.ts'
import { slotId } from '../protocol/ids.ts'
import type { SlotId } from '../protocol/request.ts'
import { namesOf } from './namesof.ts'
import { actionFor, troubleOf } from './prooftrouble.ts'
import type { Reservation } from './reservation.ts'
import type { SaleReport } from './salenews.ts'
import type { WatchedRecord } from './watchedrecord.ts'

export interface DutyWatchParts {
  readonly market: Pick<Market, 'terms' | 'slotDuties' | 'missingProofs' | 'spending'>
  /** The chain's; `running` goes on while nothing is heard of it: deadlines pass all the same. */
  readonly clock: Clock & { readonly running: Clock }
  /** The machine's. */
  readonly wall: Clock
  /** Sales under way. */
  readonly sales: () => readonly SaleReport[]
  /** What our records say of slots, those included that could not be taken up yet. */
  readonly reservations: () => readonly Reservation[]
  /** The last period whose duties were all looked after, over restarts. */
  readonly record: Pick<WatchedRecord, 'read' | 'write'>
  readonly raise: (alert: RaisedAlert) => void
  /** The cause of this alert is over. */
  readonly over: (code: string) => void
  readonly log: Log
}

/** Of a period: when so much of it is left, a proof that is due should be in the chain. */
export const LATE_SHARE = 0.25
/** Between two looks at the machine's clock, and how much later than that one must be for a sleep. */
const LOOK_SECONDS: Seconds = 15
const SLEPT_SECONDS: Seconds = 30

export class DutyWatch {
  readonly #parts: DutyWatchParts
  readonly #periods: Periodicity
  /** The last period in which a proof of a slot is known to be in the chain. */
  readonly #proven = new Map<SlotId, Period>()
  /** Slots whose deadline was told to be near, until they are proven or it is over. */
  readonly #told = new Set<SlotId>()
  #watched: Period | undefined

  constructor(parts: DutyWatchParts) {
    this.#parts = parts
    this.#periods = new Periodicity(parts.market.terms.proofs.period)
  }

  /** A proof of this sale is in the chain. */
  note({ slotId, phase }: SaleReport): void {
    if (phase?.at !== 'proving') return
    this.#proven.set(slotId, phase.period)
    if (this.#told.delete(slotId) && this.#told.size === 0) this.#parts.over(NEAR)
    const current = this.#periods.periodOf(this.#parts.clock.now())
    if (phase.period === current && this.#owing(current).length === 0) this.#remember(current)
  }

  /** Says at a start which periods passed while the node did not run. Ends with the signal. */
  async tellAbsence(signal: AbortSignal): Promise<void> {
    const { clock, record, reservations } = this.#parts
    const watched = await record.read()
    signal.throwIfAborted()
    const now = clock.now()
    // Those behind the last that was looked after, and before the one that can still be met.
    const [first, last] = [(watched ?? Infinity) + 1, this.#periods.periodOf(now) - 1]
    const missed = reservations()
      .filter(({ fill }) => fill === 'landed')
      .map((held) => {
        // In the period of its fill its first proof counts; in the one of its end the request is over.
        const from = Math.max(first, held.filledAt === undefined ? first : this.#periods.periodOf(held.filledAt) + 1)
        const to = Math.min(last, this.#periods.periodOf(held.validUntil) - 1)
        return { held: ofReservation(held), periods: Math.max(0, to - from + 1) }
      })
      .filter(({ periods }) => periods > 0)
    if (missed.length === 0) return
    const slots = missed.map(({ held }) => held)
    const atStake = missed.reduce((sum, { held, periods }) => sum + this.#costOf([held], periods), 0n)
    await this.#tellMissed('This node did not run', { slots, first, last, atStake }, { signal })
  }

  /** Warns once a period, in time before its end. Ends with the signal. */
  async watchDeadlines(signal: AbortSignal): Promise<void> {
    const { running } = this.#parts.clock
    for (;;) {
      const period = this.#periods.periodOf(running.now())
      const end = this.#periods.endOf(period)
      await running.until(end - Math.max(1, Math.floor(this.#periods.seconds * LATE_SHARE)), { signal })
      // This machine's clock had been set, and the chain has put that right.
      if (this.#periods.periodOf(running.now()) < period) continue
      const isSeen = running.now() >= end || (await this.#warnInTime(period, end, { signal }))
      if (!isSeen) this.#warnBlindly(period, end)
      this.#forgetEnded()
      await running.until(end, { signal })
      if (this.#told.size > 0) this.#parts.over(NEAR)
      this.#told.clear()
      // What a period asked for that was not seen is told at the next start, unless a later one was looked after.
      if (isSeen && this.#periods.periodOf(this.#parts.clock.now()) > period) this.#remember(period)
    }
  }

  /** Says after a sleep what it may have cost. Ends with the signal. */
  async watchSleep(signal: AbortSignal): Promise<void> {
    const { wall } = this.#parts
    for (let before = wall.now(); ;) {
      await wall.until(before + LOOK_SECONDS, { signal })
      const now = wall.now()
      if (now - before > LOOK_SECONDS + SLEPT_SECONDS) await this.#tellSleep(before, now, { signal })
      before = now
    }
  }

  /** As {@link DutyWatch.#warn}; false also when no answer comes while there is time for a warning without one. */
  async #warnInTime(period: Period, end: Seconds, { signal }: AbortOptions): Promise<boolean> {
    const { clock, log } = this.#parts
    const patience = new ChildAbort(signal)
    const now = clock.running.now()
    clock.running.until(now + Math.ceil((end - now) / 2), patience).then(
      () => patience.abort(new Error('the endpoint takes too long')),
      () => undefined,
    )
    try {
      return await raceAbort(this.#warn(period, end, patience), patience.signal)
    } catch (error) {
      signal.throwIfAborted()
      log.debug('duties could not be looked at before the end of their period', { error })
      return false
    } finally {
      patience.abort(new Error('the look is over'))
    }
  }

  /** @returns false when the chain has not come into this period, as far as the endpoint says: what it asks for is not known */
  async #warn(period: Period, end: Seconds, options: AbortOptions): Promise<boolean> {
    const { market, clock, raise } = this.#parts
    const open = this.#owing(period)
    if (open.length === 0) return true
    const duties = await market.slotDuties(
      open.map(({ slotId }) => slotId),
      options,
    )
    options.signal.throwIfAborted()
    const due = open.filter(
      ({ slotId }, i) =>
        duties[i]?.period === period && duties[i]?.duty !== undefined && this.#proven.get(slotId) !== period,
    )
    if (duties.some((one) => one.period < period)) return false
    const left = end - clock.running.now()
    if (due.length === 0 || left <= 0) return true
    for (const { slotId } of due) this.#told.add(slotId)
    raise({
      code: NEAR,
      cause: `A proof of ${namesOf(due)} is due and not in the chain yet, and its period ends in ${left} s${troubleOf(due)}`,
      atStake: this.#costOf(due),
      action: actionFor(
        due,
        market.spending(),
        'Keep this running, close what else takes its time, and see that the endpoint answers',
      ),
    })
    return true
  }

  /** The endpoint gives no answer, or one of the past: what is not known to be proven may be due. */
  #warnBlindly(period: Period, end: Seconds): void {
    const { clock, raise } = this.#parts
    const open = this.#owing(period)
    const left = end - clock.running.now()
    if (open.length === 0 || left <= 0) return
    for (const { slotId } of open) this.#told.add(slotId)
    raise({
      code: NEAR,
      cause: `The endpoint does not say whether a proof of ${namesOf(open)} is due, none is known to be in the chain, and the period ends in ${left} s`,
      atStake: this.#costOf(open),
      action: 'See that the endpoint answers, or give another',
    })
  }

  /** Filled slots of which no proof of this period is known, those included that could not be taken up since the start, or be found in the chain. */
  #owing(period: Period): Held[] {
    const sales = this.#parts.sales()
    // One that was filled, and looks for what became of it, is not proven: an endpoint that is behind does not tell.
    const isAsRecorded = ({ phase }: SaleReport) => phase === undefined || phase.at === 'filling'
    const known = new Set(sales.filter((each) => !isAsRecorded(each)).map(({ slotId }) => slotId))
    const proving = sales.filter(({ phase }) => phase?.at === 'proving').map(ofReport)
    const untaken = this.#parts
      .reservations()
      .filter(({ fill, filledAt = 0, validUntil }) => {
        const isOver = validUntil <= this.#parts.clock.running.now()
        return fill === 'landed' && !isOver && this.#periods.periodOf(filledAt) < period
      })
      .map(ofReservation)
      .filter(({ slotId }) => !known.has(slotId))
    return [...proving, ...untaken].filter(({ slotId }) => this.#proven.get(slotId) !== period)
  }

  async #tellSleep(before: Seconds, now: Seconds, options: AbortOptions): Promise<void> {
    const { sales, log } = this.#parts
    const filled = sales().filter(({ phase }) => phase?.at === 'proving')
    // Those that both began and ended meanwhile, and the one in which it fell asleep.
    const [first, last] = [this.#periods.periodOf(before), this.#periods.periodOf(now) - 1]
    log.warn('this machine slept, or its clock was set', { seconds: now - before })
    if (filled.length === 0 || last < first) return
    const slots = filled.map(ofReport)
    const atStake = this.#costOf(slots, last - first + 1)
    const why = `This machine slept, or its clock was set, for ${now - before} s`
    await this.#tellMissed(why, { slots, first, last, atStake }, options)
  }

  async #tellMissed(
    why: string,
    {
      slots,
      first,
      last,
      atStake,
    }: { readonly slots: readonly Held[]; readonly first: Period; readonly last: Period; readonly atStake: bigint },
    options: AbortOptions,
  ): Promise<void> {
    const { market, raise } = this.#parts
    const marked = await Promise.all(slots.map(({ slotId }) => market.missingProofs(slotId, options))).catch(
      () => undefined,
    )
    options.signal.throwIfAborted()
    const known =
      marked === undefined
        ? ''
        : `; the contract has marked ${marked.reduce((sum, one) => sum + one, 0)} as missing so far`
    raise({
      code: 'sales/slept',
      cause: `${why}: proofs of ${namesOf(slots)} may be missing in the periods ${first} to ${last}${known}`,
      atStake,
      action: 'Keep the machine awake, and the node running, while slots are filled',
    })
  }

  /** Of so many missed proofs of each: never more than was put in. */
  #costOf(slots: readonly Pick<Held, 'collateral'>[], proofs = 1): bigint {
    const { slashPercentage } = this.#parts.market.terms.collateral
    return slots.reduce((sum, { collateral }) => {
      const slashed = (collateral * BigInt(slashPercentage) * BigInt(proofs)) / 100n
      return sum + (slashed < collateral ? slashed : collateral)
    }, 0n)
  }

  /** Written in the background: when it fails, a restart tells of more than there was. */
  #remember(period: Period): void {
    if (this.#watched !== undefined && period <= this.#watched) return
    this.#watched = period
    this.#parts.record
      .write(period)
      .catch((error: unknown) => this.#parts.log.warn('up to when duties were met could not be noted', { error }))
  }

  #forgetEnded(): void {
    const open = new Set(this.#parts.sales().map(({ slotId }) => slotId))
    for (const id of this.#proven.keys()) if (!open.has(id)) this.#proven.delete(id)
  }
}

/** A slot of ours. */
interface Held extends Pick<Reservation, 'requestId' | 'slotIndex' | 'collateral'> {
  readonly slotId: SlotId
  readonly trouble?: string | undefined
}

function ofReport({ requestId, slotIndex, slotId, reservation, trouble }: SaleReport): Held {
  return { requestId, slotIndex, slotId, trouble, collateral: reservation?.collateral ?? 0n }
}

function ofReservation({ requestId, slotIndex, collateral }: Reservation): Held {
  return { requestId, slotIndex, collateral, slotId: slotId(requestId, slotIndex) }
}

const NEAR = 'sales/deadline-near'
