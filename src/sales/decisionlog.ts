// Why each slot was taken, ignored or lost, rule by rule, for whoever asks: the person at the page above all. Bounded; the oldest goes.

import { RingBuffer } from '../lib/ringbuffer.ts'
import type { Seconds } from '../lib/units.ts'
import type { RequestId } from '../protocol/request.ts'

export interface Decision {
  /** Chain time. */
  readonly at: Seconds
  readonly requestId: RequestId
  /** Undefined where all slots of the request are meant. */
  readonly slotIndex: number | undefined
  readonly verdict: 'queued' | 'ignored' | 'taken' | 'lost' | 'ended'
  /** For people, one for each rule that decided. */
  readonly reasons: readonly string[]
}

/** Decisions kept. */
export const MAX_DECISIONS = 1000

export class DecisionLog {
  readonly #decisions = new RingBuffer<Decision>(MAX_DECISIONS)

  add(decision: Decision): void {
    this.#decisions.push(decision)
  }

  /** Added so far, those that went included. */
  get count(): number {
    return this.#decisions.size + this.#decisions.dropped
  }

  /** The latest first, of one request or of all. */
  latest(count: number, requestId?: RequestId): Decision[] {
    const all = this.#decisions.toArray().filter((each) => requestId === undefined || each.requestId === requestId)
    return all.reverse().slice(0, count)
  }
}
