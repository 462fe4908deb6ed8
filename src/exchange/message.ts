// What peers say to each other over /codex/blockexc/1.0.0 (data reference §10.2), as plain data, and its limits. How it is
// written is in encodemessage.ts and decodemessage.ts; what it means to say it, in the engine's files.

import { MiB } from '../lib/units.ts'
import type { Bytes } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import type { MerkleProof } from '../protocol/merkleproof.ts'

/** What peers that exchange blocks agree on when they open a stream. */
export const BLOCK_EXCHANGE_PROTOCOL = '/codex/blockexc/1.0.0'

/** Bytes of one message, its length prefix not counted: room for as many blocks of the usual size as may be asked of one peer, in one message, twice. */
export const MAX_MESSAGE_BYTES: Bytes = 32 * MiB
/** Entries of one want list. The network's nodes send 1024 at a time; a want list of a million is an attack. */
export const MAX_WANTS = 4096
export const MAX_PRESENCES = 4096
/** The network's nodes may send all that was asked of them at once, and with it what was taken back too late for them to know. */
export const MAX_DELIVERIES = 1024
/** Bytes of one block, as the store takes them. */
export const MAX_DATA_BYTES: Bytes = MiB
/** Where a leaf may stand: all that number on the wire may be for a node that reads it as a signed 64-bit one, and that is exact here. */
export const MAX_INDEX = Number.MAX_SAFE_INTEGER
/** Bytes of the price in a presence. */
export const PRICE_BYTES = 32

/** A block by its own CID: how manifests are asked for. */
export interface CidAddress {
  readonly cid: Cid
  readonly treeCid?: undefined
  readonly index?: undefined
}
/** A block by its place in a tree, from 0: how the content of datasets is asked for. */
export interface LeafAddress {
  readonly treeCid: Cid
  readonly index: number
  readonly cid?: undefined
}
/** What is wanted, offered or delivered: a block by its own CID, or by its place in a tree. */
export type BlockAddress = CidAddress | LeafAddress

/** Asks for the block itself. */
export const WANT_BLOCK = 0
/** Asks whether the peer has it. */
export const WANT_HAVE = 1

/** An entry of a want list. */
export type Want = BlockAddress & {
  readonly wantType: typeof WANT_BLOCK | typeof WANT_HAVE
  /** 0 in all that the network says. */
  readonly priority: number
  /** Takes an earlier want of the same address back. */
  readonly cancel: boolean
  /** Asks to be told, too, when the peer has not got it. */
  readonly sendDontHave: boolean
}

/** Says that the sender has a block, or has not. */
export type Presence = BlockAddress & {
  readonly type: 'have' | 'dontHave'
  /** In the network's smallest unit; 0 where nobody charges. */
  readonly price: bigint
}

/** A block. `cid` is what the peer says it is: to be checked against the data. */
export interface CidDelivery {
  readonly cid: Cid
  readonly data: Uint8Array
  readonly treeCid?: undefined
  readonly index?: undefined
  readonly proof?: undefined
}
/** A block with the proof that it stands at this place: to be checked against the tree. */
export interface LeafDelivery {
  readonly cid: Cid
  readonly data: Uint8Array
  readonly treeCid: Cid
  readonly index: number
  readonly proof: MerkleProof
}
/** A block that was asked for. Its data is as the peer sent it, and not checked yet. */
export type Delivery = CidDelivery | LeafDelivery

/** What one node says to another. Any part may be empty. */
export interface Message {
  readonly wants: readonly Want[]
  /** The list is all that the sender wants, not an addition. Receivers may ignore it. */
  readonly full: boolean
  readonly presences: readonly Presence[]
  readonly deliveries: readonly Delivery[]
}
