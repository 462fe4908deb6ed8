// A map whose keys are slots: by request first, so that all of a request are found at once, and without making a text of each key.

import type { RequestId } from '../protocol/request.ts'

export interface SlotName {
  readonly requestId: RequestId
  readonly slotIndex: number
}

export class SlotMap<T> {
  readonly #byRequest = new Map<RequestId, Map<number, T>>()

  get({ requestId, slotIndex }: SlotName): T | undefined {
    return this.#byRequest.get(requestId)?.get(slotIndex)
  }

  set({ requestId, slotIndex }: SlotName, value: T): void {
    const own = this.#byRequest.get(requestId)
    if (own === undefined) this.#byRequest.set(requestId, new Map([[slotIndex, value]]))
    else own.set(slotIndex, value)
  }

  delete({ requestId, slotIndex }: SlotName): void {
    const own = this.#byRequest.get(requestId)
    own?.delete(slotIndex)
    if (own?.size === 0) this.#byRequest.delete(requestId)
  }

  has(slot: SlotName): boolean {
    return this.get(slot) !== undefined
  }

  /** A copy of what all slots have. */
  values(): T[] {
    return [...this.#byRequest.values()].flatMap((own) => [...own.values()])
  }

  /** A copy of what one slot has, or all slots of a request. */
  of(requestId: RequestId, slotIndex?: number): T[] {
    const own = this.#byRequest.get(requestId)
    if (own === undefined) return []
    if (slotIndex === undefined) return [...own.values()]
    const one = own.get(slotIndex)
    return one === undefined ? [] : [one]
  }
}
