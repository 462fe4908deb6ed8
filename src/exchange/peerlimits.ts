// How much peers may say in a second: each of them, whether it stays or comes again and again, and all of them together, because names cost nothing. Each
// has a little for itself, so that nothing the others say, be it empty, keeps it from being heard.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import type { Asker } from './fairlimit.ts'
import { FairLimit } from './fairlimit.ts'
import { RateLimit } from './ratelimit.ts'
import { Refilled } from './refilled.ts'

/** Entries of wants, presences and deliveries, and messages, of one peer in a second and in a burst. */
export const ENTRIES_PER_SECOND = 16_384
export const ENTRIES_IN_BURST = 65_536
/** Of all peers together, beyond what each has for itself. Who says little waits until each of the others has said as much, and no longer. */
export const ALL_ENTRIES_PER_SECOND = 65_536
export const ALL_ENTRIES_IN_BURST = 262_144
/** Of that which nobody else can use up: what a node that means well says most of the time, and one of its longest want lists to begin with. */
export const OWN_ENTRIES_PER_SECOND = 256
export const OWN_ENTRIES_IN_BURST = 2048
/** What an entry counts that names a tree or manifest of its own: each is looked up by itself. */
export const CID_ENTRIES = 16
/** What a message counts, besides its entries. */
const MESSAGE_ENTRIES = 4
/** Peers remembered; the one heard of longest ago is forgotten first. */
export const MAX_REMEMBERED_PEERS = 1024

interface PeerLimit extends Asker {
  readonly most: RateLimit
  readonly own: Refilled
}

export class PeerLimits {
  readonly #clock: Clock
  readonly #all: FairLimit
  /** The one heard last is the last one. */
  readonly #byPeer = new Map<string, PeerLimit>()

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
    const limits = this.#limitsOf(peerId)
    const { most, own } = limits
    await most.spend(amount, options)
    if (own.left >= amount) own.take(amount)
    else await this.#all.spend(limits, amount, options)
  }

  #limitsOf(peerId: string): PeerLimit {
    const limits: PeerLimit = this.#byPeer.get(peerId) ?? {
      due: 0,
      most: new RateLimit(this.#clock, ENTRIES_PER_SECOND, ENTRIES_IN_BURST),
      own: new Refilled(this.#clock, OWN_ENTRIES_PER_SECOND, OWN_ENTRIES_IN_BURST),
    }
    this.#byPeer.delete(peerId)
    this.#byPeer.set(peerId, limits)
    const [oldest] = this.#byPeer.keys()
    if (this.#byPeer.size > MAX_REMEMBERED_PEERS && oldest !== undefined) this.#byPeer.delete(oldest)
    return limits
  }
}
