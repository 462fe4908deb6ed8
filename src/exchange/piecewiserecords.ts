// Encrypted records are cut out of what a connection reads and deciphered where they stand. js-libp2p collects, joins and hands on each by itself: fresh
// memory, a copy and three events for every 64 KiB that a peer sends. Here those that were read together are handed on together.

import type { ConnectionEncrypter } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import type { Bytes } from '../lib/units.ts'
import { borrowReads } from './lentreads.ts'

const PREFIX_BYTES: Bytes = 2
/** The longest record that a length of two bytes can announce, with that length. */
const RECORD_BYTES: Bytes = PREFIX_BYTES + 0xffff

/** What is needed here of the library's stream of records. */
interface Deciphering {
  decrypt: (records: readonly Uint8Array[]) => Uint8ArrayList
  decoder: { readonly buffer?: Uint8ArrayList; decode: (read: Uint8Array | Uint8ArrayList) => Iterable<unknown> }
  readonly handshake: { decrypt(record: Uint8Array): Uint8Array | Uint8ArrayList }
  /** Where the records come from. */
  readonly stream: object
}

/** The encrypter itself, whose connections decipher so from now on. */
export function decipherInPieces<T extends ConnectionEncrypter>(encrypter: T): T {
  const secureInbound = encrypter.secureInbound.bind(encrypter)
  const secureOutbound = encrypter.secureOutbound.bind(encrypter)
  encrypter.secureInbound = async (...args: Parameters<typeof secureInbound>) => {
    const secured = await secureInbound(...args)
    patch(secured.connection)
    return secured
  }
  encrypter.secureOutbound = async (...args: Parameters<typeof secureOutbound>) => {
    const secured = await secureOutbound(...args)
    patch(secured.connection)
    return secured
  }
  return encrypter
}

/** One that is made otherwise than this knows stays as it is, and is slower. */
function patch(connection: object): void {
  const stream = connection as Partial<Deciphering>
  if (!isDeciphering(stream)) return
  const { handshake, decoder } = stream
  const records = new RecordReader()
  // The beginning of a record, which the library's own reader has kept.
  if (decoder.buffer !== undefined) records.read(decoder.buffer)
  stream.decoder = {
    decode(read) {
      const found = records.read(read)
      return found.length === 0 ? [] : [found]
    },
  }
  // That a record is longer than its tag is the cipher's to see.
  stream.decrypt = (found) => {
    const plaintext = new Uint8ArrayList()
    for (const record of found) plaintext.append(handshake.decrypt(record))
    return plaintext
  }
  borrowReads(stream.stream)
}

function isDeciphering(stream: Partial<Deciphering>): stream is Deciphering {
  return (
    typeof stream.decrypt === 'function' &&
    typeof stream.handshake?.decrypt === 'function' &&
    typeof stream.decoder?.decode === 'function' &&
    typeof stream.stream === 'object'
  )
}

/** Cuts a stream of bytes into records by the length before each: two bytes, the higher one first. */
export class RecordReader {
  /** The beginning of a record whose end has not come. */
  #begun = new Uint8Array(RECORD_BYTES)
  /** Holds the one before, which may still be looked at. */
  #before = new Uint8Array(RECORD_BYTES)
  #held: Bytes = 0

  /** The records that these bytes complete, without their lengths, lent until the next call; an empty record says nothing and is left out. */
  read(read: Uint8Array | Uint8ArrayList): Uint8Array[] {
    const records: Uint8Array[] = []
    // Joined, so that at most one record of a call had begun before it.
    const bytes = read instanceof Uint8Array ? read : read.subarray()
    let at = this.#held === 0 ? 0 : this.#complete(bytes, records)
    while (bytes.length - at >= PREFIX_BYTES) {
      const begin = at + PREFIX_BYTES
      const end = begin + lengthAt(bytes, at)
      if (end > bytes.length) break
      if (end > begin) records.push(bytes.subarray(begin, end))
      at = end
    }
    this.#hold(bytes.subarray(at))
    return records
  }

  /** @returns how many of the bytes belong to the record that has begun */
  #complete(bytes: Uint8Array, records: Uint8Array[]): Bytes {
    let used = 0
    while (this.#held < PREFIX_BYTES && used < bytes.length) this.#hold(bytes.subarray(used, ++used))
    if (this.#held < PREFIX_BYTES) return used
    const end = PREFIX_BYTES + lengthAt(this.#begun, 0)
    const rest = bytes.subarray(used, used + end - this.#held)
    this.#hold(rest)
    used += rest.length
    if (this.#held < end) return used
    if (end > PREFIX_BYTES) records.push(this.#begun.subarray(PREFIX_BYTES, end))
    const spare = this.#before
    this.#before = this.#begun
    this.#begun = spare
    this.#held = 0
    return used
  }

  #hold(bytes: Uint8Array): void {
    this.#begun.set(bytes, this.#held)
    this.#held += bytes.length
  }
}

function lengthAt(bytes: Uint8Array, at: number): Bytes {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}
