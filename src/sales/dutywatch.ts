// Looks ahead for a provider: says of a proof that it is about to be missed while something can still be done about it, and after a sleep of the machine what
// passed meanwhile. It proves nothing and sends nothing.

import type { AbortOptions } from '../lib/abort.ts'
import type { RaisedAlert } from '../lib/alert.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Seconds } from '../lib/units.ts'
import type { Market } from '../market/market.ts'
import { type Period, Periodicity } from '../market/periodicity.ts'
import type { SlotId } from '../protocol/request.ts'
import type { SaleReport } from './salenews.ts'

export interface DutyWatchParts {
  readonly market: Pick<Market, 'terms' | 'slotDuties' | 'missingProofs'>
  /** The chain's. */
  readonly clock: Clock
  /** The machine's. */
  readonly wall: Clock
  /** Sales under way. */
  readonly sales: () => readonly SaleReport[]
  readonly raise: (alert: RaisedAlert) => void
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

  constructor(parts: DutyWatchParts) {
    this.#parts = parts
    this.#periods = new Periodicity(parts.market.terms.proofs.period)
  }

  /** A proof of this sale is in the chain. */
  note({ slotId, phase }: SaleReport): void {
    if (phase?.at === 'proving') this.#proven.set(slotId, phase.period)
  }

  /** Warns once a period, in time before its end. Ends with the signal. */
  async watchDeadlines(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts
    for (;;) {
      const period = this.#periods.periodOf(clock.now())
      const end = this.#periods.endOf(period)
      await clock.until(end - Math.max(1, Math.floor(this.#periods.seconds * LATE_SHARE)), { signal })
      if (clock.now() < end)
        await this.#warn(period, end, { signal }).catch((error: unknown) => {
          signal.throwIfAborted()
          log.debug('duties could not be looked at before the end of their period', { error })
        })
      this.#forgetEnded()
      await clock.until(end, { signal })
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

  async #warn(period: Period, end: Seconds, options: AbortOptions): Promise<void> {
    const { market, clock, sales, raise } = this.#parts
    const open = sales().filter(({ slotId, phase }) => phase?.at === 'proving' && this.#proven.get(slotId) !== period)
    if (open.length === 0) return
    const duties = await market.slotDuties(
      open.map(({ slotId }) => slotId),
      options,
    )
    const due = open.filter(
      ({ slotId }, i) =>
        duties[i]?.period === period && duties[i]?.duty !== undefined && this.#proven.get(slotId) !== period,
    )
    const left = end - clock.now()
    if (due.length === 0 || left <= 0) return
    raise({
      code: 'sales/deadline-near',
      cause: `A proof of ${namesOf(due)} is due and not in the chain yet, and its period ends in ${left} s`,
      atStake: this.#costOf(due),
      action: 'Keep this running, close what else takes its time, and see that the endpoint answers',
    })
  }

  async #tellSleep(before: Seconds, now: Seconds, options: AbortOptions): Promise<void> {
    const { market, sales, raise, log } = this.#parts
    const filled = sales().filter(({ phase }) => phase?.at === 'proving')
    // Those that both began and ended meanwhile, and the one in which it fell asleep.
    const [first, last] = [this.#periods.periodOf(before), this.#periods.periodOf(now) - 1]
    log.warn('this machine slept, or its clock was set', { seconds: now - before })
    if (filled.length === 0 || last < first) return
    const marked = await Promise.all(filled.map(({ slotId }) => market.missingProofs(slotId, options))).catch(
      () => undefined,
    )
    options.signal.throwIfAborted()
    const known =
      marked === undefined
        ? ''
        : `; the contract has marked ${marked.reduce((sum, one) => sum + one, 0)} as missing so far`
    raise({
      code: 'sales/slept',
      cause: `This machine slept, or its clock was set, for ${now - before} s: proofs of ${namesOf(filled)} may be missing in the periods ${first} to ${last}${known}`,
      atStake: this.#costOf(filled) * BigInt(last - first + 1),
      action: 'Keep the machine awake while slots are filled',
    })
  }

  /** Of one missed proof of each. */
  #costOf(sales: readonly SaleReport[]): bigint {
    const { slashPercentage } = this.#parts.market.terms.collateral
    return sales.reduce(
      (sum, { reservation }) => sum + ((reservation?.collateral ?? 0n) * BigInt(slashPercentage)) / 100n,
      0n,
    )
  }

  #forgetEnded(): void {
    const open = new Set(this.#parts.sales().map(({ slotId }) => slotId))
    for (const id of this.#proven.keys()) if (!open.has(id)) this.#proven.delete(id)
  }
}

const MAX_NAMED = 3

function namesOf(sales: readonly SaleReport[]): string {
  const names = sales
    .slice(0, MAX_NAMED)
    .map(({ slotIndex, requestId }) => `slot ${slotIndex} of ${requestId.slice(0, 10)}…`)
  const more = sales.length - names.length
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
