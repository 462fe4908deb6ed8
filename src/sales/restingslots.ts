// Slots that are not to be looked at before an instant: what they lack is not there a moment later. Bounded; beyond that all are looked at again.

import type { Clock } from '../lib/clock.ts'
import type { Seconds } from '../lib/units.ts'
import type { Slot } from '../market/market.ts'
import { slotId } from '../protocol/ids.ts'
import type { SlotId } from '../protocol/request.ts'

export const REST_SECONDS: Seconds = 60
/** A slot that goes on lacking it is looked at less and less: each look takes a worker, bytes and collateral for a while. */
const MAX_REST_SECONDS: Seconds = 3600
/** Of the time for which it has been so. */
const REST_SHARE = 1 / 8
/** Slots that rest at once. */
const MAX_RESTING = 10_000

interface Rest {
  /** The first of those that followed one another. */
  readonly since: Seconds
  readonly until: Seconds
}

export class RestingSlots {
  readonly #clock: Pick<Clock, 'now'>
  readonly #rests = new Map<SlotId, Rest>()

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /** For {@link REST_SECONDS}. */
  rest(slot: Slot): void {
    const since = this.#clock.now()
    this.#set(slot, { since, until: since + REST_SECONDS })
  }

  /** As {@link RestingSlots.rest} at first, then for an eighth of the time since, up to an hour. @returns the end of it */
  restLonger(slot: Slot): Seconds {
    const now = this.#clock.now()
    const since = this.#recent(slot)?.since ?? now
    const share = Math.ceil((now - since) * REST_SHARE)
    const until = now + Math.min(Math.max(REST_SECONDS, share), MAX_REST_SECONDS)
    this.#set(slot, { since, until })
    return until
  }

  isResting(slot: Slot): boolean {
    return (this.#recent(slot)?.until ?? -Infinity) > this.#clock.now()
  }

  /** Undefined also for one whose last rest ended so long ago that whatever it lacks now, it lacks anew. */
  #recent({ requestId, slotIndex }: Slot): Rest | undefined {
    const id = slotId(requestId, slotIndex)
    const rest = this.#rests.get(id)
    if (rest === undefined || this.#clock.now() <= rest.until + MAX_REST_SECONDS) return rest
    this.#rests.delete(id)
    return undefined
  }

  #set({ requestId, slotIndex }: Slot, rest: Rest): void {
    if (this.#rests.size >= MAX_RESTING) this.#rests.clear()
    this.#rests.set(slotId(requestId, slotIndex), rest)
  }
}
