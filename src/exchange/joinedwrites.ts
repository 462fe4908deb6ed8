// All pieces of an encrypted record in one write. js-libp2p writes each piece by itself, a length of two bytes too: over TCP each is a system call and
// travels alone, over WebSocket each is a message of its own. Both sides spend more on that than on the cipher.

import type { MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { concatBytes } from '../lib/bytes.ts'
import type { Bytes } from '../lib/units.ts'
import { KiB } from '../lib/units.ts'
import { preparedUpgrader } from './preparedupgrader.ts'

/** Of one write, and so of one message over WebSocket: the other end takes no larger ones. A record of Noise has half as much. */
export const MAX_WRITE_BYTES: Bytes = 128 * KiB

/** Pieces that are shorter and follow one another, as the end of a record and the length of the next one, are written as one. */
const SMALL_BYTES: Bytes = 64

/** The transport itself, whose connections join their writes from now on. */
export function joinWritesOf<T extends Transport>(transport: T): T {
  const dial = transport.dial.bind(transport)
  const createListener = transport.createListener.bind(transport)
  transport.dial = (address, options) => dial(address, { ...options, upgrader: joiningUpgrader(options.upgrader) })
  transport.createListener = (options) => createListener({ ...options, upgrader: joiningUpgrader(options.upgrader) })
  return transport
}

function joiningUpgrader(upgrader: Upgrader): Upgrader {
  return preparedUpgrader(upgrader, joinWrites)
}

interface SendResult {
  readonly sentBytes: number
  readonly canSendMore: boolean
}

interface Sending {
  sendData?: (data: Uint8ArrayList) => SendResult
  /** Of TCP. */
  readonly socket?: Partial<Corkable>
}

/** What is needed here of a socket of Node's. */
interface Corkable {
  cork(): void
  write(bytes: Uint8Array): boolean
  uncork(): void
  readonly writableNeedDrain: boolean
}

/** The connection itself. One that is made otherwise than this knows stays as it is, and is slower. */
export function joinWrites<T extends MultiaddrConnection>(connection: T): T {
  const sending = connection as T & Sending
  const { socket } = sending
  const send = sending.sendData?.bind(connection)
  if (send === undefined) return connection
  if (isCorkable(socket)) sending.sendData = (data) => writeCorked(socket, data)
  // What is written must not change any more: this is a copy, unless it was one piece already.
  else sending.sendData = (data) => send(writesOf(data.subarray()))
  return connection
}

function isCorkable(socket: Partial<Corkable> | undefined): socket is Corkable {
  return typeof socket?.cork === 'function' && typeof socket.uncork === 'function' && 'writableNeedDrain' in socket
}

function writesOf(bytes: Uint8Array): Uint8ArrayList {
  const writes = new Uint8ArrayList()
  for (let at = 0; at < bytes.length; at += MAX_WRITE_BYTES) writes.append(bytes.subarray(at, at + MAX_WRITE_BYTES))
  return writes
}

/** In one system call, without joining them in memory. */
function writeCorked(socket: Corkable, data: Uint8ArrayList): SendResult {
  socket.cork()
  let small: Uint8Array | undefined
  for (const piece of data) {
    if (piece.length < SMALL_BYTES) {
      small = small === undefined ? piece : concatBytes(small, piece)
      continue
    }
    if (small !== undefined) socket.write(small)
    small = undefined
    socket.write(piece)
  }
  if (small !== undefined) socket.write(small)
  socket.uncork()
  return { sentBytes: data.byteLength, canSendMore: !socket.writableNeedDrain }
}
