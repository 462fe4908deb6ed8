// The network of a node: its libp2p, one link per connected peer, handed to the block exchange. It dials and is dialled; what is said over the links
// is the exchange's business, how bytes travel the transports'.

import type { Connection, Libp2p, PeerId, Stream } from '@libp2p/interface'
import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Scope } from '../lib/scope.ts'
import type { Seconds } from '../lib/units.ts'
import type { BlockExchange } from './blockexchange.ts'
import type { Identity } from './identity.ts'
import { BLOCK_EXCHANGE_PROTOCOL } from './message.ts'
import { MessageMemory } from './messagememory.ts'
import type { PeerAddress } from './peeraddress.ts'
import { encodeSpr } from './spr.ts'
import { StreamLink } from './streamlink.ts'

/** Streams of the exchange that a peer may have open towards us; the network's nodes open one. */
const MAX_INBOUND_STREAMS = 3
const MAX_OUTBOUND_STREAMS = 2
/** A link that broke while its connection lives is made anew so many times a minute: a peer may be restarting its streams, or playing. */
const RELINKS_PER_MINUTE = 6
/** Peers that the library has noted and that are not connected are forgotten every so often. */
export const FORGET_SECONDS: Seconds = 60

export interface NetworkParts {
  /** Not started yet; the network's from then on. */
  readonly libp2p: Libp2p
  readonly identity: Identity
  /** What libp2p listens on, to be told where it cannot. */
  readonly listen?: readonly string[]
  readonly exchange: BlockExchange
  readonly clock: Clock
  readonly log: Log
}

export interface ConnectionReport {
  readonly peerId: string
  readonly address: string
  readonly direction: 'inbound' | 'outbound'
}

export class Network {
  readonly #parts: NetworkParts
  readonly #links = new Map<string, StreamLink>()
  readonly #talks = new Set<Promise<void>>()
  /** When links were made anew, by peer; of connected ones only. */
  readonly #relinks = new Map<string, readonly Seconds[]>()
  readonly #ending = new AbortController()
  readonly #scope: Scope
  readonly #memory = new MessageMemory()

  constructor(parts: NetworkParts) {
    this.#parts = parts
    this.#scope = new Scope({
      signal: this.#ending.signal,
      report: (error, task) => parts.log.error('the network failed', { task, error }),
    })
  }

  /** Listens and takes connections from then on. @throws CodexError `network/cannot-listen` */
  async start(): Promise<void> {
    const { libp2p, listen = [] } = this.#parts
    libp2p.addEventListener('connection:open', ({ detail }) => this.#opened(detail))
    libp2p.addEventListener('peer:disconnect', ({ detail }) => {
      this.#links.get(detail.toString())?.close()
      this.#relinks.delete(detail.toString())
      this.#forget(detail)
    })
    // What a peer said of itself is noted even when it has gone meanwhile.
    libp2p.addEventListener('peer:identify', ({ detail: { peerId } }) => {
      if (libp2p.getConnections(peerId).length === 0) this.#forget(peerId)
    })
    try {
      await libp2p.handle(BLOCK_EXCHANGE_PROTOCOL, (stream, connection) => this.#accept(stream, connection), {
        maxInboundStreams: MAX_INBOUND_STREAMS,
        maxOutboundStreams: MAX_OUTBOUND_STREAMS,
      })
      await libp2p.start()
    } catch (cause) {
      throw cannotListen(listen, cause)
    }
    if (!this.#ending.signal.aborted) this.#scope.spawn('forget', (signal) => this.#forgetGone(signal))
  }

  /** Every connection is closed once settled. Never rejects. */
  async stop(): Promise<void> {
    this.#ending.abort(new CodexError('network/stopped', 'the network was stopped'))
    for (const link of this.#links.values()) link.close()
    await Promise.all(this.#talks)
    await this.#scope.close()
    try {
      await this.#parts.libp2p.stop()
    } catch (error) {
      this.#parts.log.warn('the network did not stop well', { error })
    }
  }

  get peerId(): string {
    return this.#parts.identity.peerId
  }

  /** Multiaddrs that this node is reached at, without its peer id. */
  addresses(): string[] {
    return this.#parts.libp2p.getMultiaddrs().map((address) => address.toString().replace(/\/p2p\/[^/]+$/, ''))
  }

  /** The signed record of this node as it is now. */
  spr(): string {
    const { identity, clock } = this.#parts
    return encodeSpr({ privateKey: identity.privateKey, seqNo: clock.now(), addresses: this.addresses() })
  }

  connections(): ConnectionReport[] {
    return this.#parts.libp2p.getConnections().map(({ remotePeer, remoteAddr, direction }) => ({
      peerId: remotePeer.toString(),
      address: remoteAddr.toString(),
      direction,
    }))
  }

  /**
   * Connects to a peer, unless that is so already, and starts talking to it.
   * @returns its peer id
   * @throws CodexError `network/cannot-connect`, also when another peer answers; the signal's reason
   */
  async connect({ peerId, addresses }: PeerAddress, { signal }: AbortOptions): Promise<string> {
    const known = this.#parts.libp2p.getPeers().find((peer) => peer.toString() === peerId)
    if (known !== undefined && peerId !== undefined) return peerId
    const either = AbortSignal.any([signal, this.#ending.signal])
    either.throwIfAborted()
    try {
      const { multiaddr } = await import('@multiformats/multiaddr')
      const suffix = peerId === undefined ? '' : `/p2p/${peerId}`
      const targets = addresses.map((address) => multiaddr(`${address}${suffix}`))
      const connection = await this.#parts.libp2p.dial(targets, { signal: either })
      return connection.remotePeer.toString()
    } catch (cause) {
      either.throwIfAborted()
      const target = peerId ?? addresses.join(', ')
      throw new CodexError('network/cannot-connect', `could not connect to ${target}: ${textOf(cause)}`, {
        detail: { peer: peerId, addresses: addresses.join(', ') },
        cause,
      })
    }
  }

  /** Ends the connection to a peer, if there is one. */
  async disconnect(peerId: string): Promise<void> {
    const peer = this.#parts.libp2p.getPeers().find((each) => each.toString() === peerId)
    if (peer !== undefined) await this.#parts.libp2p.hangUp(peer)
  }

  /** One connection per peer: of two that were dialled at the same time, both sides keep the one that the peer with the smaller id dialled. */
  #opened(connection: Connection): void {
    const peer = connection.remotePeer
    const others = this.#connectionsTo(peer).filter((other) => other !== connection)
    for (const other of others) {
      const loser =
        other.direction === connection.direction ? other : this.#dialledBySmaller(other) ? connection : other
      loser.close().catch((error: unknown) => loser.abort(error as Error))
      if (loser === connection) return
    }
    this.#linkTo(peer)
  }

  /** Who comes under ever new names must not fill the library's book of peers. */
  #forget(peer: PeerId): void {
    const { libp2p, log } = this.#parts
    libp2p.peerStore.delete(peer).catch((error: unknown) => log.debug('a peer was not forgotten', { error }))
  }

  /** Whoever slipped into the book after it had gone, such as between two notes that the library takes of one peer. */
  async #forgetGone(signal: AbortSignal): Promise<void> {
    const { libp2p, clock, log } = this.#parts
    for (;;) {
      await clock.until(clock.now() + FORGET_SECONDS, { signal })
      try {
        for (const { id } of await libp2p.peerStore.all({ signal }))
          if (libp2p.getConnections(id).length === 0) await libp2p.peerStore.delete(id, { signal })
      } catch (error) {
        signal.throwIfAborted()
        log.debug('peers were not forgotten', { error })
      }
    }
  }

  #dialledBySmaller({ direction, remotePeer }: Connection): boolean {
    return (direction === 'outbound') === this.peerId < remotePeer.toString()
  }

  #connectionsTo(peer: PeerId): Connection[] {
    return this.#parts.libp2p.getConnections(peer).filter(({ status }) => status === 'open')
  }

  #accept(stream: Stream, connection: Connection): void {
    this.#linkTo(connection.remotePeer).add(stream)
  }

  #linkTo(peer: PeerId): StreamLink {
    const peerId = peer.toString()
    const known = this.#links.get(peerId)
    if (known !== undefined && !known.signal.aborted) return known
    const link = new StreamLink({
      peerId,
      isDialled: this.#connectionsTo(peer).some(({ direction }) => direction === 'outbound'),
      clock: this.#parts.clock,
      memory: this.#memory,
      open: (options) => this.#openStream(peer, options),
    })
    this.#links.set(peerId, link)
    const talk = this.#talk(peer, link)
    this.#talks.add(talk)
    talk.then(() => this.#talks.delete(talk)).catch(() => undefined)
    return link
  }

  /** Until the peer has gone. */
  async #talk(peer: PeerId, first: StreamLink): Promise<void> {
    const { exchange } = this.#parts
    await exchange.attach(first)
    if (this.#links.get(first.peerId) === first) this.#links.delete(first.peerId)
    // Thrown out, or refused: then the connection is of no use.
    if (exchange.isBarred(first.peerId) || hasNoPlace(first) || this.#ending.signal.aborted) {
      for (const connection of this.#connectionsTo(peer)) connection.abort(reasonOf(first.signal))
      return
    }
    this.#relink(peer)
  }

  /** The link broke and the connection did not: what was under way is said anew. */
  #relink(peer: PeerId): void {
    const peerId = peer.toString()
    if (this.#links.has(peerId) || this.#connectionsTo(peer).length === 0) return
    const now = this.#parts.clock.now()
    const recent = (this.#relinks.get(peerId) ?? []).filter((at) => now - at < 60)
    if (recent.length >= RELINKS_PER_MINUTE) {
      for (const connection of this.#connectionsTo(peer)) connection.abort(new Error('its streams break too often'))
      this.#relinks.delete(peerId)
      return
    }
    this.#relinks.set(peerId, [...recent, now])
    this.#linkTo(peer)
  }

  async #openStream(peer: PeerId, options: AbortOptions): Promise<Stream> {
    const [connection] = this.#connectionsTo(peer)
    if (connection === undefined) throw new CodexError('exchange/link-closed', 'the peer is not connected')
    return connection.newStream(BLOCK_EXCHANGE_PROTOCOL, options)
  }
}

function hasNoPlace({ signal }: StreamLink): boolean {
  return CodexError.is(signal.reason, 'exchange/too-many-peers') || CodexError.is(signal.reason, 'exchange/replaced')
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('the link is over')
}

/** Without the library's advice, which is for those who program with it. */
function cannotListen(listen: readonly string[], cause: unknown): CodexError<'network/cannot-listen'> {
  const text = textOf(cause)
  if (listen.length === 0)
    return new CodexError('network/cannot-listen', `the network could not be started: ${text}`, { cause })
  const reason = /\bE[A-Z]{4,}\b/.exec(text)?.[0]
  const why = reason === 'EADDRINUSE' ? '; is another program on that port?' : reason === undefined ? '' : `: ${reason}`
  const message = `cannot listen for peers on ${listen.join(', ')}${why}`
  return new CodexError('network/cannot-listen', message, { detail: { listen: listen.join(), reason }, cause })
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
