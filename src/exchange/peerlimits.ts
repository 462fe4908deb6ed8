// How much peers may say in a second: each of them, whether it stays or comes again and again, and all of them together, because names cost nothing.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { FairLimit } from './fairlimit.ts'
import { RateLimit } from './ratelimit.ts'

/** Entries of wants, presences and deliveries, and messages, of one peer in a second and in a burst. */
export const ENTRIES_PER_SECOND = 16_384
export const ENTRIES_IN_BURST = 65_536
/** Of all peers together: those who say little hardly wait for those who say much. */
export const ALL_ENTRIES_PER_SECOND = 65_536
export const ALL_ENTRIES_IN_BURST = 262_144
/** What an entry counts that names a tree or manifest of its own: each is looked up by itself. */
export const CID_ENTRIES = 16
/** What a message counts, besides its entries. */
const MESSAGE_ENTRIES = 4
/** Peers remembered; the one heard of longest ago is forgotten first. */
export const MAX_REMEMBERED_PEERS = 1024

export class PeerLimits {
  readonly #clock: Clock
  readonly #all: FairLimit
  /** The one heard last is the last one. */
  readonly #byPeer = new Map<string, RateLimit>()

  constructor(clock: Clock) {
    this.#clock = clock
    this.#all = new FairLimit(clock, ALL_ENTRIES_PER_SECOND, ALL_ENTRIES_IN_BURST)
  }

  /** Settles when what the peer has said may be acted on. Rejects with `signal.reason`. */
  async spend(
    peerId: string,
    { entries, cids }: { readonly entries: number; readonly cids: number },
    options: AbortOptions,
  ): Promise<void> {
    const amount = MESSAGE_ENTRIES + entries + cids * CID_ENTRIES
    await this.#limitOf(peerId).spend(amount, options)
    await this.#all.spend(amount, options)
  }

  #limitOf(peerId: string): RateLimit {
    const limit = this.#byPeer.get(peerId) ?? new RateLimit(this.#clock, ENTRIES_PER_SECOND, ENTRIES_IN_BURST)
    this.#byPeer.delete(peerId)
    this.#byPeer.set(peerId, limit)
    const [oldest] = this.#byPeer.keys()
    if (this.#byPeer.size > MAX_REMEMBERED_PEERS && oldest !== undefined) this.#byPeer.delete(oldest)
    return limit
  }
}
