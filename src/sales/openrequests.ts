// The requests that are open as far as we heard, and which of their slots were decided for good: so that a change of our terms can look at the
// rest again. Bounded; the oldest goes.

import type { Seconds } from '../lib/units.ts'
import type { Slot } from '../market/market.ts'
import type { ContractEvent } from '../market/marketevent.ts'
import type { RequestId } from '../protocol/request.ts'
import type { SlotWanted } from './availability.ts'

/** What the chain told when it was asked for. */
export type Offered = Extract<ContractEvent, { type: 'StorageRequested' }>

interface OpenRequest {
  readonly offered: Offered
  /** Who asks, once it was looked up. */
  client?: string
  /** Indices of slots that no change of our terms can mend. */
  readonly givenUp: Set<number>
  /** Some of its slots found no room in the queue. */
  isSqueezed: boolean
}

/** What each slot of a request wants of us, as far as its event tells: not when it ends, which counts as 0. */
export function wantedOf({ ask }: Offered): SlotWanted {
  return { ...ask, requestEnd: 0 }
}

/** Requests remembered at once. */
export const MAX_OPEN_REQUESTS = 10_000

export class OpenRequests {
  readonly #open = new Map<RequestId, OpenRequest>()

  /** Heard of, again perhaps: what was given up stays given up. */
  remember(offered: Offered): void {
    const { givenUp = new Set<number>(), client } = this.#open.get(offered.requestId) ?? {}
    const [oldest] = this.#open.keys()
    if (this.#open.size >= MAX_OPEN_REQUESTS && oldest !== undefined && !this.#open.has(offered.requestId))
      this.#open.delete(oldest)
    this.#open.set(offered.requestId, {
      offered,
      givenUp,
      isSqueezed: false,
      ...(client !== undefined && { client }),
    })
  }

  /** Filled, or over. */
  forget(id: RequestId): void {
    this.#open.delete(id)
  }

  offered(id: RequestId): Offered | undefined {
    return this.#open.get(id)?.offered
  }

  wantedFor(id: RequestId): SlotWanted | undefined {
    const offered = this.offered(id)
    return offered && wantedOf(offered)
  }

  clientOf(id: RequestId): string | undefined {
    return this.#open.get(id)?.client
  }

  knowClient(id: RequestId, client: string): void {
    const open = this.#open.get(id)
    if (open !== undefined) open.client = client
  }

  giveUp({ requestId, slotIndex }: Slot): void {
    this.#open.get(requestId)?.givenUp.add(slotIndex)
  }

  /** Another host lost it: it is new to everybody. */
  reconsider({ requestId, slotIndex }: Slot): void {
    this.#open.get(requestId)?.givenUp.delete(slotIndex)
  }

  isGivenUp({ requestId, slotIndex }: Slot): boolean {
    return this.#open.get(requestId)?.givenUp.has(slotIndex) === true
  }

  /** A slot of it found no room in the queue. @returns whether it is remembered: it is not once all of its slots were filled */
  squeeze(id: RequestId): boolean {
    const open = this.#open.get(id)
    if (open !== undefined) open.isSqueezed = true
    return open !== undefined
  }

  /** Those of which slots found no room, each once, unless they expire before `now`. */
  takeSqueezed(now: Seconds): Offered[] {
    const found: Offered[] = []
    for (const open of this.#open.values()) {
      if (open.isSqueezed && open.offered.expiry > now) found.push(open.offered)
      open.isSqueezed = false
    }
    return found
  }

  /** A copy of those that do not expire before `now`, the longest known first; the others are forgotten. */
  stillOpen(now: Seconds): Offered[] {
    for (const [id, { offered }] of this.#open) if (offered.expiry <= now) this.#open.delete(id)
    return Array.from(this.#open.values(), ({ offered }) => offered)
  }
}
