// A peer that speaks as the network's nodes do, over their stack alone: TCP, Noise and mplex, frames as long as theirs. It tells everyone it meets all that
// it wants, says nothing of what it has not got, and sends all blocks that were asked of it in one message.

import { noise } from '@libp2p/noise'
import { identify } from '@libp2p/identify'
import type { Connection, Stream } from '@libp2p/interface'
import { mplex } from '@libp2p/mplex'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

import { BlockSource } from '../../src/exchange/blocksource.ts'
import { decodeMessage } from '../../src/exchange/decodemessage.ts'
import type { MessageInput } from '../../src/exchange/encodemessage.ts'
import { encodeMessage } from '../../src/exchange/encodemessage.ts'
import { FrameReader, framePrefix } from '../../src/exchange/framereader.ts'
import type { Message, Want } from '../../src/exchange/message.ts'
import { BLOCK_EXCHANGE_PROTOCOL } from '../../src/exchange/message.ts'
import { concatBytes } from '../../src/lib/bytes.ts'
import { MiB } from '../../src/lib/units.ts'
import type { NetworkNode } from './networknodes.ts'
import type { TestPeer } from './exchangepeers.ts'

/** What their coder cuts from longer writes; a write of up to a mebibyte is one frame. */
const CUT_BYTES = MiB - 64

export interface NimPeer {
  readonly id: string
  readonly addresses: readonly string[]
  /** What it heard, its own answers not counted. */
  readonly heard: readonly Message[]
  /** Deliveries in each message that it sent. */
  readonly deliveries: readonly number[]
  /** Bytes of each frame with blocks in it that it sent. */
  readonly frames: readonly number[]
  connect(to: NetworkNode): Promise<void>
  /** To everyone it is connected to. */
  send(message: Uint8Array): Promise<void>
  /** As its muxer does with streams that were idle for five minutes. */
  resetStreams(): void
  stop(): Promise<void>
}

export interface NimPeerOptions {
  /** Waits so long for more wants before it sends what it has. */
  readonly gatherMs?: number
  /** Blocks of one message; all that were asked for without it. */
  readonly blocks?: number
  /** Where it cuts what it sends. */
  readonly cutBytes?: number
}

export async function nimPeer(
  { repo }: Pick<TestPeer, 'repo'>,
  { gatherMs = 50, blocks = Infinity, cutBytes = CUT_BYTES }: NimPeerOptions = {},
): Promise<NimPeer> {
  const libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [mplex()],
    services: { identify: identify() },
    connectionMonitor: { enabled: false },
  })
  const source = new BlockSource(repo)
  const heard: Message[] = []
  const deliveries: number[] = []
  const frames: number[] = []
  const outbound = new Map<Connection, Promise<Stream>>()
  const inbound = new Set<Stream>()

  const streamTo = (connection: Connection): Promise<Stream> => {
    const known = outbound.get(connection)
    if (known !== undefined) return known
    const opened = connection.newStream(BLOCK_EXCHANGE_PROTOCOL)
    outbound.set(connection, opened)
    void opened.then((stream) => {
      stream.addEventListener('close', () => outbound.delete(connection))
      listen(stream, connection)
    })
    return opened
  }
  const write = async (connection: Connection, message: Uint8Array): Promise<void> => {
    const stream = await streamTo(connection)
    const framed = concatBytes(framePrefix(message.length), message)
    for (let at = 0; at < framed.length;) {
      const left = framed.length - at
      const end = at + (left > MiB ? cutBytes : left)
      frames.push(end - at)
      stream.send(framed.subarray(at, end))
      at = end
    }
  }
  const say = (connection: Connection, message: MessageInput): Promise<void> =>
    write(connection, encodeMessage(message))

  const listen = (stream: Stream, connection: Connection): void => {
    inbound.add(stream)
    const reader = new FrameReader(() => 100 * MiB, { take: (bytes) => new Uint8Array(bytes) })
    stream.addEventListener('message', ({ data }) => {
      for (const bytes of reader.push(data.subarray())) void answer(decodeMessage(bytes), connection)
    })
    stream.addEventListener('close', () => inbound.delete(stream))
  }
  const asked = new Map<string, Want>()
  let gathering: Promise<void> | undefined
  const answer = async (message: Message, connection: Connection): Promise<void> => {
    heard.push(message)
    const haves = message.wants.filter(({ cancel, wantType }) => !cancel && wantType === 1)
    const here = await source.has(haves)
    const presences = haves.filter((_, i) => here[i]).map((want) => ({ ...want, type: 'have' as const }))
    if (presences.length > 0) await say(connection, { presences })
    for (const want of message.wants) {
      const key = `${want.treeCid ?? want.cid}/${want.index}`
      if (want.cancel) asked.delete(key)
      else if (want.wantType === 0) asked.set(key, want)
    }
    if (asked.size > 0) gathering ??= gather(connection)
  }
  const gather = async (connection: Connection): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, gatherMs))
    gathering = undefined
    const wants = [...asked.values()]
    asked.clear()
    const found = (await source.load(wants)).filter((delivery) => delivery !== undefined)
    for (let at = 0; at < found.length; at += blocks) {
      const part = found.slice(at, at + blocks)
      deliveries.push(part.length)
      await say(connection, { deliveries: part })
    }
  }

  await libp2p.handle(BLOCK_EXCHANGE_PROTOCOL, listen)
  return {
    id: libp2p.peerId.toString(),
    addresses: libp2p.getMultiaddrs().map((address) => address.toString().replace(/\/p2p\/.*$/, '')),
    heard,
    deliveries,
    frames,
    async connect(to) {
      await libp2p.dial(multiaddr(`${to.network.addresses()[0]}/p2p/${to.id}`))
    },
    async send(message) {
      for (const connection of libp2p.getConnections()) await write(connection, message)
    },
    resetStreams() {
      for (const stream of inbound) stream.abort(new Error('idle for too long'))
    },
    stop: async () => libp2p.stop(),
  }
}
