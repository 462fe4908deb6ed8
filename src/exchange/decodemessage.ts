// Reads a message of the block exchange: as protobuf has it, within the limits of message.ts, and without believing any of it. Data of
// deliveries are views of the input. That a block is what it is said to be is checked where it was asked for (checkdelivery.ts).

import { equalBytes } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import type { Cid } from '../protocol/cid.ts'
import { decodeCid } from '../protocol/cid.ts'
import { decodeProof } from '../protocol/merkleproof.ts'
import type { Shape } from '../protocol/wire.ts'
import { boundedInput, WireMessage } from '../protocol/wire.ts'
import type { BlockAddress, Delivery, Message, Presence, Want } from './message.ts'
import {
  MAX_DATA_BYTES,
  MAX_DELIVERIES,
  MAX_MESSAGE_BYTES,
  MAX_PRESENCES,
  MAX_WANTS,
  PRICE_BYTES,
  WANT_BLOCK,
  WANT_HAVE,
} from './message.ts'

/** Prefix of every code that a malformed message of the exchange is refused with. */
const ROOM = 'exchange'
/** Fields that no reader knows, and those that are read by nobody: room for what the network may add. */
const SPARE_FIELDS = 16

/**
 * The message in these bytes, its length prefix taken off. Absent fields read as their defaults.
 * @throws CodexError `exchange/not-bytes`, `exchange/too-long`, `exchange/too-many-entries`, `exchange/bad-enum`, `exchange/address-missing`,
 * `exchange/cid-missing`, `exchange/cid-mismatch`, `exchange/proof-missing`, `exchange/data-too-large`, `exchange/bad-price`, `exchange/…` of
 * `WireMessage`, and what `decodeCid` and `decodeProof` throw
 */
export function decodeMessage(bytes: Uint8Array): Message {
  const input = boundedInput(bytes, MAX_MESSAGE_BYTES, ROOM)
  const trees = new TreeCids()
  const shape = { 1: 'bytes', 3: 'repeated bytes', 4: 'repeated bytes' } as const
  const message = fieldsOf(input, shape, MAX_DELIVERIES + MAX_PRESENCES + SPARE_FIELDS)
  const list = fieldsOf(message.bytes(1) ?? NOTHING, { 1: 'repeated bytes', 2: 'number' }, MAX_WANTS + SPARE_FIELDS)
  return {
    wants: bounded(list.list(1), MAX_WANTS, 'wants').map((entry) => readWant(entry, trees)),
    full: readBoolean(list, 2, 'full'),
    presences: bounded(message.list(4), MAX_PRESENCES, 'presences').map((entry) => readPresence(entry, trees)),
    deliveries: bounded(message.list(3), MAX_DELIVERIES, 'deliveries').map((entry) => readDelivery(entry, trees)),
  }
}

/** Entries that follow one another mostly name the same tree: its CID is then read once. */
class TreeCids {
  #last: Cid | undefined

  read(bytes: Uint8Array | undefined): Cid {
    if (this.#last === undefined || bytes === undefined || !equalBytes(bytes, this.#last.bytes))
      this.#last = readCid(bytes, 'the tree')
    return this.#last
  }
}

const NOTHING = new Uint8Array(0)

function fieldsOf(bytes: Uint8Array, shape: Shape, maxFields = SPARE_FIELDS): WireMessage {
  return new WireMessage(bytes, shape, ROOM, maxFields, 'proto3')
}

function readWant(bytes: Uint8Array, trees: TreeCids): Want {
  const entry = fieldsOf(bytes, { 1: 'bytes', 2: 'number', 3: 'number', 4: 'number', 5: 'number' })
  const { cid, treeCid, index } = readAddress(entry.bytes(1), trees)
  const wantType = readEnum(entry, 4, 'wantType') === 0 ? WANT_BLOCK : WANT_HAVE
  const priority = entry.number(2)
  const cancel = readBoolean(entry, 3, 'cancel')
  const sendDontHave = readBoolean(entry, 5, 'sendDontHave')
  // Written out, because copying an address costs more than all the rest.
  if (treeCid === undefined) return { cid, wantType, priority, cancel, sendDontHave }
  return { treeCid, index, wantType, priority, cancel, sendDontHave }
}

function readPresence(bytes: Uint8Array, trees: TreeCids): Presence {
  const presence = fieldsOf(bytes, { 1: 'bytes', 2: 'number', 3: 'bytes' })
  const { cid, treeCid, index } = readAddress(presence.bytes(1), trees)
  const type = readEnum(presence, 2, 'type') === 0 ? 'have' : 'dontHave'
  const price = readPrice(presence.bytes(3) ?? NOTHING)
  return treeCid === undefined ? { cid, type, price } : { treeCid, index, type, price }
}

function readDelivery(bytes: Uint8Array, trees: TreeCids): Delivery {
  const delivery = fieldsOf(bytes, { 1: 'bytes', 2: 'bytes', 3: 'bytes', 4: 'bytes' })
  const cid = readCid(delivery.bytes(1), 'the block')
  const data = delivery.bytes(2) ?? NOTHING
  if (data.length > MAX_DATA_BYTES)
    throw new CodexError(
      'exchange/data-too-large',
      `expected a block of at most ${MAX_DATA_BYTES} bytes, found ${data.length}`,
      { detail: { limitBytes: MAX_DATA_BYTES, foundBytes: data.length } },
    )
  const address = readAddress(delivery.bytes(3), trees)
  if (address.treeCid === undefined) {
    if (address.cid.codec === cid.codec && String(address.cid) === String(cid)) return { cid, data }
    throw new CodexError('exchange/cid-mismatch', `expected block ${address.cid} at its own CID, found ${cid}`, {
      detail: { expected: String(address.cid), found: String(cid) },
    })
  }
  const proof = delivery.bytes(4)
  if (proof === undefined || proof.length === 0)
    throw new CodexError(
      'exchange/proof-missing',
      `expected a proof with leaf ${address.index} of ${address.treeCid}, found none`,
      { detail: { treeCid: String(address.treeCid), index: address.index } },
    )
  return { cid, data, treeCid: address.treeCid, index: address.index, proof: decodeProof(proof) }
}

function readAddress(bytes: Uint8Array | undefined, trees: TreeCids): BlockAddress {
  if (bytes === undefined)
    throw new CodexError('exchange/address-missing', 'expected the address of a block, found none')
  const address = fieldsOf(bytes, { 1: 'number', 2: 'bytes', 3: 'number', 4: 'bytes' })
  if (!readBoolean(address, 1, 'leaf')) return { cid: readCid(address.bytes(4), 'the block') }
  return { treeCid: trees.read(address.bytes(2)), index: address.number(3) }
}

function readCid(bytes: Uint8Array | undefined, whose: string): Cid {
  if (bytes !== undefined) return decodeCid(bytes)
  throw new CodexError('exchange/cid-missing', `expected the CID of ${whose}, found none`)
}

function readBoolean(message: WireMessage, field: number, name: string): boolean {
  return readEnum(message, field, name) === 1
}

/** All enums of the exchange have two values. A third is no news to guess at: the network's own nodes do not survive one. */
function readEnum(message: WireMessage, field: number, name: string): 0 | 1 {
  const value = message.number(field)
  if (value === 0 || value === 1) return value
  throw new CodexError('exchange/bad-enum', `expected ${name} to be 0 or 1, found ${value}`, {
    detail: { name, found: value },
  })
}

function readPrice(bytes: Uint8Array): bigint {
  if (bytes.length > PRICE_BYTES)
    throw new CodexError('exchange/bad-price', `expected a price of ${PRICE_BYTES} bytes, found ${bytes.length}`, {
      detail: { expectedBytes: PRICE_BYTES, foundBytes: bytes.length },
    })
  if (bytes.every((byte) => byte === 0)) return 0n
  let price = 0n
  for (const byte of bytes) price = price * 256n + BigInt(byte)
  return price
}

function bounded(entries: readonly Uint8Array[], limit: number, what: string): readonly Uint8Array[] {
  if (entries.length <= limit) return entries
  throw new CodexError('exchange/too-many-entries', `expected at most ${limit} ${what}, found ${entries.length}`, {
    detail: { what, limit, found: entries.length },
  })
}
