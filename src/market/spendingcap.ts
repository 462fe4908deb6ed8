// What the key may still spend today: what it has spent, and what may follow of all that is under way. Amounts are wei.

import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import type { Seconds } from '../lib/units.ts'
import type { HeadWatch } from './headwatch.ts'
import type { JournalEntry, SendJournal } from './sendjournal.ts'

export interface SpendingCapParts {
  readonly journal: Pick<SendJournal, 'spent'>
  /** The machine's. */
  readonly clock: Clock
  readonly heads: Pick<HeadWatch, 'latest'>
}

/** A clock that is right and a chain whose newest block is this old agree. */
const MAX_AHEAD_SECONDS: Seconds = 3600

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

  /** @param maxDailySpendWei for gas and coins sent, in a day; the last fifth is kept for duties */
  constructor(parts: SpendingCapParts, maxDailySpendWei: bigint) {
    this.#parts = parts
    this.#maxDailySpendWei = maxDailySpendWei
  }

  /** @param others that are under way beside it @throws CodexError `wallet/daily-cap` when `costWei` more may be too much */
  check(costWei: bigint, isDuty: boolean, others: readonly Pick<JournalEntry, 'attempts'>[]): void {
    const { journal, clock, heads } = this.#parts
    const cap = isDuty ? this.#maxDailySpendWei : (this.#maxDailySpendWei * 4n) / 5n
    const underWay = others.reduce((sum, entry) => sum + worstCost(entry), 0n)
    const spent = journal.spent(spendingTime(clock, heads))
    if (spent + underWay + costWei <= cap) return
    throw new CodexError(
      'wallet/daily-cap',
      `spent ${spent} wei in the last day, ${underWay} may follow, ${costWei} more would exceed the cap of ${cap}; wait or raise the cap`,
      { detail: { spent, underWay, costWei, cap } },
    )
  }
}

/** Of its forms one gets into a block, whichever that is. */
function worstCost({ attempts }: Pick<JournalEntry, 'attempts'>): bigint {
  return attempts.reduce((worst, { maxCostWei }) => (maxCostWei > worst ? maxCostWei : worst), 0n)
}
