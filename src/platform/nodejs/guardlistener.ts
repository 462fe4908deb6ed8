// A doorkeeper for libp2p's WebSocket listener: looks at the request before it becomes a connection, keeps nobody who makes none, and takes no message
// larger than a peer has reason to send. Who may come in is decided elsewhere.

import type { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { Server, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { AdmitVisit } from '../../exchange/openlibp2p.ts'
import { assert } from '../../lib/errors.ts'
import type { Bytes } from '../../lib/units.ts'
import { KiB } from '../../lib/units.ts'

/** A connection that has not become a WebSocket by then is closed. */
const REQUEST_MS = 10_000
/** Connections that have not become WebSockets; of more the oldest is closed. */
export const MAX_WAITING = 64
/** Connections in all: as many as the exchange takes, and those that wait. */
export const MAX_SOCKETS = 160 + MAX_WAITING
/** Of one WebSocket message; `MAX_WRITE_BYTES` of the exchange is what peers send at most. */
export const MAX_WEBSOCKET_BYTES: Bytes = 128 * KiB

type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

interface Guarded {
  onUpgrade?: Upgrade
  onWsServerConnection?: (socket: EventEmitter, request: IncomingMessage) => void
  close?: () => Promise<void>
  readonly server?: Server
  readonly wsServer?: { readonly options?: { maxPayload?: number } }
}

/**
 * The listener itself, from now on with a doorkeeper. The library shows requests to nobody, so the method that takes them is stepped in front of;
 * should a later version call it otherwise, this fails at the start instead of letting everyone in.
 */
export function guardListener<T extends object>(
  listener: T,
  admit: AdmitVisit | undefined,
  { requestMs = REQUEST_MS }: { readonly requestMs?: number } = {},
): T {
  const guarded = listener as Guarded
  const { onUpgrade: upgrade, onWsServerConnection: take, close, server, wsServer } = guarded
  assert(typeof upgrade === 'function', 'the WebSocket listener takes upgrades by its method onUpgrade')
  assert(typeof take === 'function', 'the WebSocket listener takes WebSockets by its method onWsServerConnection')
  assert(typeof close === 'function' && server !== undefined, 'the WebSocket listener has a server and closes it')
  assert(wsServer?.options !== undefined, 'the WebSocket listener has a server of WebSockets with options')
  // A message is buffered whole before anything of it is checked.
  wsServer.options.maxPayload = MAX_WEBSOCKET_BYTES
  const waiting = new WaitingRoom(server, requestMs)
  guarded.onUpgrade = (request, socket, head) => {
    const status = admit?.({
      origin: request.headers.origin,
      path: request.url ?? '/',
      remoteAddress: request.socket.remoteAddress ?? '',
      forwardedFor: [request.headers['x-forwarded-for'] ?? []].flat().join(','),
      whenOver: (over) => socket.once('close', over),
    })
    if (status !== undefined) return refuse(socket, status)
    waiting.leave(request.socket)
    upgrade.call(listener, request, socket, head)
  }
  guarded.onWsServerConnection = (socket, request) => {
    // What is no WebSocket message is an error, and one that nobody listens for ends the process. The connection is closed either way.
    socket.on('error', () => undefined)
    take.call(listener, socket, request)
  }
  guarded.close = () => {
    const closing = close.call(listener)
    // The library knows only those that have said something, and would wait for the others.
    waiting.close()
    return closing
  }
  return listener
}

/** Connections that have not become WebSockets yet: only so many, and only for so long. */
class WaitingRoom {
  readonly #timers = new Map<string, { readonly socket: Socket; readonly timer: ReturnType<typeof setTimeout> }>()
  #isClosed = false

  constructor(server: Server, requestMs: number) {
    server.maxConnections = MAX_SOCKETS
    server.on('connection', (socket) => {
      // Nobody else may be listening yet, and an error without a listener ends the process.
      socket.on('error', () => socket.destroy())
      // A closed socket does not say any more where it came from.
      const key = keyOf(socket)
      socket.once('close', () => this.#remove(key))
      const timer = setTimeout(() => socket.destroy(), requestMs)
      this.#timers.set(key, { socket, timer })
      const [oldest] = this.#timers.values()
      if (this.#timers.size > MAX_WAITING) oldest?.socket.destroy()
      if (this.#isClosed) socket.destroy()
    })
  }

  /** The socket of the request may be one of TLS over the one that came. */
  leave(socket: Socket): void {
    this.#remove(keyOf(socket))
  }

  close(): void {
    this.#isClosed = true
    for (const { socket } of this.#timers.values()) socket.destroy()
  }

  #remove(key: string): void {
    clearTimeout(this.#timers.get(key)?.timer)
    this.#timers.delete(key)
  }
}

function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`
}

function refuse(socket: Duplex, status: number): void {
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`
  socket.end(head, () => socket.destroy())
}
