// Cuts a stream of bytes into messages by the length before each: an unsigned varint. It holds the bytes of one unfinished message and no more.

import { CodexError } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'
import { KiB } from '../lib/units.ts'
import type { MessageMemory } from './messagememory.ts'
import { encodeVarint, readVarint, VARINT_MAX_BYTES } from '../protocol/varint.ts'

/** So much of a message must have come before memory is taken for all of it: what a peer only announces costs little. */
const BEGUN_BYTES: Bytes = 32 * KiB
/** Shorter pieces of what has only begun are copied together: each is a view, which keeps alive all that it came in. */
const MIN_PIECE_BYTES: Bytes = 4 * KiB
/** Messages cut and not acted on. The smallest have one byte, and each costs a hundred times as much memory. */
export const MAX_WAITING_MESSAGES = 4096
/** For such pieces, at once. */
const CRUMBS_BYTES: Bytes = 4 * MIN_PIECE_BYTES

export class FrameReader {
  readonly #maxBytes: () => Bytes
  readonly #memory: Pick<MessageMemory, 'take'>
  /** Of the prefix, or of a message that has only begun. */
  #parts: Uint8Array[] = []
  #bytes: Bytes = 0
  /** Memory that the last part is the beginning of, with room behind it; undefined when that is a piece as it came. */
  #crumbs: Uint8Array | undefined
  /** Of the message that has begun, its prefix included; undefined while the prefix is incomplete. */
  #needed: { readonly prefix: number; readonly whole: number } | undefined
  /** The message, as far as it has come; undefined while it is still in parts. */
  #message: Uint8Array | undefined

  /** @param maxBytes asked when a length is known @param memory for the messages */
  constructor(maxBytes: () => Bytes, memory: Pick<MessageMemory, 'take'>) {
    this.#maxBytes = maxBytes
    this.#memory = memory
  }

  /** Whether a message has begun and is not complete. */
  get isPartial(): boolean {
    return this.#bytes > 0
  }

  /** Held for the unfinished message. */
  get partialBytes(): Bytes {
    return this.#message?.length ?? this.#bytes
  }

  /**
   * The messages that these bytes complete, each in memory of its own. Borrows `bytes` until they are complete.
   * @throws CodexError `exchange/message-too-long`, `exchange/not-canonical` for a length that is no varint, `exchange/too-many-messages`; nothing can be
   * read after that
   */
  push(bytes: Uint8Array): Uint8Array[] {
    const messages: Uint8Array[] = []
    let rest = bytes
    for (;;) {
      rest = this.#add(rest)
      if (this.#needed === undefined || this.#bytes < this.#needed.whole) return messages
      messages.push(this.#message ?? NOTHING)
      if (messages.length > MAX_WAITING_MESSAGES) throw tooMany()
      this.#needed = undefined
      this.#message = undefined
      this.#bytes = 0
      if (rest.length === 0) return messages
    }
  }

  /** @returns what is no longer of this message */
  #add(bytes: Uint8Array): Uint8Array {
    if (this.#message === undefined) {
      this.#keep(bytes)
      this.#bytes += bytes.length
      this.#needed ??= this.#readPrefix()
      if (this.#needed === undefined) return NOTHING
      const { whole } = this.#needed
      return this.#bytes >= Math.min(whole, BEGUN_BYTES) ? this.#gather(this.#needed) : NOTHING
    }
    const { prefix, whole } = this.#needed as { readonly prefix: number; readonly whole: number }
    const here = bytes.subarray(0, whole - this.#bytes)
    // At once, while the caches still hold what was just deciphered.
    this.#message.set(here, this.#bytes - prefix)
    this.#bytes += here.length
    return bytes.subarray(here.length)
  }

  #keep(bytes: Uint8Array): void {
    const last = this.#parts.at(-1)
    if (bytes.length >= MIN_PIECE_BYTES || last === undefined) {
      this.#parts.push(bytes)
      this.#crumbs = undefined
      return
    }
    const hasRoom = this.#crumbs !== undefined && last.length + bytes.length <= this.#crumbs.length
    const crumbs = hasRoom && this.#crumbs !== undefined ? this.#crumbs : new Uint8Array(CRUMBS_BYTES)
    const from = hasRoom ? last.length : 0
    crumbs.set(bytes, from)
    this.#crumbs = crumbs
    this.#parts.splice(hasRoom ? -1 : this.#parts.length, hasRoom ? 1 : 0, crumbs.subarray(0, from + bytes.length))
  }

  /** Puts what has come in parts into one place. @returns what is no longer of this message */
  #gather({ prefix, whole }: { readonly prefix: number; readonly whole: number }): Uint8Array {
    const message = this.#memory.take(whole - prefix)
    const parts = this.#parts
    this.#parts = []
    this.#crumbs = undefined
    // Where in the frame the part begins.
    let at = 0
    let rest: Uint8Array = NOTHING
    for (const part of parts) {
      if (at < whole && at + part.length > prefix)
        message.set(part.subarray(Math.max(prefix - at, 0), whole - at), Math.max(at - prefix, 0))
      // Only the last part can have more than the message.
      rest = part.subarray(Math.min(Math.max(whole - at, 0), part.length))
      at += part.length
    }
    this.#bytes = Math.min(at, whole)
    this.#message = message
    return rest
  }

  #readPrefix(): { readonly prefix: number; readonly whole: number } | undefined {
    const head: number[] = []
    for (const part of this.#parts) {
      for (const byte of part) {
        head.push(byte)
        if (byte < 0x80 || head.length >= VARINT_MAX_BYTES) break
      }
      if ((head.at(-1) ?? 0x80) < 0x80 || head.length >= VARINT_MAX_BYTES) break
    }
    if (head.length < VARINT_MAX_BYTES && (head.at(-1) ?? 0x80) >= 0x80) return undefined
    const { value, end } = readVarint(Uint8Array.from(head), 0, 'exchange')
    const limit = this.#maxBytes()
    if (value <= limit) return { prefix: end, whole: end + value }
    throw new CodexError('exchange/message-too-long', `expected a message of at most ${limit} bytes, found ${value}`, {
      detail: { limitBytes: limit, foundBytes: value },
    })
  }
}

const NOTHING = new Uint8Array(0)

/** @returns what a peer is thrown out with whose messages wait by the thousand */
export function tooMany(): CodexError<'exchange/too-many-messages'> {
  return new CodexError(
    'exchange/too-many-messages',
    `expected at most ${MAX_WAITING_MESSAGES} messages at once, found more: put more into each`,
    { detail: { limit: MAX_WAITING_MESSAGES } },
  )
}

/** What goes before a message of so many bytes. */
export function framePrefix(length: Bytes): Uint8Array {
  return Uint8Array.from(encodeVarint(length))
}
