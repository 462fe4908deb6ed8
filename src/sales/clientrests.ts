// Clients whose slots came to nothing because their data did not come: each try cost gas for a place on chain. Their slots rest, longer each time, until one of
// them is filled. Bounded; the oldest is forgiven.

import type { Seconds } from '../lib/units.ts'

/** Slots that were too slow one after the other before the others rest. */
const PATIENCE = 2
const FIRST_REST_SECONDS: Seconds = 600
const MAX_REST_SECONDS: Seconds = 86_400
/** Clients in mind at once. */
const MAX_CLIENTS = 1000

export class ClientRests {
  readonly #clients = new Map<string, { readonly slow: number; readonly until: Seconds }>()

  /** A slot of this client was too slow. @returns when its other slots may be looked at again, where they rest from now on */
  tooSlow(client: string, now: Seconds): Seconds | undefined {
    const before = this.#clients.get(client) ?? { slow: 0, until: -Infinity }
    // What was under way already when the rest began says nothing new.
    if (before.until > now) return undefined
    const slow = before.slow + 1
    const isRest = slow >= PATIENCE
    const until = isRest ? now + Math.min(FIRST_REST_SECONDS * 2 ** (slow - PATIENCE), MAX_REST_SECONDS) : -Infinity
    this.#clients.delete(client)
    const [oldest] = this.#clients.keys()
    if (this.#clients.size >= MAX_CLIENTS && oldest !== undefined) this.#clients.delete(oldest)
    this.#clients.set(client, { slow, until })
    return isRest ? until : undefined
  }

  /** Its data came. */
  forgive(client: string): void {
    this.#clients.delete(client)
  }

  isResting(client: string, now: Seconds): boolean {
    return (this.#clients.get(client)?.until ?? -Infinity) > now
  }
}
