// What is changed about js-libp2p's writes and windows, held against streams and connections of no library.

import type { ConnectionEncrypter, MultiaddrConnection, Stream, Transport } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, it } from 'vitest'

import { joinWrites, joinWritesOf, MAX_WRITE_BYTES } from '../../src/exchange/joinedwrites.ts'
import { borrowReads, LentReads } from '../../src/exchange/lentreads.ts'
import { decipherInPieces, RecordReader } from '../../src/exchange/piecewiserecords.ts'
import { FRAME_BYTES, sparseWindow, WINDOW_BYTES, windowOf } from '../../src/exchange/sparsewindow.ts'

const LIST = new Uint8ArrayList(Uint8Array.of(0, 3), Uint8Array.of(1, 2, 3), Uint8Array.of(9))
const sendOn = (connection: object): unknown =>
  (connection as { sendData(data: Uint8ArrayList): unknown }).sendData(LIST)

describe('the pieces of a record', () => {
  it('go to a socket between cork and uncork', () => {
    const calls: unknown[] = []
    const socket = {
      writableNeedDrain: false,
      cork: () => calls.push('cork'),
      write: (bytes: Uint8Array) => calls.push([...bytes]) > 0,
      uncork: () => {
        calls.push('uncork')
        socket.writableNeedDrain = true
      },
    }
    const connection = joinWrites({ socket, sendData: () => undefined } as unknown as MultiaddrConnection)
    expect(sendOn(connection)).toEqual({ sentBytes: 6, canSendMore: false })
    expect(calls).toEqual(['cork', [0, 3, 1, 2, 3, 9], 'uncork'])
  })

  it('are written to a socket one by one, but for the short ones between them', () => {
    const written: number[] = []
    const socket = {
      writableNeedDrain: false,
      cork: () => undefined,
      write: (bytes: Uint8Array) => written.push(bytes.length) > 0,
      uncork: () => undefined,
    }
    const connection = joinWrites({ socket, sendData: () => undefined } as unknown as MultiaddrConnection)
    const lengths = [2, 1000, 16, 2, 64, 16]
    const list = new Uint8ArrayList(...lengths.map((length) => new Uint8Array(length)))
    ;(connection as unknown as { sendData(data: Uint8ArrayList): unknown }).sendData(list)
    expect(written).toEqual([2, 1000, 18, 64, 16])
  })

  it('are one message of a WebSocket', () => {
    const sent: Uint8Array[][] = []
    const websocket = {
      sendData(data: Uint8ArrayList) {
        sent.push([...data])
        return { sentBytes: data.byteLength, canSendMore: true }
      },
    }
    expect(sendOn(joinWrites(websocket as unknown as MultiaddrConnection))).toEqual({ sentBytes: 6, canSendMore: true })
    expect(sent).toEqual([[Uint8Array.of(0, 3, 1, 2, 3, 9)]])
  })

  it('are no larger message of a WebSocket than the other end takes', () => {
    const sent: number[] = []
    const websocket = {
      sendData(data: Uint8ArrayList) {
        sent.push(...[...data].map(({ length }) => length))
        return { sentBytes: data.byteLength, canSendMore: true }
      },
    }
    const connection = joinWrites(websocket as unknown as MultiaddrConnection)
    ;(connection as unknown as typeof websocket).sendData(
      new Uint8ArrayList(...Array.from({ length: 5 }, () => new Uint8Array(65_535))),
    )
    expect(sent).toEqual([MAX_WRITE_BYTES, MAX_WRITE_BYTES, 5 * 65_535 - 2 * MAX_WRITE_BYTES])
  })

  it('are left alone where a connection sends in a way not known', () => {
    const connection = {} as MultiaddrConnection
    expect(joinWrites(connection)).toBe(connection)
    expect(connection).toEqual({})
  })

  it('are joined for connections both ways of a transport', async () => {
    const upgraded: object[] = []
    const upgrader = {
      upgradeInbound: async (connection: object) => void upgraded.push(connection),
      upgradeOutbound: async (connection: object) => void upgraded.push(connection),
      createInboundAbortSignal: (signal: unknown) => signal,
      getStreamMuxers: () => 'muxers',
      getConnectionEncrypters: () => 'encrypters',
    }
    const make = () => ({ sendData: (data: Uint8ArrayList) => [...data].length })
    const transport = {
      dial: async (_: unknown, options: { upgrader: typeof upgrader }) => options.upgrader.upgradeOutbound(make()),
      createListener: (options: { upgrader: typeof upgrader }) => options.upgrader,
    }
    const joined = joinWritesOf(transport as unknown as Transport) as unknown as typeof transport
    await joined.dial('', { upgrader })
    const given = joined.createListener({ upgrader })
    await given.upgradeInbound(make())
    expect(upgraded.map(sendOn)).toEqual([1, 1])
    const { signal } = new AbortController()
    expect([given.getStreamMuxers(), given.getConnectionEncrypters()]).toEqual(['muxers', 'encrypters'])
    expect(given.createInboundAbortSignal(signal)).toBe(signal)
  })
})

describe('records of a connection', () => {
  const connection = () => ({
    stream: {},
    handshake: { decrypt: (record: Uint8Array) => record.subarray(1) },
    decoder: { buffer: new Uint8ArrayList(Uint8Array.of(0, 3, 1)), decode: (): Iterable<unknown> => [] },
    decrypt: (record: unknown): unknown => record,
  })
  const encrypter = (make: () => object) =>
    decipherInPieces({
      secureInbound: async () => ({ connection: make() }),
      secureOutbound: async () => ({ connection: make() }),
    } as unknown as ConnectionEncrypter)

  it('that were read together are handed on together, both ways', async () => {
    const made = encrypter(connection)
    for (const secure of [made.secureInbound, made.secureOutbound]) {
      const secured = (await secure({} as MultiaddrConnection)).connection as unknown as ReturnType<typeof connection>
      const decode = secured.decoder.decode as (bytes: Uint8Array) => Iterable<unknown>
      // Behind what the library's reader has kept.
      const [records, ...more] = decode(Uint8Array.of(2, 3, 0, 2, 7, 8, 0))
      expect(more).toEqual([])
      expect((secured.decrypt(records) as Uint8ArrayList).subarray()).toEqual(Uint8Array.of(2, 3, 8))
      expect([...decode(Uint8Array.of(9))]).toEqual([])
    }
  })

  it('are left to connections made in a way not known', async () => {
    const unknown = { decrypt: connection().decrypt }
    const { connection: secured } = await encrypter(() => unknown).secureInbound({} as MultiaddrConnection)
    expect(secured).toEqual({ decrypt: unknown.decrypt })
  })

  it('are the same however the bytes are cut, and stay so until the next are read', () => {
    const records = [1, 0, 300, 65_535, 2, 0, 65_535, 65_535, 7].map((length, i) => new Uint8Array(length).fill(i + 1))
    const wire = new Uint8ArrayList(
      ...records.flatMap((record) => [Uint8Array.of(record.length >> 8, record.length & 255), record]),
    ).subarray()
    for (const step of [7, 299, 40_000, 65_536, 140_000, wire.length]) {
      const reader = new RecordReader()
      const found: Uint8Array[] = []
      // In one place for all, as a socket reads.
      const lent = new Uint8Array(step)
      for (let at = 0; at < wire.length; at += step) {
        const part = wire.subarray(at, at + step)
        lent.set(part)
        found.push(...reader.read(lent.subarray(0, part.length)).map((record) => record.slice()))
      }
      expect(found.map(({ length }) => length)).toEqual([1, 300, 65_535, 2, 65_535, 65_535, 7])
      expect(found.every((record) => record.every((byte) => byte === record[0]))).toBe(true)
      expect(found.map(([first]) => first)).toEqual([1, 3, 4, 5, 7, 8, 9])
    }
  })
})

describe('what a socket reads', () => {
  function reading() {
    const taken: Uint8Array[] = []
    const readBuffer = new Uint8ArrayList()
    const onData = (bytes: Uint8Array): void => {
      taken.push(bytes)
    }
    const connection = { readBuffer, onData }
    return { taken, readBuffer, connection: connection as typeof connection & MultiaddrConnection }
  }
  const memory = Uint8Array.of(1, 2, 3)

  it('is copied for listeners that may keep it, also before there is a connection', () => {
    const { taken, connection } = reading()
    const reads = new LentReads()
    reads.take(2, memory)
    reads.attach(connection)
    reads.take(3, memory)
    memory.fill(9)
    expect(taken).toEqual([Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3)])
    memory.set([1, 2, 3])
  })

  it('is lent to those who borrow, and copied where nobody took it', () => {
    const { taken, readBuffer, connection } = reading()
    const reads = new LentReads()
    borrowReads(reads.attach(connection))
    reads.take(2, memory)
    expect(taken.map(({ buffer }) => buffer)).toEqual([memory.buffer])
    connection.onData = (bytes) => readBuffer.append(bytes)
    reads.take(3, memory)
    memory.fill(9)
    expect(readBuffer.subarray()).toEqual(Uint8Array.of(1, 2, 3))
  })
})

describe('the window of a stream', () => {
  function windowed(recvWindow: number) {
    const stream = {
      recvWindow,
      recvWindowCapacity: recvWindow,
      updates: 0,
      sendWindowUpdate: () => {},
      maxMessageSize: recvWindow,
    }
    stream.sendWindowUpdate = () => {
      stream.updates++
      stream.recvWindowCapacity = stream.recvWindow
    }
    sparseWindow(stream as unknown as Stream)
    return stream
  }

  it('is told again only when half of it is used', () => {
    const stream = windowed(256 * 1024)
    // What the stream began with is less than half of what it may have: more is granted at the first word.
    stream.sendWindowUpdate()
    expect(stream).toMatchObject({ updates: 1, recvWindowCapacity: WINDOW_BYTES })
    expect(windowOf(stream as unknown as Stream)).toBe(WINDOW_BYTES)
    const frame = 60_000
    for (let frames = 0; frames < 100; frames++) {
      stream.recvWindowCapacity -= frame
      expect(stream.recvWindowCapacity).toBeGreaterThanOrEqual(WINDOW_BYTES / 2 - frame)
      stream.sendWindowUpdate()
    }
    expect(stream.updates).toBe(1 + Math.floor(100 / Math.ceil(WINDOW_BYTES / 2 / frame)))
  })

  it('does not make frames longer than whole records', () => {
    const stream = windowed(WINDOW_BYTES)
    expect(stream.maxMessageSize).toBe(FRAME_BYTES)
    stream.maxMessageSize = 1000
    expect(stream.maxMessageSize).toBe(1000)
    stream.maxMessageSize = 16 * WINDOW_BYTES
    expect(stream.maxMessageSize).toBe(FRAME_BYTES)
  })

  it('of a muxer that has none is left alone', () => {
    const stream = { id: '1' } as unknown as Stream
    expect(sparseWindow(stream)).toBe(stream)
    expect(stream).toEqual({ id: '1' })
    expect(windowOf(stream)).toBeUndefined()
  })
})
