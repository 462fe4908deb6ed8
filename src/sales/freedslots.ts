// Slots that hosts lost: others rebuild them, for a smaller collateral. They are looked up beside the hearing of events, one after the other, so that
// neither a long history nor an endpoint that gives no answer holds up what comes behind.

import type { AbortOptions } from '../lib/abort.ts'
import { Bell } from '../lib/bell.ts'
import type { Clock } from '../lib/clock.ts'
import { RETRY_SECONDS } from '../lib/insist.ts'
import type { Log } from '../lib/log.ts'
import type { Seconds } from '../lib/units.ts'
import type { Market, Slot } from '../market/market.ts'
import { collateralToFill } from '../market/marketplaceterms.ts'
import { slotId } from '../protocol/ids.ts'
import type { SlotId } from '../protocol/request.ts'
import type { SlotQueueItem } from './slotqueueitem.ts'
import { slotQueueItem } from './slotqueueitem.ts'

export interface FreedSlotsParts {
  readonly market: Pick<Market, 'terms' | 'request' | 'requestEnd'>
  /** The chain's. */
  readonly clock: Clock
  readonly log: Log
  /** Hears of each whose request goes on. */
  readonly offer: (item: SlotQueueItem) => void
}

/** That wait to be looked up; the oldest goes. */
const MAX_WAITING = 10_000
/** Until what found no room is looked up again. */
const LATER_SECONDS: Seconds = 60

interface Waiting {
  readonly slot: Slot
  readonly notBefore: Seconds
}

export class FreedSlots {
  readonly #parts: FreedSlotsParts
  readonly #waiting = new Map<SlotId, Waiting>()
  readonly #more = new Bell()

  constructor(parts: FreedSlotsParts) {
    this.#parts = parts
  }

  add(slot: Slot): void {
    this.#add(slot, -Infinity)
  }

  /** One that was looked up, and found no room in the queue. */
  addLater(slot: Slot): void {
    this.#add(slot, this.#parts.clock.now() + LATER_SECONDS)
  }

  /** Somebody has filled it. */
  forget({ requestId, slotIndex }: Slot): void {
    this.#waiting.delete(slotId(requestId, slotIndex))
  }

  /** What the chain does not tell now is asked for again. Rejects with the signal's reason only. */
  async lookUp({ signal }: AbortOptions): Promise<void> {
    for await (const _ of this.#more.listen({ signal })) await this.#lookUpDue(signal)
  }

  #add({ requestId, slotIndex }: Slot, notBefore: Seconds): void {
    const [oldest] = this.#waiting.keys()
    if (this.#waiting.size >= MAX_WAITING && oldest !== undefined) this.#waiting.delete(oldest)
    this.#waiting.set(slotId(requestId, slotIndex), { slot: { requestId, slotIndex }, notBefore })
    this.#more.ring()
  }

  async #lookUpDue(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts
    for (const [id, waiting] of [...this.#waiting]) {
      if (waiting.notBefore > clock.now()) continue
      const isDone = await this.#isLookedUp(waiting.slot, signal)
      // Freed anew or left without room meanwhile, it is another.
      if (isDone && this.#waiting.get(id) === waiting) this.#waiting.delete(id)
    }
    if (this.#waiting.size === 0) return
    await clock.until(clock.now() + RETRY_SECONDS, { signal })
    this.#more.ring()
  }

  async #isLookedUp({ requestId, slotIndex }: Slot, signal: AbortSignal): Promise<boolean> {
    const { market, clock, log, offer } = this.#parts
    try {
      // Most of what was freed within weeks is over.
      const end = await market.requestEnd(requestId, { signal })
      if (end === undefined || end <= clock.now()) return true
      const request = await market.request(requestId, { signal })
      if (request === undefined) return true
      if (!this.#waiting.has(slotId(requestId, slotIndex))) return true
      const collateral = collateralToFill(market.terms, { ...request.ask, isRepair: true })
      offer(slotQueueItem({ requestId, ask: request.ask, expiry: end, client: request.client }, slotIndex, collateral))
      return true
    } catch (error) {
      signal.throwIfAborted()
      log.warn('a freed slot could not be looked up; trying again', { requestId, slotIndex, error })
      return false
    }
  }
}
