// js-libp2p as this node uses it: the stack of the network's nodes (Noise, mplex) and the better muxer where both sides have it (yamux), its limits,
// and the gate. All of it is imported when a network is opened, not before. What it speaks over is the platform's choice.

import type { Libp2p, PeerId } from '@libp2p/interface'
import type { ICryptoInterface } from '@libp2p/noise'
import type { Libp2pOptions } from 'libp2p'
import type { Bytes } from '../lib/units.ts'
import { MiB } from '../lib/units.ts'
import type { Identity } from './identity.ts'
import { MAX_PEERS } from './blockexchange.ts'
import { isCrowded } from './crowding.ts'
import { readFramesInPieces } from './framepieces.ts'
import { joinWritesOf } from './joinedwrites.ts'
import { lendReadsOf } from './lentreads.ts'
import { limitProposalsBehind, limitProposalsOf, limitProposalsWithin } from './negotiationlimit.ts'
import { decipherInPieces } from './piecewiserecords.ts'
import { MAX_WINDOW_BYTES } from './sparsewindow.ts'
import { limitStreamsOf, STREAMS_PER_CONNECTION } from './streamlimit.ts'

/** What libp2p stands on, which the platform loads lazily. */
export interface Transports {
  /** As `createLibp2p` takes them. */
  readonly list: NonNullable<Libp2pOptions['transports']>
  /** For Noise, and able to decipher lists of pieces; script where the platform has nothing faster. */
  readonly crypto?: ICryptoInterface | undefined
}

/** A request to come in over WebSocket, before anything is answered to it. */
export interface Visit {
  /** Of the page that it comes from; undefined when it comes from no page. */
  readonly origin: string | undefined
  /** Of the URL, from `/` on. */
  readonly path: string
  /** Of the other end, which may be a proxy. */
  readonly remoteAddress: string
  /** What the request says of where it came from before, each proxy having added whom it heard: only the word of trusted ones counts. */
  readonly forwardedFor?: string | undefined
  /** Calls `listener` once when the connection is over. */
  readonly whenOver: (listener: () => void) => void
}

/** @returns the HTTP status to refuse the visit with, undefined to let it in. Must not throw. */
export type AdmitVisit = (visit: Visit) => number | undefined

export interface Libp2pSettings {
  readonly identity: Identity
  /** Multiaddrs; none where nobody can listen, as in a tab. */
  readonly listen: readonly string[]
  /** Multiaddrs to be known by, instead of those listened on: for nodes behind a router or a proxy. */
  readonly announce?: readonly string[] | undefined
  /** In the order of preference; both without it. */
  readonly muxers?: readonly ('yamux' | 'mplex')[] | undefined
  /** Of peers that were thrown out: they may neither come nor be called. */
  readonly isBarred: (peerId: string) => boolean
}

const DIALS_AT_ONCE = 8
const DIALS_IN_LINE = 64
const DIAL_MS = 15_000
const NEGOTIATION_MS = 10_000
/** Connections that have not proven who they are yet. */
const PENDING_CONNECTIONS = 32
/** New connections in a second from one address; tabs behind one proxy share theirs. */
const CONNECTIONS_PER_SECOND = 20
/** As the network's nodes do. */
const IDLE_STREAM_MS = 300_000
/** How long a busy peer may take to answer that it lives. */
const PING_MS = 30_000
/** Buffered for a stream that nobody reads yet. */
const UNREAD_BYTES: Bytes = MiB
/** Of mplex: the longest that the network's nodes send and read. Those that they cut themselves are 64 bytes shorter. */
const FRAME_BYTES: Bytes = MiB

/** Not started: handlers come first, because the network's nodes open a stream at once. */
export async function openLibp2p(settings: Libp2pSettings, transports: Transports): Promise<Libp2p> {
  const [{ createLibp2p }, { noise }, { yamux }, { mplex }, { identify }, { privateKeyFromRaw }] = await Promise.all([
    import('libp2p'),
    import('@libp2p/noise'),
    import('@libp2p/yamux'),
    import('@libp2p/mplex'),
    import('@libp2p/identify'),
    import('@libp2p/crypto/keys'),
  ])
  const { identity, listen, announce = [], muxers = ['yamux', 'mplex'], isBarred } = settings
  const { crypto } = transports
  const makeNoise: ReturnType<typeof noise> = (components) =>
    limitProposalsBehind(crypto === undefined ? noise()(components) : decipherInPieces(noise({ crypto })(components)))
  const makeMuxer = {
    yamux: yamux({
      maxInboundStreams: STREAMS_PER_CONNECTION,
      maxOutboundStreams: STREAMS_PER_CONNECTION,
      streamOptions: {
        inactivityTimeout: IDLE_STREAM_MS,
        maxReadBufferLength: UNREAD_BYTES,
        maxStreamWindowSize: MAX_WINDOW_BYTES,
      },
    }),
    mplex: mplex({
      maxMessageSize: FRAME_BYTES,
      streamOptions: { inactivityTimeout: IDLE_STREAM_MS, maxReadBufferLength: UNREAD_BYTES },
    } as Parameters<typeof mplex>[0]),
  }
  const denies = (peer: PeerId): boolean => isBarred(peer.toString())
  // Whom this node dials has a place beyond those of the others: see `BlockExchange.attach`.
  const hasNoPlaceFor = (address: string): boolean => {
    const open = made.libp2p?.getConnections() ?? []
    const inbound = open.filter(({ direction }) => direction === 'inbound')
    return (
      open.length >= MAX_PEERS ||
      isCrowded(
        address,
        inbound.map(({ remoteAddr }) => remoteAddr.toString()),
      )
    )
  }
  const made: { libp2p?: Libp2p } = {}
  made.libp2p = await createLibp2p({
    start: false,
    privateKey: privateKeyFromRaw(identity.privateKey),
    addresses: { listen: [...listen], announce: [...announce] },
    transports: transports.list.map(
      (make) => (components) => limitProposalsOf(lendReadsOf(joinWritesOf(make(components)))),
    ),
    connectionEncrypters: [makeNoise],
    streamMuxers: muxers.map(
      (muxer) => () => limitStreamsOf(limitProposalsWithin(readFramesInPieces(makeMuxer[muxer]()))),
    ),
    services: { identify: identify() },
    nodeInfo: { name: 'codex-light', userAgent: 'codex-light' },
    connectionManager: {
      maxConnections: MAX_PEERS + DIALS_AT_ONCE,
      maxParallelDials: DIALS_AT_ONCE,
      maxDialQueueLength: DIALS_IN_LINE,
      dialTimeout: DIAL_MS,
      inboundUpgradeTimeout: NEGOTIATION_MS,
      maxIncomingPendingConnections: PENDING_CONNECTIONS,
      inboundConnectionThreshold: CONNECTIONS_PER_SECOND,
    },
    connectionMonitor: { pingTimeout: { minTimeout: PING_MS } },
    connectionGater: {
      // A person names the peers; the library's own rule for tabs would refuse every private or unencrypted address.
      denyDialMultiaddr: () => false,
      denyDialPeer: denies,
      denyInboundConnection: ({ remoteAddr }) => hasNoPlaceFor(remoteAddr.toString()),
      denyInboundEncryptedConnection: denies,
      denyOutboundEncryptedConnection: denies,
    },
  })
  return made.libp2p
}
