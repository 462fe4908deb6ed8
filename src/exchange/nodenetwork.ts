// The network side of a node, born and ended as one: identity, block exchange, libp2p, the search for peers. What the node wants of others goes
// through here; how it is made in Node and in a tab differs only in the transports it is given.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { RandomSource } from '../lib/random.ts'
import type { Bytes } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import type { Manifest } from '../protocol/manifest.ts'
import type { Datasets } from '../storage/datasets.ts'
import type { Datastore } from '../storage/datastore.ts'
import type { RepoStore } from '../storage/repostore.ts'
import { Announcer } from './announcer.ts'
import type { PeerReport } from './blockexchange.ts'
import { BlockExchange } from './blockexchange.ts'
import { BootstrapDiscovery } from './bootstrapdiscovery.ts'
import type { Discovery } from './discovery.ts'
import type { FetchBlockOptions } from './fetchblock.ts'
import { fetchBlock } from './fetchblock.ts'
import type { FetchDatasetOptions } from './fetchdataset.ts'
import { fetchDataset, fetchManifest, streamDataset } from './fetchdataset.ts'
import { loadIdentity } from './identity.ts'
import type { ConnectionReport } from './network.ts'
import { Network } from './network.ts'
import type { AdmitVisit, Transports } from './openlibp2p.ts'
import { openLibp2p } from './openlibp2p.ts'
import type { PeerAddress } from './peeraddress.ts'
import { parsePeerAddress, parsePeerAddresses } from './peeraddress.ts'
import { PeerFinder } from './peerfinder.ts'
import type { Relay } from './relay.ts'

export interface NetworkSettings {
  /** Multiaddrs to listen on; none by default. */
  readonly listen?: readonly string[] | undefined
  /** Peers to ask, each a multiaddr or an SPR that lists TCP addresses; records that list none are passed over. */
  readonly bootstrap?: readonly string[] | undefined
  /** Who may come over WebSocket, where the platform listens for that; everyone by default. */
  readonly admit?: AdmitVisit | undefined
}

export interface NodeNetworkParts {
  readonly repo: RepoStore
  readonly datasets: Datasets
  readonly datastore: Datastore
  readonly transports: (admit: AdmitVisit | undefined) => Promise<Transports>
  /** Who knows who has what; the bootstrap peers, by default: any of them may have anything. */
  readonly discovery?: ((settings: NetworkSettings) => Discovery) | undefined
  readonly clock: Clock
  readonly log: Log
  readonly random: RandomSource
}

export interface ConnectedPeer extends PeerReport {
  /** Multiaddr of the other end. */
  readonly address: string
  readonly direction: 'inbound' | 'outbound'
}

export class NodeNetwork {
  readonly exchange: BlockExchange
  readonly #network: Network
  readonly #finder: PeerFinder
  readonly #announcer: Announcer | undefined
  readonly #parts: NodeNetworkParts
  readonly #bootstrap: readonly PeerAddress[]
  #relay: Relay | undefined
  #stopped: Promise<void> | undefined

  /**
   * Listens, connects to the bootstrap peers, and looks for others as soon as something is wanted.
   * @throws CodexError `network/cannot-listen`, `identity/corrupted`, and as `parsePeerAddresses` for the bootstrap peers
   */
  static async open(
    parts: NodeNetworkParts,
    settings: NetworkSettings,
    { signal }: AbortOptions,
  ): Promise<NodeNetwork> {
    const { repo, datastore, clock, log, random } = parts
    const keep = parsePeerAddresses(settings.bootstrap ?? [], (error) =>
      log.topic('discovery').warn(`a bootstrap peer is passed over: ${error.message}`, error.detail),
    )
    const discovery: Discovery = parts.discovery?.(settings) ?? new BootstrapDiscovery(keep)
    const identity = await loadIdentity(datastore, (count) => random.bytes(count))
    const exchange = new BlockExchange({ repo, clock, log: log.topic('exchange'), random: () => random.fraction() })
    const isBarred = (peerId: string): boolean => exchange.isBarred(peerId)
    const transports = await parts.transports(settings.admit)
    const { listen = [] } = settings
    const libp2p = await openLibp2p({ identity, listen, isBarred }, transports)
    const network = new Network({ libp2p, identity, listen, exchange, clock, log: log.topic('network') })
    const finder = new PeerFinder({
      discovery,
      keep,
      wanted: () => exchange.unoffered(),
      connect: (peer, options) => network.connect(peer, options),
      clock,
      log: log.topic('discovery'),
    })
    const announce = discovery.announce?.bind(discovery)
    const announcer =
      announce && new Announcer({ announce, datasets: parts.datasets, clock, log: log.topic('discovery') })
    const opened = new NodeNetwork(parts, { exchange, network, finder, announcer, bootstrap: keep })
    try {
      signal.throwIfAborted()
      exchange.start()
      await network.start()
      finder.start()
      announcer?.start()
      return opened
    } catch (error) {
      await opened.stop()
      throw error
    }
  }

  private constructor(
    parts: NodeNetworkParts,
    made: {
      readonly exchange: BlockExchange
      readonly network: Network
      readonly finder: PeerFinder
      readonly announcer: Announcer | undefined
      readonly bootstrap: readonly PeerAddress[]
    },
  ) {
    this.#parts = parts
    this.exchange = made.exchange
    this.#network = made.network
    this.#finder = made.finder
    this.#announcer = made.announcer
    this.#bootstrap = made.bootstrap
  }

  /** Nothing of it runs once settled. Never rejects; a second call waits for the first. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    await Promise.all([this.#finder.stop(), this.#announcer?.stop()])
    await this.#relay?.stop()
    await this.exchange.stop()
    await this.#network.stop()
  }

  get peerId(): string {
    return this.#network.peerId
  }

  /** Multiaddrs that this node is reached at, without its peer id. */
  addresses(): string[] {
    return this.#network.addresses()
  }

  /** The signed record of this node as it is now. */
  spr(): string {
    return this.#network.spr()
  }

  /** Whether there is, or may soon be, anyone to ask. */
  get hasPeers(): boolean {
    return this.#bootstrap.length > 0 || this.isConnected
  }

  /** Whether there is anyone to ask now. */
  get isConnected(): boolean {
    return this.exchange.peers().length > 0
  }

  /** Those that the exchange talks to. */
  peers(): ConnectedPeer[] {
    const connections = new Map(this.#network.connections().map((each) => [each.peerId, each]))
    return this.exchange.peers().flatMap((report) => {
      const connection = connections.get(report.peerId)
      return connection === undefined ? [] : [{ ...report, ...connection }]
    })
  }

  /**
   * Connects to a peer, unless that is so already.
   * @param peer multiaddr or SPR; or addresses for a peer id
   * @returns its peer id
   * @throws CodexError as `parsePeerAddress` and `Network.connect`
   */
  connect(
    peer: string | { readonly peerId: string; readonly addresses: readonly string[] },
    options: AbortOptions,
  ): Promise<string> {
    return this.#network.connect(typeof peer === 'string' ? parsePeerAddress(peer) : peer, options)
  }

  /** As {@link fetchDataset}. */
  fetch(cid: Cid, options: FetchDatasetOptions): Promise<Manifest> {
    return fetchDataset(this.#fetchParts(), cid, options)
  }

  /** As {@link fetchManifest}. */
  manifest(cid: Cid, options: FetchDatasetOptions): Promise<Manifest> {
    return fetchManifest(this.#fetchParts(), cid, options)
  }

  /**
   * The bytes of one block, from the store or else from peers; what comes from peers is not stored.
   * @throws CodexError as {@link fetchBlock} and `RepoStore.get`
   */
  async block(cid: Cid, options: FetchBlockOptions): Promise<Uint8Array> {
    return (await this.#parts.repo.get(cid)) ?? (await fetchBlock(this.exchange, cid, options)).bytes
  }

  /** As {@link streamDataset}. */
  stream(cid: Cid, manifest: Manifest, options: FetchDatasetOptions): AsyncGenerator<Uint8Array, void> {
    return streamDataset(this.#fetchParts(), cid, manifest, options)
  }

  /** Gets blocks for the peers that came over WebSocket, from now on. To be called once. @throws CodexError `relay/cache-too-small` */
  async relay(settings: { readonly cacheBytes?: Bytes | undefined } = {}): Promise<Relay> {
    const { MIN_CACHE_BYTES, Relay } = await import('./relay.ts')
    const { cacheBytes = MIN_CACHE_BYTES } = settings
    if (cacheBytes < MIN_CACHE_BYTES)
      throw new CodexError(
        'relay/cache-too-small',
        `expected a cache of at least ${MIN_CACHE_BYTES} bytes for the bridge, found ${cacheBytes}; give it more`,
        { detail: { limitBytes: MIN_CACHE_BYTES, foundBytes: cacheBytes } },
      )
    const { repo, clock, log } = this.#parts
    const serves = (peerId: string): boolean => this.#network.connections().some((each) => isTab(each, peerId))
    const relay = new Relay({ exchange: this.exchange, repo, serves, clock, log: log.topic('relay') }, settings)
    this.#relay = relay
    relay.start()
    return relay
  }

  #fetchParts() {
    return { ...this.#parts, exchange: this.exchange }
  }
}

/** Nothing but a tab comes in over WebSocket. */
function isTab({ peerId, address, direction }: ConnectionReport, wanted: string): boolean {
  return peerId === wanted && direction === 'inbound' && /\/wss?(\/|$)/.test(address)
}
