// Who was thrown out, and for how long: peers that lied, kept silent or talked nonsense. In memory only; a new start gives everyone a new chance.

import type { Seconds } from '../lib/units.ts'

/** After the first eviction; doubled by each further one. */
export const FIRST_BAR_SECONDS: Seconds = 30
export const MAX_BAR_SECONDS: Seconds = 3600
/** Peers remembered; the one thrown out longest ago is forgotten first. */
export const MAX_REMEMBERED_PEERS = 1024
/** Good conduct for so long, and the count begins anew. */
const FORGIVEN_AFTER_SECONDS: Seconds = 6 * 3600

interface Eviction {
  readonly until: Seconds
  readonly count: number
}

export class Evictions {
  readonly #byPeer = new Map<string, Eviction>()

  /** @returns until when the peer stays out */
  add(peerId: string, now: Seconds): Seconds {
    const before = this.#byPeer.get(peerId)
    const count = before === undefined || before.until + FORGIVEN_AFTER_SECONDS < now ? 1 : before.count + 1
    const until = now + Math.min(FIRST_BAR_SECONDS * 2 ** (count - 1), MAX_BAR_SECONDS)
    this.#byPeer.delete(peerId)
    this.#byPeer.set(peerId, { until, count })
    const [oldest] = this.#byPeer.keys()
    if (this.#byPeer.size > MAX_REMEMBERED_PEERS && oldest !== undefined) this.#byPeer.delete(oldest)
    return until
  }

  isBarred(peerId: string, now: Seconds): boolean {
    return (this.#byPeer.get(peerId)?.until ?? -Infinity) > now
  }

  /** How often the peer was thrown out, as far as remembered. */
  countOf(peerId: string): number {
    return this.#byPeer.get(peerId)?.count ?? 0
  }
}
