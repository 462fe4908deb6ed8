// What is changed about js-libp2p's writes and windows, held against streams and connections of no library.

import type { ConnectionEncrypter, MultiaddrConnection, Stream, Transport } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, it } from 'vitest'

import { joinWrites, joinWritesOf, MAX_WRITE_BYTES } from '../../src/exchange/joinedwrites.ts'
import { decipherInPieces } from '../../src/exchange/piecewiserecords.ts'
import { sparseWindow, WINDOW_BYTES } from '../../src/exchange/sparsewindow.ts'

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
    expect(calls).toEqual(['cork', [0, 3], [1, 2, 3], [9], 'uncork'])
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

describe('a record that comes in pieces', () => {
  const connection = () => ({
    handshake: { decrypt: (record: Uint8ArrayList) => record.sublist(1) },
    decrypt: (record: Uint8ArrayList) => record.subarray(1),
  })
  const encrypter = (make: () => object) =>
    decipherInPieces({
      secureInbound: async () => ({ connection: make() }),
      secureOutbound: async () => ({ connection: make() }),
    } as unknown as ConnectionEncrypter)

  it('is deciphered without being joined, both ways', async () => {
    const made = encrypter(connection)
    for (const secure of [made.secureInbound, made.secureOutbound]) {
      const secured = (await secure({} as MultiaddrConnection)).connection as unknown as ReturnType<typeof connection>
      expect([...(secured.decrypt(LIST) as unknown as Uint8ArrayList)]).toHaveLength(3)
    }
  })

  it('is left to connections made in a way not known', async () => {
    const unknown = { decrypt: connection().decrypt }
    const { connection: secured } = await encrypter(() => unknown).secureInbound({} as MultiaddrConnection)
    expect(secured).toEqual(unknown)
    expect(unknown.decrypt(LIST)).toBeInstanceOf(Uint8Array)
  })
})

describe('the window of a stream', () => {
  function windowed(recvWindow: number) {
    const stream = { recvWindow, recvWindowCapacity: recvWindow, updates: 0, sendWindowUpdate: () => {} }
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
    const frame = 60_000
    for (let frames = 0; frames < 100; frames++) {
      stream.recvWindowCapacity -= frame
      expect(stream.recvWindowCapacity).toBeGreaterThanOrEqual(WINDOW_BYTES / 2 - frame)
      stream.sendWindowUpdate()
    }
    expect(stream.updates).toBe(1 + Math.floor(100 / Math.ceil(WINDOW_BYTES / 2 / frame)))
  })

  it('of a muxer that has none is left alone', () => {
    const stream = { id: '1' } as unknown as Stream
    expect(sparseWindow(stream)).toBe(stream)
    expect(stream).toEqual({ id: '1' })
  })
})
