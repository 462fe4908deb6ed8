// The block exchange: links to peers in, blocks out. It keeps the peers' sessions, the one ticking loop and the door for those who were thrown out.
// How a link comes to be is the network's business (network.ts), what is fetched the callers' (fetchleaves.ts, fetchblock.ts).

import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Scope } from '../lib/scope.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import { MiB } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import type { RepoStore } from '../storage/repostore.ts'
import { BlockSource } from './blocksource.ts'
import { Evictions } from './evictions.ts'
import type { Link } from './link.ts'
import type { BlockAddress } from './message.ts'
import { Peer } from './peer.ts'
import { PeerLimits } from './peerlimits.ts'
import { Requester } from './requester.ts'
import type { ShortageWatch } from './responder.ts'
import { Responder } from './responder.ts'
import { readMessages, sendMessages } from './session.ts'
import type { Consumer, WantTerms } from './want.ts'

/** Peers at once; a link beyond is closed. As many as the network's nodes take. */
export const MAX_PEERS = 160
/** A peer that does not take a message within this time goes. */
export const SEND_SECONDS: Seconds = 60
/** A peer whose message is not complete within this time of its beginning goes: it may be holding our memory on purpose. */
export const MESSAGE_SECONDS: Seconds = 120

/**
 * A tick that comes later counts for no more: the machine slept, and no peer was silent meanwhile. Where timers are throttled, as in a hidden tab, it
 * takes the longer until a silent peer is noticed.
 */
export const MAX_TICK_SECONDS: Seconds = 5

/** Of unfinished messages of all peers; of more the one that has been unfinished longest goes, with its peer. */
export const MAX_PARTIAL_BYTES: Bytes = 48 * MiB

export interface BlockExchangeParts {
  readonly repo: RepoStore
  readonly clock: Clock
  readonly log: Log
  /** Evenly from 0 to below 1. */
  readonly random: () => number
}

/** One peer as people see it. */
export interface PeerReport {
  readonly peerId: string
  readonly connectedSince: Seconds
  readonly bytesPerSecond: number
  readonly receivedBytes: Bytes
  readonly sentBytes: Bytes
  /** Blocks asked of it and not delivered yet. */
  readonly asked: number
  /** Blocks it wants of us. */
  readonly wanted: number
}

export class BlockExchange {
  readonly #clock: Clock
  readonly #log: Log
  readonly #requester: Requester
  readonly #responder: Responder
  readonly #source: BlockSource
  readonly #evictions = new Evictions()
  readonly #limits: PeerLimits
  readonly #peers = new Map<string, Peer>()
  readonly #sessions = new Set<Promise<void>>()
  readonly #scope: Scope
  readonly #ending = new AbortController()

  constructor({ repo, clock, log, random }: BlockExchangeParts) {
    this.#clock = clock
    this.#log = log
    this.#limits = new PeerLimits(clock)
    this.#source = new BlockSource(repo)
    this.#responder = new Responder(this.#source, log)
    this.#requester = new Requester({
      hasher: repo.parts.hasher,
      now: () => clock.now(),
      random,
      evict: (peer, error) => this.#evict(peer, error),
    })
    this.#scope = new Scope({ report: (error, task) => log.error('the block exchange failed', { task, error }) })
  }

  /** Ticks once a second until {@link BlockExchange.stop}. */
  start(): void {
    this.#scope.spawn('tick', (signal) => this.#tick(signal))
  }

  /** Closes every link; fetches under way fail with `exchange/stopped`. Never rejects. */
  async stop(): Promise<void> {
    const reason = new CodexError('exchange/stopped', 'the block exchange was stopped')
    this.#ending.abort(reason)
    for (const { link } of this.#peers.values()) link.close(reason)
    await this.#scope.close(reason)
    await Promise.all(this.#sessions)
  }

  /** Aborts when the exchange stops. */
  get signal(): AbortSignal {
    return this.#ending.signal
  }

  /**
   * Talks to a peer until it has gone; the link is closed then. Never rejects. A second link to a peer, one too many, and one to a peer that was
   * thrown out are closed at once. A peer that this node called takes the place of one that called it, of the one that has been of no use for longest.
   */
  async attach(link: Link): Promise<void> {
    const refusal = this.#refusal(link)
    if (refusal !== undefined) {
      link.close(refusal)
      return
    }
    const peer = new Peer(link, this.#clock.now())
    this.#peers.set(peer.id, peer)
    const session = this.#talk(peer)
    this.#sessions.add(session)
    await session
    this.#sessions.delete(session)
  }

  /** Whether the peer was thrown out and may not come back yet: for the gate of the network. */
  isBarred(peerId: string): boolean {
    return this.#evictions.isBarred(peerId, this.#clock.now())
  }

  peers(): PeerReport[] {
    return [...this.#peers.values()].map((peer) => ({
      peerId: peer.id,
      connectedSince: peer.since,
      bytesPerSecond: peer.rate.bytesPerSecond,
      receivedBytes: peer.receivedBytes,
      sentBytes: peer.sentBytes,
      asked: peer.asked.size,
      wanted: peer.theirs.size,
    }))
  }

  /** Bytes asked for or arrived and not stored; bounded whatever is fetched. */
  get inFlightBytes(): Bytes {
    return this.#requester.inFlightBytes
  }

  /** As {@link Requester.want}. */
  want(address: BlockAddress, terms: WantTerms, consumer: Consumer): () => void {
    return this.#requester.want(address, terms, consumer)
  }

  /** Which of these blocks are in the store. */
  has(addresses: readonly BlockAddress[]): Promise<boolean[]> {
    return this.#source.has(addresses)
  }

  /** As {@link Responder.announce}. */
  announce(addresses: readonly BlockAddress[]): void {
    this.#responder.announce(addresses)
  }

  /** Tells a peer, if it is connected, that these are here, without being asked. */
  offer(peerId: string, addresses: readonly BlockAddress[]): void {
    const peer = this.#peers.get(peerId)
    for (const address of addresses) peer?.outbox.presence(address, 'have')
    peer?.bell.ring()
  }

  /** From now on told of what peers want that is not here; at most one watch. */
  watchShortages(watch: ShortageWatch): void {
    this.#responder.watch(watch)
  }

  /** As {@link Requester.unoffered}. */
  unoffered(): Cid[] {
    return this.#requester.unoffered()
  }

  async #talk(peer: Peer): Promise<void> {
    this.#log.debug('peer connected', { peer: peer.id })
    this.#requester.addPeer(peer)
    const scope = new Scope({
      signal: this.#ending.signal,
      report: (error) => this.#part(peer, error),
    })
    peer.leaving.addEventListener('abort', () => void scope.close(peer.leaving.reason))
    const parts = {
      clock: this.#clock,
      requester: this.#requester,
      responder: this.#responder,
      limits: this.#limits,
    }
    const reading = new Promise<void>((resolve) => {
      scope.spawn('read', (signal) => readMessages(peer, parts, { signal }).finally(resolve))
      scope.spawn('send', (signal) => sendMessages(peer, parts, { signal }).finally(resolve))
    })
    await reading
    peer.link.close()
    await scope.close()
    this.#remove(peer)
  }

  async #tick(signal: AbortSignal): Promise<void> {
    for (let last = this.#clock.now(); ;) {
      await this.#clock.until(last + 1, { signal })
      const now = this.#clock.now()
      const seconds = Math.min(now - last, MAX_TICK_SECONDS)
      const missedSeconds = now - last - seconds
      if (missedSeconds > 0) for (const peer of this.#peers.values()) peer.spare(missedSeconds, now)
      this.#requester.tick(now, seconds)
      for (const peer of [...this.#peers.values()])
        if (now - (peer.sendingSince ?? now) >= SEND_SECONDS) this.#evict(peer, deaf(peer))
        else if (now - (peer.link.partialSince ?? now) >= MESSAGE_SECONDS) this.#evict(peer, slow(peer))
      this.#limitPartial(now)
      last = now
    }
  }

  #limitPartial(now: Seconds): void {
    const bytesOf = ({ link }: Peer): Bytes => link.partialBytes ?? 0
    const sinceOf = ({ link }: Peer): Seconds => link.partialSince ?? now
    const partial = [...this.#peers.values()].filter((peer) => bytesOf(peer) > 0)
    let bytes = partial.reduce((sum, peer) => sum + bytesOf(peer), 0)
    if (bytes <= MAX_PARTIAL_BYTES) return
    for (const peer of partial.toSorted((a, b) => sinceOf(a) - sinceOf(b))) {
      if (bytes <= MAX_PARTIAL_BYTES) return
      bytes -= bytesOf(peer)
      this.#evict(peer, slow(peer))
    }
  }

  #refusal({ peerId, isDialled = false }: Link): CodexError | undefined {
    const detail = { peer: peerId }
    if (this.#ending.signal.aborted) return this.#ending.signal.reason as CodexError
    if (this.isBarred(peerId))
      return new CodexError('exchange/barred', `peer ${peerId} was thrown out and may not come back yet`, { detail })
    if (this.#peers.has(peerId))
      return new CodexError('exchange/connected-already', `peer ${peerId} is connected already`, { detail })
    if (this.#peers.size < MAX_PEERS || (isDialled && this.#replace())) return undefined
    return new CodexError('exchange/too-many-peers', `expected at most ${MAX_PEERS} peers`, { detail })
  }

  /** @returns whether there is a place now */
  #replace(): boolean {
    let useless: Peer | undefined
    for (const peer of this.#peers.values()) {
      if (peer.link.isDialled === true || peer.asked.size > 0) continue
      if (useless === undefined || usefulAt(peer) < usefulAt(useless)) useless = peer
    }
    if (useless === undefined) return false
    const detail = { peer: useless.id }
    const reason = new CodexError('exchange/replaced', `peer ${useless.id} had to make room for another`, { detail })
    this.#remove(useless, reason)
    useless.link.close(reason)
    return true
  }

  /** What the peer said that it must not say ends it; a broken link only ends the link. */
  #part(peer: Peer, error: unknown): void {
    if (CodexError.is(error) && !TRANSPORT_CODES.includes(error.code)) this.#evict(peer, error)
    else this.#log.debug('the link to a peer broke', { peer: peer.id, error })
  }

  #evict(peer: Peer, error: CodexError): void {
    if (this.#peers.get(peer.id) !== peer || this.#evictions.isBarred(peer.id, this.#clock.now())) return
    const until = this.#evictions.add(peer.id, this.#clock.now())
    this.#log.warn('threw a peer out', { peer: peer.id, until, error })
    this.#remove(peer, error)
    peer.link.close(error)
  }

  #remove(peer: Peer, reason: Error = gone(peer)): void {
    if (this.#peers.get(peer.id) !== peer) return
    this.#peers.delete(peer.id)
    peer.leave(reason)
    this.#requester.removePeer(peer)
    this.#responder.removePeer(peer)
    this.#log.debug('peer gone', { peer: peer.id })
  }
}

/** Ends of a link that are nobody's fault. */
const TRANSPORT_CODES: readonly string[] = [
  'exchange/link-closed',
  'exchange/replaced',
  'exchange/stopped',
  'scope/closed',
]

function usefulAt({ activeAt, servedAt }: Peer): Seconds {
  return Math.max(activeAt, servedAt)
}

function gone(peer: Peer): CodexError {
  return new CodexError('exchange/link-closed', `peer ${peer.id} has gone`, { detail: { peer: peer.id } })
}

function deaf(peer: Peer): CodexError {
  return new CodexError('exchange/deaf-peer', `peer ${peer.id} has not taken a message for ${SEND_SECONDS} s`, {
    detail: { peer: peer.id },
  })
}

function slow(peer: Peer): CodexError {
  return new CodexError(
    'exchange/slow-peer',
    `a message of peer ${peer.id} was not complete after ${MESSAGE_SECONDS} s, or held memory that others need`,
    {
      detail: { peer: peer.id },
    },
  )
}
