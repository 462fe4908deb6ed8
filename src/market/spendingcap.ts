// What the key may still spend today: what it has spent, and what may follow of all that is under way. Amounts are wei.

import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import type { Seconds } from '../lib/units.ts'
import type { HeadWatch } from './headwatch.ts'
import type { Spending } from './market.ts'
import { type JournalEntry, type SendJournal, SPENDING_WINDOW_HOURS } from './sendjournal.ts'

export interface SpendingCapParts {
  readonly journal: Pick<SendJournal, 'spent' | 'dutyPace'>
  /** The machine's. */
  readonly clock: Clock
  readonly heads: Pick<HeadWatch, 'latest'>
}

/** A clock that is right and a chain whose newest block is this old agree. */
const MAX_AHEAD_SECONDS: Seconds = 3600
const HOUR_SECONDS: Seconds = 3600
const HOURS = Array.from({ length: SPENDING_WINDOW_HOURS }, (_, hour) => hour)

/**
 * When something is spent: as the machine's clock says, but never far ahead of the chain. One that was set forward by a day would make the journal
 * forget what has been spent.
 */
export function spendingTime(clock: Pick<Clock, 'now'>, heads: Pick<HeadWatch, 'latest'>): Seconds {
  return Math.min(clock.now(), heads.latest.timestamp + MAX_AHEAD_SECONDS)
}

export class SpendingCap {
  readonly #parts: SpendingCapParts
  readonly #maxDailySpendWei: bigint
  /** What each kind was refused at last. */
  readonly #refused = { duty: 0n, act: 0n }

  /** @param maxDailySpendWei for gas and coins sent, in a day; the last fifth is kept for duties */
  constructor(parts: SpendingCapParts, maxDailySpendWei: bigint) {
    this.#parts = parts
    this.#maxDailySpendWei = maxDailySpendWei
  }

  /** @param others that are under way beside it @throws CodexError `wallet/daily-cap` when `costWei` more may be too much */
  check(costWei: bigint, isDuty: boolean, others: readonly Pick<JournalEntry, 'attempts'>[]): void {
    const kind = isDuty ? 'duty' : 'act'
    const cap = this.#capOf(kind)
    const { spent, underWay } = this.#taken(others)
    this.#refused[kind] = 0n
    if (spent + underWay + costWei <= cap) return
    this.#refused[kind] = costWei
    throw new CodexError(
      'wallet/daily-cap',
      `spent ${spent} wei in the last day, ${underWay} wei may follow, ${costWei} wei more would exceed the cap of ${cap} wei; wait or raise the cap`,
      { detail: { spent, underWay, costWei, cap } },
    )
  }

  /** @param others as for {@link SpendingCap.check} */
  state(others: readonly Pick<JournalEntry, 'attempts'>[]): Spending {
    const { journal, clock, heads } = this.#parts
    const { spent, underWay } = this.#taken(others)
    const takenWei = spent + underWay
    const now = spendingTime(clock, heads)
    const laterWei = HOURS.map((hour) => journal.spent(now + hour * HOUR_SECONDS) + underWay)
    const refused = (['duty', 'act'] as const).find(
      (kind) => this.#refused[kind] > 0n && takenWei + this.#refused[kind] > this.#capOf(kind),
    )
    return { capWei: this.#maxDailySpendWei, takenWei, laterWei, dutiesPerDayWei: journal.dutyPace(now), refused }
  }

  #capOf(kind: 'duty' | 'act'): bigint {
    return kind === 'duty' ? this.#maxDailySpendWei : (this.#maxDailySpendWei * 4n) / 5n
  }

  #taken(others: readonly Pick<JournalEntry, 'attempts'>[]): { readonly spent: bigint; readonly underWay: bigint } {
    const { journal, clock, heads } = this.#parts
    const underWay = others.reduce((sum, entry) => sum + worstCost(entry), 0n)
    return { spent: journal.spent(spendingTime(clock, heads)), underWay }
  }
}

/** Of its forms one gets into a block, whichever that is. */
function worstCost({ attempts }: Pick<JournalEntry, 'attempts'>): bigint {
  return attempts.reduce((worst, { maxCostWei }) => (maxCostWei > worst ? maxCostWei : worst), 0n)
}
