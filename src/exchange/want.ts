// One block that somebody here waits for: who waits, who has it, who was asked. State only; requester.ts moves it.

import type { CodexError } from '../lib/errors.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import type { MerkleProof } from '../protocol/merkleproof.ts'
import type { VerifiedBlock } from '../storage/verifiedblock.ts'
import type { BlockAddress } from './message.ts'
import type { Peer } from './peer.ts'

/** A block as it is handed to who waits for it: all of it checked. */
export interface Arrival {
  readonly address: BlockAddress
  /** Its bytes are borrowed until `release`, of every consumer by itself. */
  readonly block: VerifiedBlock
  /** Of leaves. */
  readonly proof: MerkleProof | undefined
  /** To be called once when the bytes are not looked at any more: only then is as much asked for anew. */
  readonly release: () => void
}

export interface Consumer {
  /** At most once per want. Must not throw. */
  arrive(arrival: Arrival): void
  /** The block is there and is not what the terms of this consumer say of it: instead of `arrive`. Must not throw. */
  misfit(address: BlockAddress, error: CodexError): void
  /** Once a second. `seconds` have passed since the last one, without those that the machine slept. */
  tick(now: Seconds, seconds: Seconds): void
}

/** What a block is said to be, besides standing where it was asked for. Who says so may lie: a peer that delivers another has done nothing wrong. */
export interface WantTerms {
  /** It may have no more. */
  readonly maxBytes: Bytes
  /** Memory is kept free for so many, where nearly all blocks have no more; `maxBytes` without it. */
  readonly likelyBytes?: Bytes | undefined
  /** Of its tree, when known. */
  readonly leafCount?: number | undefined
}

export class Want {
  readonly address: BlockAddress
  readonly key: string
  readonly since: Seconds
  /** Each with what it was told of the block. */
  readonly consumers = new Map<Consumer, WantTerms>()
  /** Peers that have it: they said so, or it is assumed of them (treetrust.ts). */
  readonly haves = new Map<Peer, 'said' | 'assumed'>()
  /** Peers asked for it and not given up. */
  readonly askedOf = new Set<Peer>()

  #maxBytes: Bytes = 0
  #likelyBytes: Bytes = 0

  constructor(address: BlockAddress, key: string, since: Seconds) {
    this.address = address
    this.key = key
    this.since = since
  }

  /** What any of its consumers would take. */
  get maxBytes(): Bytes {
    return this.#maxBytes
  }

  /** For which memory is kept free. */
  get likelyBytes(): Bytes {
    return this.#likelyBytes
  }

  add(consumer: Consumer, terms: WantTerms): void {
    this.consumers.set(consumer, terms)
    this.#likelyBytes = Math.max(this.#likelyBytes, terms.likelyBytes ?? terms.maxBytes)
    this.#maxBytes = Math.max(this.#maxBytes, terms.maxBytes)
  }
}
