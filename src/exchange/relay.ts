// Getting for some peers what they want and this node has not got: a bridge between peers that cannot reach each other. It speaks for nobody: who asks
// names blocks only, and gets them with the proofs they came with. Memory and cache are bounded; a peer's share is that of each other peer.

import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Scope } from '../lib/scope.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import { GiB, MiB } from '../lib/units.ts'
import { BLOCK_SIZE } from '../protocol/block.ts'
import { isManifestCid } from '../protocol/cid.ts'
import { MAX_MANIFEST_BYTES } from '../protocol/manifestcodec.ts'
import type { RepoStore } from '../storage/repostore.ts'
import { addressKey, addressOf } from './addresskey.ts'
import type { BlockExchange } from './blockexchange.ts'
import type { BlockAddress } from './message.ts'
import { MAX_DATA_BYTES } from './message.ts'
import { RelayCache } from './relaycache.ts'
import type { ShortageWatch } from './responder.ts'
import type { Arrival, Consumer } from './want.ts'

/** Blocks on their way for all peers together: a few more than the exchange has memory for. */
export const RELAYED_AT_ONCE = 96
/** Blocks that wait for one peer; what it wants beyond, it must ask for again. */
export const MAX_WAITING_BY_PEER = 2048
/** Blocks stored in one commit. */
const BATCH_BLOCKS = 64
/** Blocks that nobody has given after so long are let go; whoever still wants them asks again. */
export const GIVE_UP_SECONDS: Seconds = 120
export const DEFAULT_CACHE_BYTES: Bytes = GiB
/** Below it blocks would make room for others before the peers that they were fetched for have taken them. */
export const MIN_CACHE_BYTES: Bytes = 32 * MiB
/** When not even what is cached can make room for more, nothing is fetched for so long: it would only be thrown away. */
export const SHORT_SECONDS: Seconds = 30
/** Cached blocks that nothing removed go then: after a restart nobody knows that they were only cached. */
const CACHE_SECONDS: Seconds = 3600

export interface RelayParts {
  readonly exchange: BlockExchange
  readonly repo: RepoStore
  /** Which peers it works for. */
  readonly serves: (peerId: string) => boolean
  readonly clock: Clock
  readonly log: Log
}

export interface RelayReport {
  readonly peerId: string
  readonly waitingBlocks: number
  readonly blocksUnderWay: number
  readonly relayedBytes: Bytes
}

interface Client {
  readonly peerId: string
  readonly waiting: Map<string, BlockAddress>
  readonly underWay: Set<string>
  relayedBytes: Bytes
  /** When it had its last turn, counted in turns. */
  turn: number
}

interface Errand {
  readonly address: BlockAddress
  readonly clients: Set<Client>
  readonly since: Seconds
  forget: () => void
}

export class Relay {
  readonly #parts: RelayParts
  readonly #clients = new Map<string, Client>()
  readonly #errands = new Map<string, Errand>()
  readonly #cache: RelayCache
  readonly #scope: Scope
  /** Arrived and not stored. */
  #arrived: Arrival[] = []
  #isStoring = false
  #turns = 0
  /** Until then the store has no room. */
  #shortUntil: Seconds = 0
  readonly #consumer: Consumer = {
    arrive: (arrival) => this.#arrive(arrival),
    misfit: (address) => this.#drop(addressKey(address)),
    tick: (now) => this.#tick(now),
  }

  constructor(
    parts: RelayParts,
    { cacheBytes = DEFAULT_CACHE_BYTES }: { readonly cacheBytes?: Bytes | undefined } = {},
  ) {
    this.#parts = parts
    this.#cache = new RelayCache(parts.repo, cacheBytes)
    this.#scope = new Scope({ report: (error) => parts.log.error('the relay could not store', { error }) })
  }

  /** Works until {@link Relay.stop}. */
  start(): void {
    const watch: ShortageWatch = {
      missed: (peerId, addresses) => this.#missed(peerId, addresses),
      takenBack: (peerId, addresses) => this.#takenBack(peerId, addresses),
      gone: (peerId) => this.#gone(peerId),
    }
    this.#parts.exchange.watchShortages(watch)
    this.#scope.spawn('recover', (signal) => this.#recover(signal))
  }

  /** Wants nothing any more. Never rejects. */
  async stop(): Promise<void> {
    const closing = this.#scope.close()
    for (const peerId of [...this.#clients.keys()]) this.#gone(peerId)
    await closing
    for (const { release } of this.#arrived.splice(0)) release()
  }

  /** Peers that something is or was fetched for, and how much. */
  clients(): RelayReport[] {
    return [...this.#clients.values()].map(({ peerId, waiting, underWay, relayedBytes }) => ({
      peerId,
      waitingBlocks: waiting.size,
      blocksUnderWay: underWay.size,
      relayedBytes,
    }))
  }

  get cachedBytes(): Bytes {
    return this.#cache.bytes
  }

  async #recover(signal: AbortSignal): Promise<void> {
    try {
      await this.#cache.recover({ signal })
    } catch (error) {
      signal.throwIfAborted()
      if (!CodexError.is(error)) throw error
      this.#parts.log.warn('what was cached before stays until the next start', { error })
    }
  }

  #missed(peerId: string, addresses: readonly BlockAddress[]): void {
    if (this.#scope.signal.aborted || !this.#parts.serves(peerId)) return
    // Whoever wants to know has been told that it is not here, and asks again.
    if (this.#parts.clock.now() < this.#shortUntil) return
    const client = this.#clientOf(peerId)
    for (const address of addresses) {
      // Content is asked for by its place in a tree, with a proof; by its own CID only what describes it.
      if (address.cid !== undefined && !isManifestCid(address.cid)) continue
      const key = addressKey(address)
      if (client.underWay.has(key) || client.waiting.has(key)) continue
      if (client.waiting.size >= MAX_WAITING_BY_PEER) break
      client.waiting.set(key, addressOf(address))
    }
    this.#go()
  }

  #clientOf(peerId: string): Client {
    const known = this.#clients.get(peerId)
    if (known !== undefined) return known
    const client = { peerId, waiting: new Map(), underWay: new Set<string>(), relayedBytes: 0, turn: this.#turns }
    this.#clients.set(peerId, client)
    return client
  }

  #takenBack(peerId: string, addresses: readonly BlockAddress[]): void {
    const client = this.#clients.get(peerId)
    if (client === undefined) return
    for (const address of addresses) this.#letGo(client, addressKey(address))
    this.#go()
  }

  #gone(peerId: string): void {
    const client = this.#clients.get(peerId)
    if (client === undefined) return
    this.#clients.delete(peerId)
    for (const key of [...client.underWay]) this.#letGo(client, key)
    this.#go()
  }

  #letGo(client: Client, key: string): void {
    client.waiting.delete(key)
    client.underWay.delete(key)
    const errand = this.#errands.get(key)
    if (errand?.clients.delete(client) !== true || errand.clients.size > 0) return
    this.#errands.delete(key)
    errand.forget()
  }

  /**
   * Sends for as many as may be on their way, each time one for the peer that has the fewest, of those the one whose turn was longest ago. When there are
   * as many as may be, one that has more gives up its newest: what nobody has must not keep the others waiting.
   */
  #go(): void {
    while (!this.#scope.signal.aborted) {
      const client = this.#next()
      if (client === undefined) return
      if (this.#errands.size >= RELAYED_AT_ONCE) {
        if (this.#takeBackFor(client)) continue
        return
      }
      const [entry] = client.waiting
      if (entry === undefined) return
      const [key, address] = entry
      client.waiting.delete(key)
      client.underWay.add(key)
      client.turn = ++this.#turns
      const known = this.#errands.get(key)
      if (known !== undefined) known.clients.add(client)
      else if (!this.#send(key, address, client)) return
    }
  }

  /** @returns false when nobody has at least two more than this one */
  #takeBackFor(poor: Client): boolean {
    let rich = poor
    for (const client of this.#clients.values()) if (client.underWay.size > rich.underWay.size) rich = client
    if (rich.underWay.size - poor.underWay.size < 2) return false
    const key = [...rich.underWay].at(-1) ?? ''
    const errand = this.#errands.get(key)
    this.#letGo(rich, key)
    if (errand !== undefined) rich.waiting.set(key, errand.address)
    return true
  }

  #next(): Client | undefined {
    let best: Client | undefined
    for (const client of this.#clients.values()) {
      if (client.waiting.size === 0) continue
      const lead = client.underWay.size - (best?.underWay.size ?? Infinity)
      if (best === undefined || lead < 0 || (lead === 0 && client.turn < best.turn)) best = client
    }
    return best
  }

  #send(key: string, address: BlockAddress, client: Client): boolean {
    const { exchange, clock } = this.#parts
    const errand: Errand = { address, clients: new Set([client]), since: clock.now(), forget: () => undefined }
    this.#errands.set(key, errand)
    // Nobody knows here how large its blocks are, nor how many: whatever a manifest says of a tree, another may say otherwise.
    try {
      const maxBytes = address.treeCid === undefined ? MAX_MANIFEST_BYTES : MAX_DATA_BYTES
      // Nearly all have no more than those of the network. Where they do, memory for all that are on their way is still bounded by their number.
      errand.forget = exchange.want(address, { maxBytes, likelyBytes: BLOCK_SIZE }, this.#consumer)
      return true
    } catch (error) {
      if (!CodexError.is(error)) throw error
      // Others want as much as there may be: whoever asks again gets it then.
      this.#letGo(client, key)
      return false
    }
  }

  #tick(now: Seconds): void {
    for (const [key, { since }] of this.#errands) {
      if (now - since < GIVE_UP_SECONDS) break
      this.#drop(key)
    }
    this.#go()
  }

  #drop(key: string): void {
    for (const client of [...(this.#errands.get(key)?.clients ?? [])]) this.#letGo(client, key)
  }

  #arrive(arrival: Arrival): void {
    // Not wanted any more: who wants it next is another.
    const errand = this.#errands.get(addressKey(arrival.address))
    if (errand !== undefined) errand.forget = () => undefined
    this.#arrived.push(arrival)
    if (this.#isStoring || this.#scope.signal.aborted) return
    this.#isStoring = true
    this.#scope.spawn('store', (signal) => this.#storeAll(signal))
  }

  async #storeAll(signal: AbortSignal): Promise<void> {
    try {
      while (this.#arrived.length > 0 && !signal.aborted) {
        const batch = this.#arrived.splice(0, BATCH_BLOCKS)
        try {
          await this.#store(batch)
        } finally {
          for (const { release } of batch) release()
        }
      }
    } finally {
      this.#isStoring = false
    }
  }

  async #store(batch: readonly Arrival[]): Promise<void> {
    const { exchange } = this.#parts
    const stored: Arrival[] = []
    for (const part of partsOf(batch)) if (await this.#put(part)) stored.push(...part)
    exchange.announce(stored.map(({ address }) => address))
    const offers = new Map<string, BlockAddress[]>()
    for (const { address, block } of batch) {
      const key = addressKey(address)
      const isStored = stored.some((each) => each.address === address)
      for (const client of this.#errands.get(key)?.clients ?? []) {
        client.underWay.delete(key)
        if (!isStored) continue
        client.relayedBytes += block.bytes.length
        offers.set(client.peerId, [...(offers.get(client.peerId) ?? []), address])
      }
      // Who took it back meanwhile and wants it again has sent for it again.
      this.#errands.get(key)?.forget()
      this.#errands.delete(key)
    }
    for (const [peerId, addresses] of offers) exchange.offer(peerId, addresses)
    this.#go()
    try {
      await this.#cache.trim()
    } catch (error) {
      if (!CodexError.is(error)) throw error
      this.#parts.log.warn('cached blocks could not be removed', { error })
    }
  }

  async #makeRoom(bytes: Bytes): Promise<boolean> {
    try {
      return await this.#cache.makeRoom(bytes)
    } catch (error) {
      if (!CodexError.is(error)) throw error
      this.#parts.log.warn('cached blocks could not be removed', { error })
      return false
    }
  }

  /** @returns whether these are in the store now */
  async #put(part: readonly Arrival[]): Promise<boolean> {
    const { clock, log } = this.#parts
    const bytes = part.reduce((sum, { block }) => sum + block.bytes.length, 0)
    for (;;)
      try {
        await this.#cache.put(part, clock.now() + CACHE_SECONDS)
        return true
      } catch (error) {
        if (!CodexError.is(error)) throw error
        const isFull = error.code === 'store/quota-exceeded'
        // The space is somebody else's: what was cached before makes room for what is wanted now.
        if (isFull && (await this.#makeRoom(bytes))) continue
        log.warn('blocks could not be relayed', { blocks: part.length, error })
        if (isFull) this.#pause()
        return false
      }
  }

  #pause(): void {
    this.#shortUntil = this.#parts.clock.now() + SHORT_SECONDS
    for (const { waiting } of this.#clients.values()) waiting.clear()
  }
}

/** What goes into the store together: blocks of one tree, with proofs of one shape, or blocks of no tree. */
function partsOf(batch: readonly Arrival[]): Arrival[][] {
  const parts = new Map<string, Arrival[]>()
  for (const arrival of batch) {
    const { treeCid } = arrival.address
    const key = treeCid === undefined ? '' : addressKey({ treeCid, index: arrival.proof?.leafCount ?? 0 })
    parts.set(key, [...(parts.get(key) ?? []), arrival])
  }
  return [...parts.values()]
}
