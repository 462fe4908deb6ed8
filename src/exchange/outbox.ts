// What is to be said to one peer and has not been said yet: state, not a queue. A later word about an address takes the place of an earlier one,
// so that a peer that does not listen costs no more than the addresses there are.

import type { Cid } from '../protocol/cid.ts'
import { addressKey, addressOf } from './addresskey.ts'
import type { MessageInput, PresenceInput, WantInput } from './encodemessage.ts'
import type { BlockAddress } from './message.ts'
import { type WANT_BLOCK, WANT_HAVE } from './message.ts'

/** Entries of one message, as the network's nodes send them. */
export const ENTRIES_PER_MESSAGE = 1024
/** Answers that wait; a peer that asks on without listening gets no more, and asks again. */
export const MAX_WAITING_PRESENCES = 4096

type WithAddress<T> = T & BlockAddress

export class Outbox {
  readonly #wants = new Map<string, WithAddress<WantInput>>()
  readonly #presences = new Map<string, WithAddress<PresenceInput>>()
  #isFull = true

  get size(): number {
    return this.#wants.size + this.#presences.size
  }

  want(address: BlockAddress, wantType: typeof WANT_HAVE | typeof WANT_BLOCK, key = addressKey(address)): void {
    // Behind all that was said before: a want-block must not overtake nor be overtaken by a cancel of the same address.
    this.#wants.delete(key)
    // Written out, because copying an address costs more than all the rest.
    const { cid, treeCid, index } = address
    this.#wants.set(
      key,
      treeCid === undefined ? { cid, wantType, sendDontHave: true } : { treeCid, index, wantType, sendDontHave: true },
    )
  }

  cancel(address: BlockAddress, key = addressKey(address)): void {
    this.#wants.delete(key)
    this.#wants.set(key, { ...addressOf(address), wantType: WANT_HAVE, cancel: true })
  }

  /** @returns false when too many wait already */
  presence(address: BlockAddress, type: 'have' | 'dontHave'): boolean {
    const key = addressKey(address)
    if (!this.#presences.has(key) && this.#presences.size >= MAX_WAITING_PRESENCES) return false
    this.#presences.set(key, { ...addressOf(address), type })
    return true
  }

  /** The next message, its entries taken out; undefined when there is nothing to say. The first want list is the full one. */
  take(): MessageInput | undefined {
    if (this.size === 0) return undefined
    const wants = takeFrom(this.#wants)
    const full = wants.length > 0 && this.#isFull
    if (wants.length > 0) this.#isFull = false
    return { wants, full, presences: takeFrom(this.#presences) }
  }
}

function takeFrom<T extends { readonly treeCid?: Cid | undefined }>(waiting: Map<string, T>): T[] {
  const taken: T[] = []
  for (const [key, entry] of waiting) {
    if (taken.length === ENTRIES_PER_MESSAGE) break
    taken.push(entry)
    waiting.delete(key)
  }
  return taken
}
