// Reads of a socket that was dialled, into one piece of memory again and again, where Node makes 64 KiB anew for each and carries it through its streams.
// What stands in that memory is lent until the next read: only a connection whose listener is known to be done with it by then gets it so, others a copy.

import type { MultiaddrConnection, Transport } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { Bytes } from '../lib/units.ts'
import { KiB } from '../lib/units.ts'
import { preparedUpgrader } from './preparedupgrader.ts'

/** Four records of Noise: with fewer and larger reads everything above is called less often. More than the caches hold would be slower again. */
const READ_BYTES: Bytes = 256 * KiB

/** Connections whose bytes are looked at only until the listener returns. */
const borrowers = new WeakSet<object>()

/** From now on this connection is lent what it reads: whoever listens to it keeps nothing of it. */
export function borrowReads(connection: object): void {
  borrowers.add(connection)
}

/** The transport itself, whose sockets read so from now on. One that dials without sockets of Node's takes no notice. */
export function lendReadsOf<T extends Transport>(transport: T): T {
  const dial = transport.dial.bind(transport)
  transport.dial = (address, options) => {
    const reads = new LentReads()
    const upgrader = preparedUpgrader(options.upgrader, (connection) => reads.attach(connection))
    // As `net.connect` takes it, which is given all options of a dial.
    const onread = { buffer: new Uint8Array(READ_BYTES), callback: reads.take }
    return dial(address, { ...options, upgrader, onread } as typeof options)
  }
  return transport
}

/** What is needed here of the library's connection over a socket. */
interface Reading {
  readonly onData: (bytes: Uint8Array) => void
  /** What its listener has not taken, because it paused. */
  readonly readBuffer: Uint8ArrayList
}

export class LentReads {
  #connection: Reading | undefined
  /** Read before there was a connection. */
  #early: Uint8Array[] = []

  /** @returns the connection itself, which gets what is read from now on */
  attach<T extends MultiaddrConnection>(connection: T): T {
    const reading = connection as unknown as Partial<Reading> & { readonly socket?: unknown }
    if (typeof reading.onData !== 'function' || reading.readBuffer === undefined) return connection
    this.#connection = reading as Reading
    for (const bytes of this.#early.splice(0)) this.#connection.onData(bytes)
    return connection
  }

  /** Called by the socket. @returns that it may read on: who wants it to wait says so to the socket */
  readonly take = (length: Bytes, memory: Uint8Array): true => {
    const connection = this.#connection
    if (connection === undefined) this.#early.push(memory.slice(0, length))
    else if (borrowers.has(connection)) lend(connection, memory.subarray(0, length))
    else connection.onData(memory.slice(0, length))
    return true
  }
}

function lend(connection: Reading, bytes: Uint8Array): void {
  connection.onData(bytes)
  const { readBuffer } = connection
  const { byteLength } = readBuffer
  if (byteLength === 0) return
  const kept = readBuffer.slice()
  readBuffer.consume(byteLength)
  readBuffer.append(kept)
}
