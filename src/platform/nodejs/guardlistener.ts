// A doorkeeper for libp2p's WebSocket listener: looks at the request before it becomes a connection. Who may come in is decided elsewhere.

import type { IncomingMessage } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { assert } from '../../lib/errors.ts'
import type { AdmitVisit } from '../../exchange/openlibp2p.ts'

type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/**
 * The listener itself, from now on with a doorkeeper. The library shows requests to nobody, so the method that takes them is stepped in front of;
 * should a later version call it otherwise, this fails at the start instead of letting everyone in.
 */
export function guardListener<T extends object>(listener: T, admit: AdmitVisit): T {
  const guarded = listener as { onUpgrade?: Upgrade }
  const upgrade = guarded.onUpgrade
  assert(typeof upgrade === 'function', 'the WebSocket listener takes upgrades by its method onUpgrade')
  guarded.onUpgrade = (request, socket, head) => {
    const status = admit({
      origin: request.headers.origin,
      path: request.url ?? '/',
      remoteAddress: request.socket.remoteAddress ?? '',
      whenOver: (over) => socket.once('close', over),
    })
    if (status === undefined) upgrade.call(listener, request, socket, head)
    else refuse(socket, status)
  }
  return listener
}

function refuse(socket: Duplex, status: number): void {
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`
  socket.end(head, () => socket.destroy())
}
