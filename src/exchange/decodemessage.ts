// Reads a message of the block exchange: as protobuf has it, within the limits of message.ts, and without believing any of it. Data of
// deliveries are views of the input. That a block is what it is said to be is checked where it was asked for (checkdelivery.ts).

import { equalBytes } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import { nextTask } from '../lib/nexttask.ts'
import type { Cid } from '../protocol/cid.ts'
import { decodeCid } from '../protocol/cid.ts'
import type { MerkleProof } from '../protocol/merkleproof.ts'
import { decodeProofAfter } from '../protocol/merkleproof.ts'
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

/** Turns of the event loop are no longer than so much of this work, a few milliseconds. An entry is 1. */
const WORK_IN_A_TURN = 1024
/** Of reading a CID, over that of an entry. */
const CID_WORK = 8
/** Trees whose CIDs are remembered while a message is read: entries that follow one another mostly name the same few. */
const TREES_AT_HAND = 4
/** What a well-formed CID of another network is refused with: one with a codec, hash or version that this one does not know. */
const FOREIGN_CODES: readonly string[] = [
  'cid/unsupported-version',
  'cid/unknown-codec',
  'cid/unknown-hash',
  'cid/wrong-hash',
]

/**
 * The message in these bytes, its length prefix taken off. Absent fields read as their defaults.
 * @throws CodexError `exchange/not-bytes`, `exchange/too-long`, `exchange/too-many-entries`, `exchange/bad-enum`, `exchange/address-missing`,
 * `exchange/cid-missing`, `exchange/cid-mismatch`, `exchange/proof-missing`, `exchange/data-too-large`, `exchange/bad-price`, `exchange/…` of
 * `WireMessage`, and what `decodeCid` and `decodeProof` throw
 */
export function decodeMessage(bytes: Uint8Array): Message {
  const reading = readMessage(bytes, new Cids())
  for (;;) {
    const step = reading.next()
    if (step.done === true) return step.value
  }
}

/** A message of a peer, and what it costs to act on it. */
export interface HeardMessage {
  readonly message: Message
  /** Entries of all lists, those left out included. */
  readonly entries: number
  /** CIDs that had to be read for what it wants and offers: about as many trees and manifests are looked up. */
  readonly cids: number
}

/**
 * As {@link decodeMessage}, for what peers say: other tasks have their turns meanwhile, and wants of blocks that no node of this network can have, by their
 * codec or hash, are left out. The network's nodes pass on whatever their users ask for, to everyone they meet.
 */
export async function hearMessage(bytes: Uint8Array): Promise<HeardMessage> {
  const cids = new Cids()
  const reading = readMessage(bytes, cids, true)
  for (;;) {
    const step = reading.next()
    if (step.done === true) return { message: step.value, entries: cids.entries, cids: cids.read }
    await nextTask()
  }
}

function* readMessage(bytes: Uint8Array, cids: Cids, leavesOutForeign = false): Generator<undefined, Message> {
  const input = boundedInput(bytes, MAX_MESSAGE_BYTES, ROOM)
  const shape = { 1: 'bytes', 3: 'repeated bytes', 4: 'repeated bytes' } as const
  const message = fieldsOf(input, shape, MAX_DELIVERIES + MAX_PRESENCES + SPARE_FIELDS)
  const list = fieldsOf(message.bytes(1) ?? NOTHING, { 1: 'repeated bytes', 2: 'number' }, MAX_WANTS + SPARE_FIELDS)
  const full = readBoolean(list, 2, 'full')
  const readKnown = leavesOutForeign ? unlessForeign(readWant) : readWant
  const wants = yield* readEach(bounded(list.list(1), MAX_WANTS, 'wants'), readKnown, cids)
  const presences = yield* readEach(bounded(message.list(4), MAX_PRESENCES, 'presences'), readPresence, cids)
  const deliveries = yield* readEach(bounded(message.list(3), MAX_DELIVERIES, 'deliveries'), readDelivery, cids)
  return { wants, full, presences, deliveries }
}

type ReadEntry<T> = (bytes: Uint8Array, cids: Cids) => T

function* readEach<T>(
  entries: readonly Uint8Array[],
  read: ReadEntry<T | undefined>,
  cids: Cids,
): Generator<undefined, T[]> {
  const found: T[] = []
  for (const entry of entries) {
    const each = read(entry, cids)
    if (each !== undefined) found.push(each)
    cids.entries++
    if (cids.isTurnOver()) yield
  }
  return found
}

function unlessForeign<T>(read: ReadEntry<T>): ReadEntry<T | undefined> {
  return (bytes, cids) => {
    try {
      return read(bytes, cids)
    } catch (error) {
      if (CodexError.is(error) && FOREIGN_CODES.includes(error.code)) return undefined
      throw error
    }
  }
}

/** Reads the CIDs of addresses and the proofs in one message, and counts the work that all of it is. */
class Cids {
  entries = 0
  /** Those that were not at hand. */
  read = 0
  /** The one found last comes first. */
  readonly #trees: Cid[] = []
  /** Of the proof read last. */
  #path: MerkleProof['path'] = []
  #turns = 1

  /** @returns whether so much was done since it last said so */
  isTurnOver(): boolean {
    if (this.entries + CID_WORK * this.read < WORK_IN_A_TURN * this.#turns) return false
    this.#turns = Math.floor((this.entries + CID_WORK * this.read) / WORK_IN_A_TURN) + 1
    return true
  }

  tree(bytes: Uint8Array | undefined): Cid {
    const at = bytes === undefined ? -1 : this.#trees.findIndex((known) => equalBytes(bytes, known.bytes))
    const known = this.#trees[at]
    if (known !== undefined) {
      if (at > 0) this.#trees.unshift(...this.#trees.splice(at, 1))
      return known
    }
    const cid = this.block(bytes, 'the tree')
    this.#trees.unshift(cid)
    this.#trees.length = Math.min(this.#trees.length, TREES_AT_HAND)
    return cid
  }

  block(bytes: Uint8Array | undefined, whose = 'the block'): Cid {
    this.read++
    return readCid(bytes, whose)
  }

  proof(bytes: Uint8Array): MerkleProof {
    const proof = decodeProofAfter(bytes, this.#path)
    this.#path = proof.path
    return proof
  }
}

const NOTHING = new Uint8Array(0)

function fieldsOf(bytes: Uint8Array, shape: Shape, maxFields = SPARE_FIELDS): WireMessage {
  return new WireMessage(bytes, shape, ROOM, maxFields, 'proto3')
}

function readWant(bytes: Uint8Array, cids: Cids): Want {
  const entry = fieldsOf(bytes, { 1: 'bytes', 2: 'number', 3: 'number', 4: 'number', 5: 'number' })
  const { cid, treeCid, index } = readAddress(entry.bytes(1), cids)
  const wantType = readEnum(entry, 4, 'wantType') === 0 ? WANT_BLOCK : WANT_HAVE
  const priority = entry.number(2)
  const cancel = readBoolean(entry, 3, 'cancel')
  const sendDontHave = readBoolean(entry, 5, 'sendDontHave')
  // Written out, because copying an address costs more than all the rest.
  if (treeCid === undefined) return { cid, wantType, priority, cancel, sendDontHave }
  return { treeCid, index, wantType, priority, cancel, sendDontHave }
}

function readPresence(bytes: Uint8Array, cids: Cids): Presence {
  const presence = fieldsOf(bytes, { 1: 'bytes', 2: 'number', 3: 'bytes' })
  const { cid, treeCid, index } = readAddress(presence.bytes(1), cids)
  const type = readEnum(presence, 2, 'type') === 0 ? 'have' : 'dontHave'
  const price = readPrice(presence.bytes(3) ?? NOTHING)
  return treeCid === undefined ? { cid, type, price } : { treeCid, index, type, price }
}

function readDelivery(bytes: Uint8Array, cids: Cids): Delivery {
  const delivery = fieldsOf(bytes, { 1: 'bytes', 2: 'bytes', 3: 'bytes', 4: 'bytes' })
  const cid = readCid(delivery.bytes(1), 'the block')
  const data = delivery.bytes(2) ?? NOTHING
  if (data.length > MAX_DATA_BYTES)
    throw new CodexError(
      'exchange/data-too-large',
      `expected a block of at most ${MAX_DATA_BYTES} bytes, found ${data.length}`,
      { detail: { limitBytes: MAX_DATA_BYTES, foundBytes: data.length } },
    )
  const address = readAddress(delivery.bytes(3), cids)
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
  return { cid, data, treeCid: address.treeCid, index: address.index, proof: cids.proof(proof) }
}

function readAddress(bytes: Uint8Array | undefined, cids: Cids): BlockAddress {
  if (bytes === undefined)
    throw new CodexError('exchange/address-missing', 'expected the address of a block, found none')
  const address = fieldsOf(bytes, { 1: 'number', 2: 'bytes', 3: 'number', 4: 'bytes' })
  if (!readBoolean(address, 1, 'leaf')) return { cid: cids.block(address.bytes(4)) }
  return { treeCid: cids.tree(address.bytes(2)), index: address.number(3) }
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
