// One block that somebody here waits for: who waits, who has it, who was asked. State only; requester.ts moves it.

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
  /** Once a second. */
  tick(now: Seconds): void
}

/** What a block must be, besides standing where it was asked for. */
export interface WantTerms {
  /** It may have no more. */
  readonly maxBytes: Bytes
  /** Of its tree, when known: a proof of another tree that has the same root by trickery is refused. */
  readonly leafCount?: number | undefined
}

export class Want {
  readonly address: BlockAddress
  readonly key: string
  readonly maxBytes: Bytes
  readonly leafCount: number | undefined
  readonly since: Seconds
  readonly consumers = new Set<Consumer>()
  /** Peers that have it: they said so, or it is assumed of them (treetrust.ts). */
  readonly haves = new Map<Peer, 'said' | 'assumed'>()
  /** Peers asked for it and not given up. */
  readonly askedOf = new Set<Peer>()

  constructor(address: BlockAddress, key: string, { maxBytes, leafCount }: WantTerms, since: Seconds) {
    this.address = address
    this.key = key
    this.maxBytes = maxBytes
    this.leafCount = leafCount
    this.since = since
  }
}
