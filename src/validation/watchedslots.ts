// The slots a validator knows of: those it watches, and those it would watch if it had room. It asks nobody; the validator does.

import { describeValue, numberOrDescription } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import type { Period } from '../market/periodicity.ts'
import type { SlotId } from '../protocol/request.ts'

/** Slots known at once; of further ones the validator does not hear, so that the chain's history cannot fill its memory. */
export const MAX_KNOWN_SLOTS = 100_000

export class WatchedSlots {
  /** 0 for as many as there are. */
  readonly #maxSlots: number
  readonly #watched = new Set<SlotId>()
  readonly #waiting = new Set<SlotId>()
  /** In which period a slot was first seen with nobody in it. */
  readonly #vacantIn = new Map<SlotId, Period>()

  /** @throws CodexError `validation/bad-max-slots` */
  constructor(maxSlots: number) {
    if (!Number.isSafeInteger(maxSlots) || maxSlots < 0)
      throw new CodexError(
        'validation/bad-max-slots',
        `expected a number of slots from 0 on, 0 for all, found ${describeValue(maxSlots)}`,
        { detail: { maxSlots: numberOrDescription(maxSlots) } },
      )
    this.#maxSlots = maxSlots
  }

  /** In the order in which they were heard of. */
  get watched(): readonly SlotId[] {
    return [...this.#watched]
  }

  /** Whether another slot would be watched. */
  get hasRoom(): boolean {
    return this.#maxSlots === 0 || this.#watched.size < this.#maxSlots
  }

  /** Hears of a filled slot. False when so many are known that this one is not taken in. */
  offer(id: SlotId): boolean {
    this.#vacantIn.delete(id)
    if (this.#watched.has(id) || this.#waiting.has(id)) return true
    if (this.#watched.size + this.#waiting.size >= MAX_KNOWN_SLOTS) return false
    this.#waiting.add(id)
    return true
  }

  get waitingCount(): number {
    return this.#waiting.size
  }

  /** Up to `count` of those that wait, longest first. */
  waiting(count: number): readonly SlotId[] {
    const found: SlotId[] = []
    for (const id of this.#waiting) {
      if (found.length >= count) break
      found.push(id)
    }
    return found
  }

  /** From now on this one is watched, if it waited and there is room; where there is none it waits behind the others. */
  watch(id: SlotId): void {
    this.#vacantIn.delete(id)
    if (!this.#waiting.delete(id)) return
    if (this.hasRoom) this.#watched.add(id)
    else this.#waiting.add(id)
  }

  /** If it waits, it waits behind the others. */
  putOff(id: SlotId): void {
    if (this.#waiting.delete(id)) this.#waiting.add(id)
  }

  /** Nobody holds it, as a block of `period` sees it. Forgotten when that is so in a second one: the first may not have seen yet who filled it. */
  vacant(id: SlotId, period: Period): void {
    const before = this.#vacantIn.get(id)
    if (before !== undefined && before !== period) return this.forget(id)
    if (this.#watched.has(id) || this.#waiting.has(id)) this.#vacantIn.set(id, period)
    this.putOff(id)
  }

  forget(id: SlotId): void {
    this.#vacantIn.delete(id)
    this.#watched.delete(id)
    this.#waiting.delete(id)
  }
}
