// Writes a message of the block exchange, byte for byte as the network's nodes write it, and nothing that they do not survive
// (data reference §10.4): no third value of an enum, no delivery without data, no short price, no empty proof.

import { concatBytes, isBytes } from '../lib/bytes.ts'
import { describeValue, numberOrDescription } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import { Cid, parseCid } from '../protocol/cid.ts'
import type { EncodedPath, MerkleProof } from '../protocol/merkleproof.ts'
import { decodeProof, encodeProofAfter } from '../protocol/merkleproof.ts'
import { encodeVarint } from '../protocol/varint.ts'
import { WireWriter } from '../protocol/wire.ts'
import {
  MAX_DATA_BYTES,
  MAX_DELIVERIES,
  MAX_INDEX,
  MAX_MESSAGE_BYTES,
  MAX_PRESENCES,
  MAX_WANTS,
  PRICE_BYTES,
  WANT_BLOCK,
  WANT_HAVE,
} from './message.ts'

/** A CID or its text. */
export type CidInput = Cid | string

/** A block by its own CID, or by its place in a tree. */
export interface AddressInput {
  readonly cid?: CidInput | undefined
  readonly treeCid?: CidInput | undefined
  readonly index?: number | undefined
}
/** A {@link Want}; `priority` is 0 and both flags are false when absent. */
export interface WantInput extends AddressInput {
  readonly wantType: typeof WANT_BLOCK | typeof WANT_HAVE
  readonly priority?: number | undefined
  readonly cancel?: boolean | undefined
  readonly sendDontHave?: boolean | undefined
}
/** A {@link Presence}. */
export interface PresenceInput extends AddressInput {
  readonly type: 'have' | 'dontHave'
  /** 0 when absent. A text is read as a decimal number. */
  readonly price?: bigint | number | string | undefined
}
/** A {@link Delivery}. */
export interface DeliveryInput extends AddressInput {
  readonly cid: CidInput
  readonly data: Uint8Array
  /** Asked for with `treeCid` and `index`; also as its protobuf. */
  readonly proof?: MerkleProof | Uint8Array | undefined
}
/** A {@link Message}, or what can be read as one. */
export interface MessageInput {
  readonly wants?: readonly WantInput[] | undefined
  readonly full?: boolean | undefined
  readonly presences?: readonly PresenceInput[] | undefined
  readonly deliveries?: readonly DeliveryInput[] | undefined
}

/**
 * The message, without its length prefix.
 * @throws CodexError `exchange/bad-message` for what is no message or must not be sent, `exchange/too-many-entries`, `exchange/data-too-large`,
 * `exchange/too-long`, and what `parseCid`, `encodeProof` and `decodeProof` throw
 */
export function encodeMessage(message: MessageInput): Uint8Array {
  return writeMessage(message).finish()
}

/** The same, for those who send it: its length is known and large data need not be copied. */
export function writeMessage(message: MessageInput): WireWriter {
  checkObject(message, 'a message')
  const list = new WireWriter()
  for (const want of listOf(message.wants, MAX_WANTS, 'wants')) list.bytes(1, writeWant(want))
  list.number(2, bit(message.full, 'full'))
  const writer = new WireWriter().message(1, list)
  const proofs = new ProofWriter()
  for (const delivery of listOf(message.deliveries, MAX_DELIVERIES, 'deliveries'))
    writer.message(3, writeDelivery(delivery, proofs))
  for (const presence of listOf(message.presences, MAX_PRESENCES, 'presences'))
    writer.message(4, writePresence(presence))
  const nothing = new WireWriter().bytes(1, new Uint8Array(0))
  // Pending bytes, account and payment: unused, and always written.
  writer.number(5, 0).message(6, nothing).message(7, nothing)
  if (writer.length <= MAX_MESSAGE_BYTES) return writer
  throw new CodexError(
    'exchange/too-long',
    `expected a message of at most ${MAX_MESSAGE_BYTES} bytes, found ${writer.length}: send less at once`,
    { detail: { limitBytes: MAX_MESSAGE_BYTES, foundBytes: writer.length } },
  )
}

/** Put together by hand: of all that is said to a peer that serves us, wants are the most. */
function writeWant(want: WantInput): Uint8Array {
  checkObject(want, 'a want')
  const { wantType, priority = 0 } = want
  if (wantType !== WANT_BLOCK && wantType !== WANT_HAVE)
    throw bad(`expected wantType to be ${WANT_BLOCK} or ${WANT_HAVE}`, wantType)
  if (!Number.isSafeInteger(priority) || priority < 0 || priority >= 2 ** 31)
    throw bad('expected priority to be a whole number from 0 to 2^31 - 1', priority)
  const address = writeAddress(want)
  const [cancel, sendDontHave] = [bit(want.cancel, 'cancel'), bit(want.sendDontHave, 'sendDontHave')]
  const head = address.length < 0x80 ? [0x0a, address.length] : [0x0a, ...encodeVarint(address.length)]
  const tail = priority === 0 ? [0x10, 0] : [0x10, ...encodeVarint(priority)]
  const entry = new Uint8Array(head.length + address.length + tail.length + 6)
  entry.set(head)
  entry.set(address, head.length)
  entry.set(tail, head.length + address.length)
  entry.set([0x18, cancel, 0x20, wantType, 0x28, sendDontHave], entry.length - 6)
  return entry
}

function writePresence(presence: PresenceInput): WireWriter {
  checkObject(presence, 'a presence')
  const { type } = presence
  if (type !== 'have' && type !== 'dontHave') throw bad("expected type to be 'have' or 'dontHave'", type)
  return new WireWriter()
    .bytes(1, writeAddress(presence))
    .number(2, type === 'have' ? 0 : 1)
    .bytes(3, priceBytes(presence.price ?? 0n))
}

function writeDelivery(delivery: DeliveryInput, proofs: ProofWriter): WireWriter {
  checkObject(delivery, 'a delivery')
  const { data, proof } = delivery
  const cid = cidOf(delivery.cid)
  if (!isBytes(data)) throw bad('expected the data of a delivery as a Uint8Array', data)
  if (data.length > MAX_DATA_BYTES)
    throw new CodexError(
      'exchange/data-too-large',
      `expected a block of at most ${MAX_DATA_BYTES} bytes, found ${data.length}`,
      { detail: { limitBytes: MAX_DATA_BYTES, foundBytes: data.length } },
    )
  const isLeaf = delivery.treeCid !== undefined || delivery.index !== undefined
  const { treeCid, index } = delivery
  const writer = new WireWriter()
    .bytes(1, cid.bytes)
    .bytes(2, data)
    .bytes(3, writeAddress(isLeaf ? { treeCid, index } : { cid }))
  if (!isLeaf) {
    if (proof === undefined) return writer
    throw bad('expected a proof only with treeCid and index', proof)
  }
  if (proof === undefined) throw bad('expected the proof of a leaf', proof)
  // Decoded and written anew: what is sent has the one right spelling.
  return writer.bytes(4, proofs.write(isBytes(proof) ? decodeProof(proof) : proof))
}

/** Blocks that are sent together mostly are neighbours, whose proofs differ in a few nodes. */
class ProofWriter {
  #last: EncodedPath | undefined

  write(proof: MerkleProof): Uint8Array {
    const bytes = encodeProofAfter(proof, this.#last)
    this.#last = { path: proof.path, bytes }
    return bytes
  }
}

function writeAddress({ cid, treeCid, index }: AddressInput): Uint8Array {
  if (treeCid === undefined && index === undefined) {
    const { bytes } = cidOf(cid as CidInput)
    return concatBytes(Uint8Array.of(0x08, 0, 0x22, bytes.length), bytes)
  }
  if (cid !== undefined) throw bad('expected an address by CID or by treeCid and index, not both', cid)
  if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index > MAX_INDEX)
    throw bad(`expected index to be a whole number from 0 to ${MAX_INDEX}`, index)
  // Adding 0 turns -0, which is 0 to every check above, into what can be written.
  const { bytes } = cidOf(treeCid as CidInput)
  const number = encodeVarint(index + 0)
  const address = new Uint8Array(5 + bytes.length + number.length)
  address.set([0x08, 1, 0x12, bytes.length])
  address.set(bytes, 4)
  address[4 + bytes.length] = 0x18
  address.set(number, 5 + bytes.length)
  return address
}

function cidOf(cid: CidInput): Cid {
  if (Cid.is(cid)) return cid
  if (typeof cid === 'string') return parseCid(cid)
  throw bad('expected a Cid or its text', cid)
}

function bit(value: boolean | undefined, name: string): 0 | 1 {
  if (value !== undefined && typeof value !== 'boolean') throw bad(`expected ${name} to be true or false`, value)
  return value === true ? 1 : 0
}

function priceBytes(price: bigint | number | string): Uint8Array {
  const isNumber = typeof price === 'number' && Number.isSafeInteger(price)
  const isText = typeof price === 'string' && /^(0|[1-9][0-9]{0,77})$/.test(price)
  if (typeof price !== 'bigint' && !isNumber && !isText) throw bad('expected price to be a whole number', price)
  let rest = BigInt(price)
  if (rest < 0n || rest >= 2n ** BigInt(8 * PRICE_BYTES)) throw bad('expected price to be from 0 to 2^256 - 1', price)
  const bytes = new Uint8Array(PRICE_BYTES)
  for (let at = PRICE_BYTES - 1; rest > 0n; at--, rest >>= 8n) bytes[at] = Number(rest & 0xffn)
  return bytes
}

function listOf<T>(list: readonly T[] | undefined, limit: number, what: string): readonly T[] {
  if (list === undefined) return []
  if (!Array.isArray(list)) throw bad(`expected a list of ${what}`, list)
  if (list.length <= limit) return list
  throw new CodexError('exchange/too-many-entries', `expected at most ${limit} ${what}, found ${list.length}`, {
    detail: { what, limit, found: list.length },
  })
}

function checkObject(value: unknown, what: string): void {
  if (typeof value !== 'object' || value === null) throw bad(`expected ${what}`, value)
}

function bad(expected: string, found: unknown): CodexError<'exchange/bad-message'> {
  return new CodexError('exchange/bad-message', `${expected}, found ${describeValue(found)}`, {
    detail: { expected, found: numberOrDescription(found) },
  })
}
