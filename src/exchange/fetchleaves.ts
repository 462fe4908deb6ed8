// Fetching many leaves of a tree into the store: a sliding window of wants, local hits first, batches with their proofs. Memory is bounded by the
// window and the exchange's own limit, whatever the number of leaves; stopping anywhere and calling again goes on where it was.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import { BLOCK_SIZE } from '../protocol/block.ts'
import type { Cid } from '../protocol/cid.ts'
import type { MerkleProof } from '../protocol/merkleproof.ts'
import type { VerifiedBlock } from '../storage/verifiedblock.ts'
import type { BlockExchange } from './blockexchange.ts'
import { Doorbell } from './doorbell.ts'
import type { Arrival, Consumer, WantTerms } from './want.ts'

/** Addresses wanted at once; refilled by {@link REFILL} when a quarter is left (data reference §12.1). */
export const WINDOW = 1024
export const REFILL = 768
/** Blocks stored at once: a group of the store. */
export const STORE_BATCH_BLOCKS = 128
/** Batches on their way into the store; more would only cost memory. */
const STORES_AT_ONCE = 2
/** Without a single block for so long a fetch fails. */
export const DEFAULT_STALL_SECONDS: Seconds = 600

/** A leaf as it arrived, all of it checked. */
export interface FetchedLeaf {
  readonly index: number
  readonly block: VerifiedBlock
  readonly proof: MerkleProof
}

/** Takes each batch, two at once at most. The bytes of the blocks are borrowed until it settles. What it throws ends the fetch. */
export type LeafSink = (leaves: readonly FetchedLeaf[]) => Promise<void>

export interface FetchProgress {
  readonly totalBlocks: number
  /** Stored by this fetch, or here before. */
  readonly doneBlocks: number
  /** Here before. */
  readonly localBlocks: number
  /** Stored by this fetch. */
  readonly fetchedBytes: Bytes
}

export interface FetchLeavesOptions extends AbortOptions {
  readonly treeCid: Cid
  /** Leaves of the whole tree, as the manifest says; proofs of another shape are refused. */
  readonly leafCount: number
  /** Each once, below `leafCount`. */
  readonly indices: readonly number[]
  readonly sink: LeafSink
  readonly blockSize?: Bytes | undefined
  readonly stallSeconds?: Seconds | undefined
  readonly progress?: ((progress: FetchProgress) => void) | undefined
}

/**
 * Settles when every leaf is in the store.
 * @throws CodexError `exchange/stalled`, `exchange/stopped`, `exchange/misfit` when the tree is not as `leafCount` and `blockSize` say, what the sink throws, the signal's reason; what was stored by then stays
 */
export async function fetchLeaves(exchange: BlockExchange, options: FetchLeavesOptions): Promise<FetchProgress> {
  const signal = AbortSignal.any([options.signal, exchange.signal])
  signal.throwIfAborted()
  const fetch = new LeafFetch(exchange, options, signal)
  try {
    return await fetch.run()
  } finally {
    fetch.end()
  }
}

class LeafFetch {
  readonly #exchange: BlockExchange
  readonly #options: FetchLeavesOptions
  readonly #signal: AbortSignal
  readonly #bell = new Doorbell()
  /** One for all wants: the exchange ticks it once. */
  readonly #consumer: Consumer = {
    arrive: (arrival) => this.#arrive(arrival),
    misfit: (_, error) => {
      this.#failure ??= { error }
      this.#bell.ring()
    },
    tick: (_, seconds) => this.#tick(seconds),
  }
  /** Wanted and not arrived, by index: how to want it no more. */
  readonly #pending = new Map<number, () => void>()
  #arrived: Arrival[] = []
  /** Of `indices`, those before it are here, wanted or arrived. */
  #next = 0
  #localBlocks = 0
  #storedBlocks = 0
  #fetchedBytes: Bytes = 0
  #isFlushDue = false
  /** Since the first tick after the last block came, or was stored. */
  #idleSeconds: Seconds | undefined
  #stall: CodexError | undefined
  #failure: { readonly error: unknown } | undefined
  readonly #storing = new Set<Promise<void>>()

  constructor(exchange: BlockExchange, options: FetchLeavesOptions, signal: AbortSignal) {
    this.#exchange = exchange
    this.#options = options
    this.#signal = signal
  }

  async run(): Promise<FetchProgress> {
    try {
      for (;;) {
        if (this.#failure !== undefined) throw this.#failure.error
        if (this.#pending.size <= WINDOW - REFILL) await this.#refill()
        if (this.#isBatchDue() && this.#storing.size < STORES_AT_ONCE) this.#store()
        else if (this.#isDone()) return this.#progress()
        else {
          if (this.#stall !== undefined && this.#storing.size === 0) throw this.#stall
          await this.#bell.wait({ signal: this.#signal })
        }
      }
    } finally {
      // Nothing may still be on its way into the store when the caller cleans up.
      await Promise.all(this.#storing)
    }
  }

  #isDone(): boolean {
    const isAsked = this.#next === this.#options.indices.length && this.#pending.size === 0
    return isAsked && this.#arrived.length === 0 && this.#storing.size === 0
  }

  /** Wants nothing any more, and lets go of what was not stored. */
  end(): void {
    for (const forget of this.#pending.values()) forget()
    this.#pending.clear()
    for (const { release } of this.#arrived) release()
    this.#arrived = []
  }

  async #refill(): Promise<void> {
    const { treeCid, leafCount, indices, blockSize = BLOCK_SIZE } = this.#options
    for (;;) {
      const room = WINDOW - this.#pending.size - this.#arrived.length
      if (this.#next >= indices.length || room <= 0) return
      this.#signal.throwIfAborted()
      const part = indices.slice(this.#next, this.#next + Math.min(room, REFILL))
      const here = await this.#exchange.has(part.map((index) => ({ treeCid, index })))
      this.#next += part.length
      for (const [i, index] of part.entries()) {
        if (here[i] === true) this.#localBlocks++
        else this.#want(index, { maxBytes: blockSize, leafCount })
      }
      if (here.includes(true)) this.#tell()
    }
  }

  #want(index: number, terms: WantTerms): void {
    const address = { treeCid: this.#options.treeCid, index }
    this.#pending.set(index, this.#exchange.want(address, terms, this.#consumer))
  }

  #arrive(arrival: Arrival): void {
    this.#pending.delete(arrival.address.index as number)
    this.#arrived.push(arrival)
    this.#stall = undefined
    this.#idleSeconds = undefined
    if (this.#isBatchDue()) this.#bell.ring()
  }

  #tick(seconds: Seconds): void {
    const { stallSeconds = DEFAULT_STALL_SECONDS } = this.#options
    this.#idleSeconds = this.#idleSeconds === undefined ? 0 : this.#idleSeconds + seconds
    // Blocks wait no longer than from one tick to the next for their batch to become whole.
    this.#isFlushDue ||= this.#arrived.length > 0
    if (this.#idleSeconds >= stallSeconds) this.#stall = this.#stalled(stallSeconds)
    this.#bell.ring()
  }

  #isBatchDue(): boolean {
    if (this.#arrived.length === 0) return false
    return this.#arrived.length >= STORE_BATCH_BLOCKS || this.#pending.size === 0 || this.#isFlushDue
  }

  #store(): void {
    this.#isFlushDue = false
    const storing = this.#storeBatch(this.#arrived.splice(0, STORE_BATCH_BLOCKS))
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => {
        this.#storing.delete(storing)
        this.#bell.ring()
      })
    this.#storing.add(storing)
  }

  async #storeBatch(batch: readonly Arrival[]): Promise<void> {
    try {
      await this.#options.sink(batch.map(leafOf))
    } finally {
      for (const { release } of batch) release()
    }
    // While the store was slow nothing more was asked for: that is no stall.
    this.#stall = undefined
    this.#idleSeconds = undefined
    this.#storedBlocks += batch.length
    for (const { block } of batch) this.#fetchedBytes += block.bytes.length
    this.#exchange.announce(batch.map(({ address }) => address))
    this.#tell()
  }

  #tell(): void {
    this.#options.progress?.(this.#progress())
  }

  #progress(): FetchProgress {
    return {
      totalBlocks: this.#options.indices.length,
      doneBlocks: this.#localBlocks + this.#storedBlocks,
      localBlocks: this.#localBlocks,
      fetchedBytes: this.#fetchedBytes,
    }
  }

  #stalled(seconds: Seconds): CodexError {
    const { doneBlocks, totalBlocks } = this.#progress()
    const peers = this.#exchange.peers().length
    return new CodexError(
      'exchange/stalled',
      `no block came for ${seconds} s: ${doneBlocks} of ${totalBlocks} are here, ${peers} peers connected; connect to a peer that has the rest`,
      { detail: { seconds, doneBlocks, totalBlocks, peers } },
    )
  }
}

function leafOf({ address, block, proof }: Arrival): FetchedLeaf {
  return { index: address.index as number, block, proof: proof as MerkleProof }
}
