// Attacks beneath the messages of the exchange, on real connections: on the negotiation of protocols and on the frames of the muxer.

import { webcrypto } from 'node:crypto'
import { connect } from 'node:net'

import { noise } from '@libp2p/noise'
import type { Connection, MultiaddrConnection, StreamMuxerFactory } from '@libp2p/interface'
import { yamux } from '@libp2p/yamux'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, it } from 'vitest'

import { FramePieces, MAX_EMPTY_FRAMES, MAX_FRAME_BYTES } from '../../src/exchange/framepieces.ts'
import { MAX_WAITING_MESSAGES } from '../../src/exchange/framereader.ts'
import { identityOf } from '../../src/exchange/identity.ts'
import { BLOCK_EXCHANGE_PROTOCOL } from '../../src/exchange/message.ts'
import { MAX_ANSWERS } from '../../src/exchange/negotiationlimit.ts'
import { openLibp2p } from '../../src/exchange/openlibp2p.ts'
import { limitStreamsOf, STREAMS_PER_CONNECTION } from '../../src/exchange/streamlimit.ts'
import { concatBytes } from '../../src/lib/bytes.ts'
import { KiB, MiB } from '../../src/lib/units.ts'
import { nodeTransports } from '../../src/platform/nodejs/nodetransports.ts'
import { encodeVarint } from '../../src/protocol/varint.ts'
import { range } from '../fakes/exchangepeers.ts'
import type { NetworkNode } from '../fakes/networknodes.ts'
import { endingsAfterEach } from './endings.ts'

/** Proposals of nothing, each of which is answered. */
const PROPOSALS = new Uint8Array(64 * KiB).map((_, i) => (i % 2 === 0 ? 1 : 10))
const HELLO = concatBytes(Uint8Array.of(19), new TextEncoder().encode('/multistream/1.0.0'), Uint8Array.of(10))
/** Of one answer, `na`, and a little for what comes before. */
const MOST_BYTES = MAX_ANSWERS * 4 + 256

const { ends, node } = endingsAfterEach()

const addressOf = (b: NetworkNode) => multiaddr(`${b.network.addresses()[0]}/p2p/${b.id}`)

/** A connection of the library's own, with a muxer that says whatever it is told to. */
async function muxed(
  b: NetworkNode,
  muxers?: readonly ('yamux' | 'mplex')[],
): Promise<{ connection: Connection; say: (bytes: Uint8Array) => void }> {
  const identity = identityOf(webcrypto.getRandomValues(new Uint8Array(32)))
  const attacker = await openLibp2p({ identity, listen: [], muxers, isBarred: () => false }, await nodeTransports())
  await attacker.start()
  ends.push(async () => attacker.stop())
  const connection = await attacker.dial(addressOf(b))
  const { muxer } = connection as unknown as { muxer: { maConn: MultiaddrConnection } }
  return { connection, say: (bytes) => void muxer.maConn.send(bytes) }
}

function header(type: number, flag: number, streamID: number, length: number): Uint8Array {
  const head = new DataView(new ArrayBuffer(12))
  head.setUint8(1, type)
  head.setUint16(2, flag)
  head.setUint32(4, streamID)
  head.setUint32(8, length)
  return new Uint8Array(head.buffer)
}

describe('a negotiation that never ends', () => {
  it('is ended before anyone knows with whom it is', async () => {
    const b = await node()
    const socket = connect(Number(/\/tcp\/(\d+)/.exec(b.network.addresses()[0] ?? '')?.[1]), '127.0.0.1')
    let bytes = 0
    socket.on('data', (data) => (bytes += data.length))
    const closed = new Promise((resolve) => socket.on('error', () => undefined).on('close', resolve))
    socket.write(concatBytes(HELLO, PROPOSALS))
    await closed
    expect(bytes).toBeLessThan(MOST_BYTES)
  })

  it('is ended when it is about the muxer', async () => {
    const b = await node()
    let bytes = 0
    const attacker = await createLibp2p({
      transports: [tcp()],
      streamMuxers: [yamux()],
      connectionEncrypters: [
        (components) => {
          const encrypter = noise()(components)
          const secureOutbound = encrypter.secureOutbound.bind(encrypter)
          encrypter.secureOutbound = async (connection, options) => {
            const secured = await secureOutbound(connection, { ...options, skipStreamMuxerNegotiation: true })
            secured.connection.addEventListener('message', ({ data }) => (bytes += data.byteLength))
            secured.connection.send(concatBytes(HELLO, PROPOSALS))
            return secured
          }
          return encrypter
        },
      ],
    })
    ends.push(async () => attacker.stop())
    await expect(attacker.dial(addressOf(b))).rejects.toThrow()
    await expect.poll(() => b.network.connections()).toEqual([])
    expect(bytes).toBeLessThan(MOST_BYTES)
  })

  it('ends its stream, and nothing else', async () => {
    const b = await node()
    const { connection } = await muxed(b)
    const { muxer } = connection as unknown as {
      muxer: { createStream(options: object): Promise<MultiaddrConnection> }
    }
    const stream = await muxer.createStream({})
    let bytes = 0
    stream.addEventListener('message', ({ data }) => (bytes += data.byteLength))
    stream.send(concatBytes(HELLO, PROPOSALS))
    await expect.poll(() => stream.status).toBe('reset')
    expect(bytes).toBeLessThan(MOST_BYTES)
    expect(connection.status).toBe('open')
  })
})

describe('frames of the muxer', () => {
  it.each([
    ['longer than any window', concatBytes(header(0, 0, 99, 2 ** 32 - 1), new Uint8Array(MiB))],
    ['that are many and empty', concatBytes(...Array.from({ length: 5000 }, () => header(1, 0, 99, 0)))],
  ])('%s end the connection', async (_, bytes) => {
    const b = await node()
    const { connection, say } = await muxed(b)
    say(bytes)
    await expect.poll(() => connection.status).not.toBe('open')
    await expect.poll(() => b.network.connections()).toEqual([])
  })

  it('for a stream that is none are held by nobody, and others go on', async () => {
    const b = await node()
    const { connection, say } = await muxed(b)
    // In one go, or words of the muxer's own would come in between.
    say(concatBytes(header(0, 0, 99, MAX_FRAME_BYTES), new Uint8Array(MAX_FRAME_BYTES)))
    const pinged = (connection as unknown as { muxer: { ping(): Promise<number> } }).muxer.ping()
    expect(await pinged).toBeGreaterThanOrEqual(0)
  })
})

describe("streams of the network's own muxer", () => {
  /** Opens a stream: its number and flag in one varint, an empty name. */
  const opened = (id: number): Uint8Array => concatBytes(Uint8Array.from(encodeVarint(id * 8)), Uint8Array.of(0))

  it('that are opened by the thousand end the connection', async () => {
    const b = await node()
    const { connection, say } = await muxed(b, ['mplex'])
    say(concatBytes(...range(10_000).map((i) => opened(1000 + i))))
    await expect.poll(() => connection.status).not.toBe('open')
    await expect.poll(() => b.network.connections()).toEqual([])
  })

  it('beyond what one peer may hold open are reset, however slowly they come, until others are closed', () => {
    const streams: FakeStream[] = []
    const open = (): FakeStream => {
      const stream: FakeStream = {
        direction: 'inbound',
        error: undefined,
        abort: (error) => void (stream.error = error),
      }
      muxer.onRemoteStream(stream)
      return stream
    }
    const made = { streams, abort: () => undefined, onRemoteStream: (stream: FakeStream) => void streams.push(stream) }
    const factory = limitStreamsOf({ protocol: '/fake', createStreamMuxer: () => made } as never) as StreamMuxerFactory
    const muxer = factory.createStreamMuxer({} as never) as unknown as typeof made
    streams.push({ direction: 'outbound', error: undefined, abort: () => undefined })
    expect(range(STREAMS_PER_CONNECTION).map(() => open().error)).toEqual(
      range(STREAMS_PER_CONNECTION).map(() => undefined),
    )
    expect(open().error).toMatchObject({ code: 'network/too-many-streams' })
    expect(streams).toHaveLength(STREAMS_PER_CONNECTION + 1)
    streams.pop()
    expect(open().error).toBeUndefined()
  })
})

interface FakeStream {
  readonly direction: 'inbound' | 'outbound'
  error: Error | undefined
  abort(error: Error): void
}

describe('messages', () => {
  it('beyond what may wait end the connection, however small they are', async () => {
    const b = await node()
    const { connection } = await muxed(b)
    const stream = await connection.newStream(BLOCK_EXCHANGE_PROTOCOL)
    stream.send(new Uint8Array(2 * MAX_WAITING_MESSAGES))
    await expect.poll(() => b.network.connections()).toEqual([])
    expect(b.logged.map(({ fields }) => fields['error'])).toContainEqual(
      expect.objectContaining({ code: 'exchange/too-many-messages' }),
    )
  })
})

describe('pieces of frames', () => {
  const frame = (flag: number, data: Uint8Array): Uint8Array => concatBytes(header(0, flag, 7, data.length), data)
  const wire = concatBytes(
    header(1, 1, 7, 0),
    frame(2 + 4, Uint8Array.of(1, 2, 3, 4, 5)),
    frame(0, new Uint8Array(0)),
    header(2, 1, 0, 9),
    frame(1, Uint8Array.of(6)),
  )

  it.each([1, 3, 12, 13, 100])('are the whole, flags and all, of reads of %d bytes', (step) => {
    const reader = new FramePieces()
    const frames: { type: number; flag: number; data: number[] }[] = []
    let isOpen = false
    for (let at = 0; at < wire.length; at += step) {
      const part = wire.subarray(at, at + step)
      const half = part.length >> 1
      const list = new Uint8ArrayList(part.subarray(0, half), part.subarray(half))
      for (const { header: head, data } of reader.emitFrames(at % 2 === 0 ? part : list)) {
        const { type, flag, length } = head
        if (data !== undefined) expect(data.byteLength).toBe(length)
        const last = frames.at(-1)
        if (isOpen && last !== undefined) {
          last.flag |= flag
          last.data.push(...(data?.subarray() ?? []))
        } else frames.push({ type, flag, data: [...(data?.subarray() ?? [])] })
        isOpen = type === 0 && (frames.at(-1)?.data.length ?? 0) < 5 && frames.length === 2
      }
    }
    expect(frames).toEqual([
      { type: 1, flag: 1, data: [] },
      { type: 0, flag: 6, data: [1, 2, 3, 4, 5] },
      { type: 0, flag: 0, data: [] },
      { type: 2, flag: 1, data: [] },
      { type: 0, flag: 1, data: [6] },
    ])
  })

  it('begin with what opens a stream and end with what closes it, and come at once', () => {
    const reader = new FramePieces()
    const flags = (bytes: Uint8Array): number[] => reader.emitFrames(bytes).map(({ header: { flag } }) => flag)
    expect(flags(concatBytes(header(0, 15, 1, MiB), new Uint8Array(10)))).toEqual([3])
    expect(flags(new Uint8Array(MiB - 20))).toEqual([0])
    expect(flags(new Uint8Array(10))).toEqual([12])
  })

  it('are refused in another version, too long, and when they are many and empty', () => {
    const refused = expect.objectContaining({ code: 'network/bad-frame' })
    const empty = (count: number) => concatBytes(...Array.from({ length: count }, () => header(0, 0, 1, 0)))
    expect(() => new FramePieces().emitFrames(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))).toThrow(refused)
    expect(() => new FramePieces().emitFrames(header(0, 0, 1, MAX_FRAME_BYTES + 1))).toThrow(refused)
    expect(() => new FramePieces().emitFrames(empty(MAX_EMPTY_FRAMES + 1))).toThrow(refused)
    expect(new FramePieces().emitFrames(empty(MAX_EMPTY_FRAMES))).toHaveLength(MAX_EMPTY_FRAMES)
  })
})
