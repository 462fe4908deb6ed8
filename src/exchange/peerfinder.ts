// Keeps connected to the peers that it is to keep, and looks for others while something is wanted that nobody connected has: asks discovery, connects to
// who it names. It decides nothing about blocks.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Scope } from '../lib/scope.ts'
import type { Seconds } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import type { Discovery } from './discovery.ts'
import type { PeerAddress } from './peeraddress.ts'

/** Between two rounds of looking. */
export const LOOK_SECONDS: Seconds = 3
/** Between two looks at whether anything is wanted. */
const IDLE_SECONDS: Seconds = 1
/** Different contents looked for in one round; the others come next. */
const CIDS_PER_ROUND = 8
/** Peers tried for one content in one round. */
const PEERS_PER_CID = 16
/** A peer that could not be reached is not tried again before; doubled each time. */
const RETRY_SECONDS: Seconds = 5
const MAX_RETRY_SECONDS: Seconds = 300
/** Peers whose failures are remembered. */
const MAX_REMEMBERED = 1024

export interface PeerFinderParts {
  readonly discovery: Discovery
  /** To be connected with always, whether anything is wanted of them or not: who cannot be reached from outside is reached by what it dialled. */
  readonly keep?: readonly PeerAddress[] | undefined
  /** What to look for: see `BlockExchange.unoffered`. */
  readonly wanted: () => readonly Cid[]
  /** Settles with its id when connected, at once when that is so already. */
  readonly connect: (peer: PeerAddress, options: AbortOptions) => Promise<string>
  readonly clock: Clock
  readonly log: Log
}

export class PeerFinder {
  readonly #parts: PeerFinderParts
  readonly #scope: Scope
  readonly #failures = new Map<string, { readonly until: Seconds; readonly count: number }>()
  readonly #trying = new Set<string>()
  #round = 0

  constructor(parts: PeerFinderParts) {
    this.#parts = parts
    this.#scope = new Scope({ report: (error) => parts.log.error('looking for peers failed', { error }) })
  }

  start(): void {
    this.#scope.spawn('look', (signal) => this.#look(signal))
    for (const peer of this.#parts.keep ?? []) this.#scope.spawn('keep', (signal) => this.#keep(peer, signal))
  }

  /** Never rejects. */
  stop(): Promise<void> {
    return this.#scope.close()
  }

  /** Whoever is connected already, or was tried in vain not long ago, is not bothered. */
  async #keep(peer: PeerAddress, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts
    let { peerId } = peer
    for (;;) {
      peerId = (await this.#try({ ...peer, peerId }, signal)) ?? peerId
      await clock.until(clock.now() + LOOK_SECONDS, { signal })
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { clock, wanted } = this.#parts
    for (;;) {
      const cids = wanted()
      const first = cids.length === 0 ? 0 : (this.#round++ * CIDS_PER_ROUND) % cids.length
      for (const cid of cids.slice(first, first + CIDS_PER_ROUND)) await this.#lookFor(cid, signal)
      // Asking whether anything is wanted costs nothing; asking discovery costs others something.
      await clock.until(clock.now() + (cids.length === 0 ? IDLE_SECONDS : LOOK_SECONDS), { signal })
    }
  }

  async #lookFor(cid: Cid, signal: AbortSignal): Promise<void> {
    const { discovery, log } = this.#parts
    let tried = 0
    try {
      for await (const peer of discovery.providers(cid, { signal })) {
        await this.#try(peer, signal)
        if (++tried === PEERS_PER_CID) return
      }
    } catch (error) {
      signal.throwIfAborted()
      log.warn('discovery failed', { cid: String(cid), error })
    }
  }

  /** @returns the id of the peer when connected */
  async #try(peer: PeerAddress, signal: AbortSignal): Promise<string | undefined> {
    const { connect, clock, log } = this.#parts
    const key = peer.peerId ?? peer.addresses.join()
    const failure = this.#failures.get(key)
    if (this.#trying.has(key) || (failure !== undefined && failure.until > clock.now())) return undefined
    this.#trying.add(key)
    try {
      const peerId = await connect(peer, { signal })
      this.#failures.delete(key)
      return peerId
    } catch (error) {
      signal.throwIfAborted()
      if (!CodexError.is(error)) throw error
      const count = (failure?.count ?? 0) + 1
      const wait = Math.min(RETRY_SECONDS * 2 ** (count - 1), MAX_RETRY_SECONDS)
      this.#failures.delete(key)
      this.#failures.set(key, { until: clock.now() + wait, count })
      const [oldest] = this.#failures.keys()
      if (this.#failures.size > MAX_REMEMBERED && oldest !== undefined) this.#failures.delete(oldest)
      log.debug('could not connect to a peer', { peer: key, error })
      return undefined
    } finally {
      this.#trying.delete(key)
    }
  }
}
