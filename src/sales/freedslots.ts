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
  /** Hears of each whose request goes on, and why it is offered. */
  readonly offer: (item: SlotQueueItem, why: string) => void
}

/** That wait to be looked up; the oldest goes. */
const MAX_WAITING = 10_000
/** Until what found no room is looked up again. */
const LATER_SECONDS: Seconds = 60

interface Waiting {
  readonly slot: Slot
  readonly notBefore: Seconds
  readonly why: string
}

const LOST = 'another host lost it'
const GIVEN_UP = 'it was taken before the node was started anew, and given up'

export class FreedSlots {
  readonly #parts: FreedSlotsParts
  readonly #waiting = new Map<SlotId, Waiting>()
  readonly #more = new Bell()

  constructor(parts: FreedSlotsParts) {
    this.#parts = parts
  }

  add(slot: Slot): void {
    this.#add(slot, -Infinity, LOST)
  }

  /** One that was looked up, and found no room in the queue. */
  addLater(slot: Slot): void {
    const why = this.#waiting.get(slotId(slot.requestId, slot.slotIndex))?.why ?? LOST
    this.#add(slot, this.#parts.clock.now() + LATER_SECONDS, why)
  }

  /** One that this node gave up, for a reason that may pass. */
  addGivenUp(slot: Slot): void {
    this.#add(slot, this.#parts.clock.now() + LATER_SECONDS, GIVEN_UP)
  }

  /** Somebody has filled it. */
  forget({ requestId, slotIndex }: Slot): void {
    this.#waiting.delete(slotId(requestId, slotIndex))
  }

  /** What the chain does not tell now is asked for again. Rejects with the signal's reason only. */
  async lookUp({ signal }: AbortOptions): Promise<void> {
    for await (const _ of this.#more.listen({ signal })) await this.#lookUpDue(signal)
  }

  #add({ requestId, slotIndex }: Slot, notBefore: Seconds, why: string): void {
    const [oldest] = this.#waiting.keys()
    if (this.#waiting.size >= MAX_WAITING && oldest !== undefined) this.#waiting.delete(oldest)
    this.#waiting.set(slotId(requestId, slotIndex), { slot: { requestId, slotIndex }, notBefore, why })
    this.#more.ring()
  }

  async #lookUpDue(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts
    for (const [id, waiting] of [...this.#waiting]) {
      if (waiting.notBefore > clock.now()) continue
      const isDone = await this.#isLookedUp(waiting, signal)
      // Freed anew or left without room meanwhile, it is another.
      if (isDone && this.#waiting.get(id) === waiting) this.#waiting.delete(id)
    }
    if (this.#waiting.size === 0) return
    await clock.until(clock.now() + RETRY_SECONDS, { signal })
    this.#more.ring()
  }

  async #isLookedUp({ slot, why }: Waiting, signal: AbortSignal): Promise<boolean> {
    const { requestId, slotIndex } = slot
    const { market, clock, log, offer } = this.#parts
    try {
      // Most of what was freed within weeks is over.
      const end = await market.requestEnd(requestId, { signal })
      if (end === undefined || end <= clock.now()) return true
      const request = await market.request(requestId, { signal })
      if (request === undefined) return true
      if (!this.#waiting.has(slotId(requestId, slotIndex))) return true
      const collateral = collateralToFill(market.terms, { ...request.ask, isRepair: why === LOST })
      const offered = { requestId, ask: request.ask, expiry: end, client: request.client }
      offer(slotQueueItem(offered, slotIndex, collateral), why)
      return true
    } catch (error) {
      signal.throwIfAborted()
      log.warn('a freed slot could not be looked up; trying again', { requestId, slotIndex, error })
      return false
    }
  }
}
