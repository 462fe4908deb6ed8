// A map whose keys are slots: by request first, so that all of a request are found at once, and without making a text of each key.

import type { RequestId } from '../protocol/request.ts'

export interface SlotName {
  readonly requestId: RequestId
  readonly slotIndex: number
}

/** A request of which one slot is here: most are, and a map of their own is what they would cost most. */
class One<T> {
  readonly slotIndex: number
  value: T

  constructor(slotIndex: number, value: T) {
    this.slotIndex = slotIndex
    this.value = value
  }
}

export class SlotMap<T> {
  readonly #byRequest = new Map<RequestId, One<T> | Map<number, T>>()

  get({ requestId, slotIndex }: SlotName): T | undefined {
    const own = this.#byRequest.get(requestId)
    if (own instanceof One) return own.slotIndex === slotIndex ? own.value : undefined
    return own?.get(slotIndex)
  }

  set({ requestId, slotIndex }: SlotName, value: T): void {
    const own = this.#byRequest.get(requestId)
    if (own === undefined) this.#byRequest.set(requestId, new One(slotIndex, value))
    else if (own instanceof Map) own.set(slotIndex, value)
    else if (own.slotIndex === slotIndex) own.value = value
    else
      this.#byRequest.set(
        requestId,
        new Map([
          [own.slotIndex, own.value],
          [slotIndex, value],
        ]),
      )
  }

  delete({ requestId, slotIndex }: SlotName): void {
    const own = this.#byRequest.get(requestId)
    if (own instanceof Map) {
      own.delete(slotIndex)
      if (own.size > 0) return
    } else if (own?.slotIndex !== slotIndex) return
    this.#byRequest.delete(requestId)
  }

  has(slot: SlotName): boolean {
    return this.get(slot) !== undefined
  }

  /** A copy of what all slots have. */
  values(): T[] {
    return [...this.#byRequest.values()].flatMap(valuesOf)
  }

  /** A copy of what one slot has, or all slots of a request. */
  of(requestId: RequestId, slotIndex?: number): T[] {
    if (slotIndex === undefined) return valuesOf(this.#byRequest.get(requestId))
    const one = this.get({ requestId, slotIndex })
    return one === undefined ? [] : [one]
  }
}

function valuesOf<T>(own: One<T> | Map<number, T> | undefined): T[] {
  if (own === undefined) return []
  return own instanceof Map ? [...own.values()] : [own.value]
}
