// What the key may still spend today: what it has spent, and what may follow of all that is under way. Amounts are wei.

import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import type { JournalEntry, SendJournal } from './sendjournal.ts'

export interface SpendingCapParts {
  readonly journal: Pick<SendJournal, 'spent'>
  /** The machine's. */
  readonly clock: Clock
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
    const { journal, clock } = this.#parts
    const cap = isDuty ? this.#maxDailySpendWei : (this.#maxDailySpendWei * 4n) / 5n
    const underWay = others.reduce((sum, entry) => sum + worstCost(entry), 0n)
    const spent = journal.spent(clock.now())
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
