// Slots on their way back to being whole: one mend for each, which goes on when the proof that asked for it is given up, because fetching, coding and
// hashing a slot may take longer than a period. What a mend does is the caller's.

import type { AbortOptions } from '../lib/abort.ts'
import { raceAbort } from '../lib/abort.ts'
import type { Scope } from '../lib/scope.ts'
import type { ReservationId } from './reservation.ts'

export class SlotMends {
  readonly #running = new Map<ReservationId, Promise<void>>()

  /**
   * Waits for the mend of this slot, which begins unless it is under way.
   * @param beside what it runs in, and ends with. The first one counts
   * @throws what `work` throws, `scope/closed`; the signal's reason, and then the mend goes on
   */
  join(
    id: ReservationId,
    beside: Scope,
    work: (signal: AbortSignal) => Promise<void>,
    { signal }: AbortOptions,
  ): Promise<void> {
    const running = this.#running.get(id) ?? this.#begin(id, beside, work)
    return raceAbort(running, signal)
  }

  #begin(id: ReservationId, beside: Scope, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const running = new Promise<void>((resolve, reject) => {
      // Whoever waits hears how it ended; when nobody does, the next proof finds out what is still missing.
      beside.spawn('mending a slot', (own) => work(own).then(resolve, reject))
    }).finally(() => this.#running.delete(id))
    running.catch(() => undefined)
    this.#running.set(id, running)
    return running
  }
}
