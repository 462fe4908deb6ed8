// Serving others: answers who asks whether a block is here, remembers who wants one, and hands out the next few for each peer in turn. It sends
// nothing itself; the session of each peer fetches its next batch when the last one has gone.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Places } from '../lib/places.ts'
import type { Bytes } from '../lib/units.ts'
import { KiB, MiB } from '../lib/units.ts'
import { BLOCK_SIZE } from '../protocol/block.ts'
import type { TakeMemory } from '../storage/slabfile.ts'
import { addressKey, addressOf } from './addresskey.ts'
import type { BatchBytes } from './batchmemory.ts'
import { BatchMemory } from './batchmemory.ts'
import type { BlockSource } from './blocksource.ts'
import type { BlockAddress, Delivery, Want } from './message.ts'
import { WANT_HAVE } from './message.ts'
import type { Peer, TheirWant } from './peer.ts'

/** Blocks remembered for one peer; what it wants beyond, it must ask for again. */
export const MAX_WANTED_BY_PEER = 4096
/** Blocks read at once for one peer: three messages full. Reading them in one go costs little more than reading one. */
export const MAX_BATCH_BLOCKS = 60
const MIN_BATCH_BLOCKS = 2
/** No block is added to a batch beyond this; the first one always goes. */
export const MAX_BATCH_BYTES: Bytes = 4 * MiB
/** Of the batches on their way to all peers. Who takes little time over them gives them back; when there is no more, batches are of the smallest. */
export const MAX_LENT_BYTES: Bytes = 32 * MiB
/** Blocks in one message, as the network's nodes do, and no block is added beyond so many bytes. */
export const MESSAGE_BLOCKS = 20
export const MESSAGE_BYTES: Bytes = 1536 * KiB
/** Batches read from the store at once; the peers that wait for one stand in line. */
const LOADS_AT_ONCE = 2

/** The next blocks for a peer. */
export interface Batch {
  /** Their data are borrowed until {@link Batch.giveBack}. */
  readonly deliveries: readonly Delivery[]
  /** All of it has left. Not to be called when that is not sure. */
  readonly giveBack: () => void
}

/** Hears what peers want that is not here: see relay.ts. None of it may throw. */
export interface ShortageWatch {
  /** Wanted and not here; told again each time the peer asks again. */
  missed(peerId: string, addresses: readonly BlockAddress[]): void
  /** Wanted no more. */
  takenBack(peerId: string, addresses: readonly BlockAddress[]): void
  /** The peer has gone, and all its wants with it. */
  gone(peerId: string): void
}

export class Responder {
  readonly #source: BlockSource
  readonly #log: Log
  #watch: ShortageWatch | undefined
  readonly #turns = new Places(LOADS_AT_ONCE)
  readonly #memory = new BatchMemory(MAX_BATCH_BLOCKS * BLOCK_SIZE)
  #lentBytes: Bytes = 0
  /** Peers that wait for a block that is not here, by its address. */
  readonly #absent = new Map<string, Set<Peer>>()

  constructor(source: BlockSource, log: Log) {
    this.#source = source
    this.#log = log
  }

  /** Whether so much is on its way to peers that no batch should be read before it can be sent. */
  get isShort(): boolean {
    return this.#lentBytes > MAX_LENT_BYTES / 2
  }

  /** At most one. */
  watch(watch: ShortageWatch): void {
    this.#watch = watch
  }

  /** Settles when all entries are answered or noted. */
  async takeWants(peer: Peer, wants: readonly Want[]): Promise<void> {
    if (peer.hasGone) return
    const haves = wants.filter(({ cancel, wantType }) => !cancel && wantType === WANT_HAVE)
    const takenBack = wants.filter(({ cancel }) => cancel)
    if (takenBack.length > 0) this.#watch?.takenBack(peer.id, takenBack)
    for (const want of wants)
      if (want.cancel) this.#forget(peer, addressKey(want))
      else if (want.wantType !== WANT_HAVE) this.#note(peer, want)
    if (haves.length > 0) {
      const here = await this.#has(haves)
      if (peer.hasGone) return
      for (const [i, want] of haves.entries())
        if (here[i] === true) peer.outbox.presence(want, 'have')
        else if (want.sendDontHave) peer.outbox.presence(want, 'dontHave')
      const missing = haves.filter((_, i) => here[i] === false)
      if (missing.length > 0) this.#watch?.missed(peer.id, missing)
    }
    peer.bell.ring()
  }

  /** The next blocks for this peer, each of them once; undefined when there are none now. Rejects with `signal.reason` in line. */
  async nextBatch(peer: Peer, { signal }: AbortOptions): Promise<Batch | undefined> {
    if (!hasReady(peer)) return undefined
    return this.#turns.run(() => this.#load(peer), { signal })
  }

  /** The batch has gone. Asked for again while it was on its way, its blocks were not put in line again. */
  sent(peer: Peer, deliveries: readonly Delivery[]): void {
    for (const { cid, treeCid, index } of deliveries)
      peer.theirs.delete(addressKey(treeCid === undefined ? { cid } : { treeCid, index }))
  }

  /** These blocks have come into the store: who waits for one gets it. */
  announce(addresses: readonly BlockAddress[]): void {
    if (this.#absent.size === 0) return
    for (const address of addresses) {
      const key = addressKey(address)
      const waiting = this.#absent.get(key)
      this.#absent.delete(key)
      for (const peer of waiting ?? []) {
        const want = peer.theirs.get(key)
        if (want?.state !== 'absent') continue
        want.state = 'ready'
        peer.bell.ring()
      }
    }
  }

  removePeer(peer: Peer): void {
    this.#lentBytes -= peer.lentBytes
    peer.lentBytes = 0
    this.#watch?.gone(peer.id)
    for (const key of [...peer.theirs.keys()]) this.#forget(peer, key)
  }

  #note(peer: Peer, want: Want): void {
    const key = addressKey(want)
    const known = peer.theirs.get(key)
    // On its way already, or in line already. One that was not here may have come: it is looked for again.
    if (known !== undefined && known.state !== 'absent') return
    if (known === undefined && peer.theirs.size >= MAX_WANTED_BY_PEER) return
    this.#forget(peer, key)
    peer.theirs.set(key, { address: addressOf(want), sendDontHave: want.sendDontHave, state: 'ready' })
  }

  #forget(peer: Peer, key: string): void {
    const waiting = this.#absent.get(key)
    if (waiting?.delete(peer) === true && waiting.size === 0) this.#absent.delete(key)
    peer.theirs.delete(key)
  }

  async #load(peer: Peer): Promise<Batch> {
    const isOut = this.#lentBytes >= MAX_LENT_BYTES
    const most = isOut ? MIN_BATCH_BLOCKS : Math.min(Math.max(peer.batchBlocks, MIN_BATCH_BLOCKS), MAX_BATCH_BLOCKS)
    const maxBytes = isOut ? MIN_BATCH_BLOCKS * BLOCK_SIZE : MAX_BATCH_BYTES
    const batch: (readonly [string, TheirWant])[] = []
    for (const entry of peer.theirs) {
      if (entry[1].state !== 'ready') continue
      if (batch.length >= most) break
      batch.push(entry)
    }
    for (const [, want] of batch) want.state = 'sending'
    const { take, giveBack } = isOut ? OWN_MEMORY : this.#memory.lend()
    const loaded = await this.#loadAddresses(
      batch.map(([, { address }]) => address),
      { take, maxBytes },
    )
    const deliveries: Delivery[] = []
    let bytes = 0
    for (const [i, [key, want]] of batch.entries()) {
      if (peer.theirs.get(key) !== want) continue // Taken back meanwhile.
      const delivery = loaded[i]
      if (i >= loaded.length) want.state = 'ready'
      else if (delivery === undefined) this.#missing(peer, key, want)
      else if (deliveries.length > 0 && bytes + delivery.data.length > maxBytes) want.state = 'ready'
      else {
        bytes += delivery.data.length
        deliveries.push(delivery)
      }
    }
    if (peer.hasGone) return { deliveries: [], giveBack }
    this.#lend(peer, bytes)
    return {
      deliveries,
      giveBack: () => {
        giveBack()
        if (!peer.hasGone) this.#lend(peer, -bytes)
      },
    }
  }

  #lend(peer: Peer, bytes: Bytes): void {
    peer.lentBytes += bytes
    this.#lentBytes += bytes
  }

  /** A peer that is told so asks again; sent to it all the same when it comes, the block would come twice or unasked, and that is an offence. */
  #missing(peer: Peer, key: string, want: TheirWant): void {
    if (want.sendDontHave) {
      this.#forget(peer, key)
      peer.outbox.presence(want.address, 'dontHave')
    } else {
      want.state = 'absent'
      const waiting = this.#absent.get(key)
      if (waiting === undefined) this.#absent.set(key, new Set([peer]))
      else waiting.add(peer)
    }
    this.#watch?.missed(peer.id, [want.address])
  }

  async #has(addresses: readonly BlockAddress[]): Promise<readonly boolean[]> {
    try {
      return await this.#source.has(addresses)
    } catch (error) {
      this.#log.warn('could not look up what a peer asked for', { error })
      return []
    }
  }

  /** One damaged block must not keep the others from being served. */
  async #loadAddresses(
    addresses: readonly BlockAddress[],
    limits: { readonly take: TakeMemory; readonly maxBytes: Bytes },
  ): Promise<(Delivery | undefined)[]> {
    try {
      return await this.#source.load(addresses, limits.take, limits.maxBytes)
    } catch (error) {
      if (!CodexError.is(error)) throw error
      this.#log.warn('could not read a block that a peer wants', { error })
      if (addresses.length === 1) return [undefined]
      const loaded: (Delivery | undefined)[] = []
      for (const address of addresses) loaded.push(...(await this.#loadAddresses([address], limits)))
      return loaded
    }
  }
}

/** Not from the pieces that are used again and again: they are for those who give them back soon. */
const OWN_MEMORY: BatchBytes = { take: (bytes) => new Uint8Array(bytes), giveBack: () => undefined }

function hasReady(peer: Peer): boolean {
  for (const { state } of peer.theirs.values()) if (state === 'ready') return true
  return false
}

/** The blocks of a batch as they go into messages. */
export function messagesOf(deliveries: readonly Delivery[]): Delivery[][] {
  const messages: Delivery[][] = []
  let bytes = 0
  for (const delivery of deliveries) {
    const last = messages.at(-1)
    if (last === undefined || last.length === MESSAGE_BLOCKS || bytes + delivery.data.length > MESSAGE_BYTES) {
      messages.push([delivery])
      bytes = 0
    } else last.push(delivery)
    bytes += delivery.data.length
  }
  return messages
}
