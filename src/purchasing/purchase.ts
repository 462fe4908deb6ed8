// A Purchase: one request of ours, its phase for onlookers, its outcome for those who wait. What happens in which order is in purchasestory.ts.

import { Bell } from '../lib/bell.ts'
import type { RequestId, StorageRequest } from '../protocol/request.ts'
import type { PurchaseOutcome, PurchasePhase, PurchaseSeams } from './purchasestory.ts'
import { purchaseStory } from './purchasestory.ts'

/** As REST shows them. */
export type PurchaseState =
  'unknown' | 'pending' | 'submitted' | 'started' | 'finished' | 'cancelled' | 'failed' | 'errored'

export interface PurchaseParts {
  readonly id: RequestId
  readonly request: StorageRequest
  /** Asked for by an earlier run. */
  readonly isRestored: boolean
  /** How it ended in an earlier run. */
  readonly outcome?: PurchaseOutcome | undefined
}

/** A storage request of ours, and how it stands. */
export class Purchase {
  readonly id: RequestId
  readonly request: StorageRequest
  readonly #isRestored: boolean
  readonly #bell = new Bell()
  #phase: PurchasePhase | undefined
  #outcome: PurchaseOutcome | undefined

  constructor({ id, request, isRestored, outcome }: PurchaseParts) {
    this.id = id
    this.request = request
    this.#isRestored = isRestored
    this.#outcome = outcome
  }

  get outcome(): PurchaseOutcome | undefined {
    return this.#outcome
  }

  /** Where it is; undefined before it has begun. The last one stays after the end. */
  get phase(): PurchasePhase | undefined {
    return this.#phase
  }

  get state(): PurchaseState {
    if (this.#outcome !== undefined) return this.#outcome.end === 'failed' ? 'errored' : this.#outcome.end
    if (this.#phase === undefined || (this.#isRestored && this.#phase.at === 'pending')) return 'unknown'
    return this.#phase.at
  }

  /** Why it ended as it did, in a sentence; undefined while all is well. */
  get problem(): string | undefined {
    switch (this.#outcome?.end) {
      case 'errored':
        return this.#outcome.error.message
      case 'failed':
        return 'purchase failed: more slots were lost than the request allows'
      case 'cancelled':
        return 'timeout: not all slots were filled before the request expired'
      default:
        return undefined
    }
  }

  /** Something happened on chain: it looks sooner. */
  poke(): void {
    this.#bell.ring()
  }

  /** Runs it to its end. `entered` hears of each phase. Rejects with the signal's reason. */
  async run(
    seams: PurchaseSeams,
    signal: AbortSignal,
    entered: (phase: PurchasePhase) => Promise<void>,
  ): Promise<PurchaseOutcome> {
    const story = purchaseStory(this.request, seams, { signal, isRestored: this.#isRestored, bell: this.#bell })
    for (;;) {
      const { done, value } = await story.next()
      if (done === true) {
        this.#outcome = value
        return value
      }
      const isNew = this.#phase?.at !== value.at
      this.#phase = value
      if (isNew) await entered(value)
    }
  }
}
