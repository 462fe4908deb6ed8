// Getting blocks: who is told what we want, who is asked, what counts as delivered, who is asked again. Deterministic: it acts on calls and ticks,
// draws from an injected source of chance, and sends nothing itself, but leaves word in the outbox of each peer.

import { CodexError } from '../lib/errors.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import { MiB } from '../lib/units.ts'
import { BLOCK_SIZE } from '../protocol/block.ts'
import type { Cid } from '../protocol/cid.ts'
import { equalCids } from '../protocol/cid.ts'
import type { Hasher } from '../storage/hasher.ts'
import { comparedBlock } from '../storage/verifiedblock.ts'
import { addressKey, addressOf } from './addresskey.ts'
import type { HeldBytes } from './blockmemory.ts'
import { BlockMemory } from './blockmemory.ts'
import type { Proves } from './checkdelivery.ts'
import { faultOf, misfitOf } from './checkdelivery.ts'
import { choosePeer } from './choosepeer.ts'
import type { BlockAddress, Delivery, Presence } from './message.ts'
import { WANT_BLOCK, WANT_HAVE } from './message.ts'
import type { Peer } from './peer.ts'
import { ProofChecks } from './proofchecks.ts'
import type { Consumer, WantTerms } from './want.ts'
import { Want } from './want.ts'

/** Blocks asked for and blocks that arrived and are not stored yet, together, over all peers and fetches. */
export const MAX_IN_FLIGHT_BYTES: Bytes = 24 * MiB
/** Of these, asked for of peers that have never delivered anything: however many there are, and whatever they say they have. */
export const MAX_UNPROVEN_BYTES: Bytes = MAX_IN_FLIGHT_BYTES / 4
/** Addresses wanted at once. */
export const MAX_WANTED = 16_384
/** A block that has not come by then is asked of another peer that has it, as well. */
export const ASK_AGAIN_SECONDS: Seconds = 5
/** Peers asked for one block at once. */
const MAX_ASKED_AT_ONCE = 2
/** A peer that delivers others but not this block is not asked for it any more. */
export const GIVE_UP_SECONDS: Seconds = 30
/** A peer that delivers nothing at all for so long is not waited for with blocks that it never said it has. */
export const ASSUMED_SECONDS: Seconds = 10
/** A peer that has owed blocks for so long, and delivered none, goes. */
export const SILENT_SECONDS: Seconds = 60
const MAX_REFRESH_SECONDS: Seconds = 36

export interface RequesterParts {
  readonly hasher: Hasher
  readonly now: () => Seconds
  readonly random: () => number
  /** Ends the link to a peer that may not stay, and keeps it out for a while. */
  readonly evict: (peer: Peer, error: CodexError) => void
}

export class Requester {
  readonly #parts: RequesterParts
  readonly #wants = new Map<string, Want>()
  readonly #peers = new Set<Peer>()
  readonly #proofs = new ProofChecks()
  readonly #proves: Proves = (...args) => this.#proofs.verify(...args)
  readonly #memory: BlockMemory
  /** Asked for, by {@link Want.likelyBytes}; a block asked of two peers counts twice. */
  #askedBytes: Bytes = 0
  /** Of those, asked of peers that have never delivered anything. */
  #unprovenBytes: Bytes = 0
  /** Arrived and not released. */
  #heldBytes: Bytes = 0

  constructor(parts: RequesterParts) {
    this.#parts = parts
    this.#memory = new BlockMemory(parts.hasher, MAX_IN_FLIGHT_BYTES / BLOCK_SIZE)
  }

  get wanted(): number {
    return this.#wants.size
  }

  get inFlightBytes(): Bytes {
    return this.#askedBytes + this.#heldBytes
  }

  /**
   * Wants a block for `consumer`, whoever else wants it. Returns how to want it no more, which leaves the others' wants alone.
   * @throws CodexError `exchange/too-many-wants`
   */
  want(address: BlockAddress, terms: WantTerms, consumer: Consumer): () => void {
    const key = addressKey(address)
    let want = this.#wants.get(key)
    if (want === undefined) {
      if (this.#wants.size >= MAX_WANTED)
        throw new CodexError('exchange/too-many-wants', `expected at most ${MAX_WANTED} blocks wanted at once`, {
          detail: { limit: MAX_WANTED },
        })
      want = new Want(addressOf(address), key, this.#parts.now())
      this.#wants.set(key, want)
      want.add(consumer, terms)
      for (const peer of this.#peers) this.#putTo(peer, want)
    }
    want.add(consumer, terms)
    const entry = want
    return () => {
      if (entry.consumers.delete(consumer) && entry.consumers.size === 0) this.#forget(entry)
    }
  }

  addPeer(peer: Peer): void {
    this.#peers.add(peer)
    for (const want of this.#wants.values()) this.#tell(peer, want)
  }

  removePeer(peer: Peer): void {
    this.#peers.delete(peer)
    for (const key of [...peer.asked.keys()]) this.#unask(peer, key)
    for (const want of this.#wants.values()) if (want.haves.delete(peer)) this.#offer(want)
    this.#askAll()
  }

  takePresences(peer: Peer, presences: readonly Presence[]): void {
    if (peer.hasGone) return
    for (const { type, price, ...address } of presences) {
      const want = this.#wants.get(addressKey(address))
      if (want === undefined) continue
      // Nobody here pays: a block that costs something is one that the peer has not got.
      if (type === 'have' && price === 0n) {
        want.haves.set(peer, 'said')
        if (address.treeCid !== undefined) peer.trust.confirm(address.treeCid)
        if (want.askedOf.size === 0) peer.offers.add(want.key)
      } else this.#deny(peer, want)
    }
    this.#askPeer(peer)
  }

  /** Settles when all blocks of the message were checked and handed on. */
  async takeDeliveries(peer: Peer, deliveries: readonly Delivery[]): Promise<void> {
    if (deliveries.length === 0 || peer.hasGone) return
    const expected: { readonly delivery: Delivery; readonly key: string }[] = []
    for (const delivery of deliveries) {
      const key = addressKey(delivery)
      if (this.#isExpected(peer, key)) expected.push({ delivery, key })
    }
    const held = expected.map(({ delivery }) => this.#memory.hold(delivery.data))
    try {
      const digests = await this.#parts.hasher.sha256(held.map(({ bytes }) => bytes))
      if (peer.hasGone) return
      for (const [i, { delivery, key }] of expected.entries()) {
        const want = this.#wants.get(key)
        // Meanwhile it may have come from another peer, or be wanted no more.
        if (want === undefined || !want.askedOf.has(peer)) continue
        const fault = faultOf(delivery, digests[i] as Uint8Array, want, this.#proves)
        if (fault !== undefined) {
          this.#parts.evict(peer, lied(peer, fault))
          return
        }
        this.#arrive(peer, want, delivery, held[i] as HeldBytes)
        held[i] = TAKEN
      }
    } finally {
      for (const { free } of held) free()
    }
    this.#askAll()
  }

  /** Once a second. @param seconds since the last one, without those that the machine slept */
  tick(now: Seconds, seconds: Seconds): void {
    for (const peer of [...this.#peers]) {
      peer.rate.end(seconds, peer.asked.size > 0)
      if (peer.asked.size > 0 && !peer.isComing()) peer.silentSeconds += seconds
      if (peer.silentSeconds >= SILENT_SECONDS) this.#parts.evict(peer, silent(peer))
      else {
        this.#askAgain(peer, now)
        this.#refresh(peer, now)
      }
    }
    this.#askAll()
    if (this.#wants.size === 0) this.#memory.trim()
    const consumers = new Set([...this.#wants.values()].flatMap((want) => [...want.consumers.keys()]))
    for (const consumer of consumers) consumer.tick(now, seconds)
  }

  /** What to look for providers of: manifests by their CID, leaves by that of their tree. Empty while everything wanted was offered. */
  unoffered(): Cid[] {
    const byKey = new Map<string, Cid>()
    const now = this.#parts.now()
    for (const { haves, askedOf, address } of this.#wants.values()) {
      if (isAnyAwake(haves.keys(), now) || isAnyAwake(askedOf, now)) continue
      const cid = address.treeCid ?? address.cid
      byKey.set(addressKey({ cid }), cid)
    }
    return [...byKey.values()]
  }

  /** Asks a peer that seems to have all of the tree for the block itself, and others whether they have it. */
  #putTo(peer: Peer, want: Want): void {
    const { treeCid } = want.address
    if (treeCid === undefined || !peer.trust.trusts(treeCid)) return this.#tell(peer, want)
    want.haves.set(peer, 'assumed')
    if (want.askedOf.size === 0) peer.offers.add(want.key)
    this.#askPeer(peer)
  }

  #tell(peer: Peer, { address, key }: Want): void {
    peer.outbox.want(address, WANT_HAVE, key)
    const now = this.#parts.now()
    peer.refreshSeconds = 1
    peer.refreshAt = Math.min(peer.refreshAt, now + 1)
    peer.bell.ring()
  }

  #isExpected(peer: Peer, key: string): boolean {
    if (peer.asked.has(key)) return true
    // It was asked for it, and has taken long: slow is not silent.
    if (peer.takeLate(key)) peer.silentSeconds = 0
    else if (peer.strike(this.#parts.now())) this.#parts.evict(peer, unsolicited(peer))
    return false
  }

  #arrive(peer: Peer, want: Want, delivery: Delivery, held: HeldBytes): void {
    const { length } = held.bytes
    // Not asked any more, so that it is not sent a cancel of what it has just delivered.
    this.#unask(peer, want.key)
    peer.rate.add(length)
    if (!peer.isProven && length > 0) this.#unprovenBytes -= peer.askedBytes
    peer.receivedBytes += length
    peer.activeAt = this.#parts.now()
    peer.silentSeconds = 0
    this.#forget(want)
    const bytes = Math.max(length, 1)
    const block = comparedBlock({ cid: delivery.cid, bytes: held.bytes })
    let holders = want.consumers.size
    for (const [consumer, terms] of want.consumers) {
      const fit = misfitOf(delivery, want.address, terms, this.#proves)
      if (fit.misfit !== undefined) {
        if (--holders === 0) held.free()
        consumer.misfit(want.address, misfitting(delivery.cid, fit.misfit))
        continue
      }
      this.#heldBytes += bytes
      let isHeld = true
      const release = (): void => {
        if (!isHeld) return
        isHeld = false
        this.#heldBytes -= bytes
        if (--holders === 0) held.free()
        this.#askAll()
      }
      consumer.arrive({ address: want.address, block, proof: fit.proof, release })
    }
    // Wanting it no more is too late now, and must not touch who wants it next.
    want.consumers.clear()
  }

  /** No longer wanted by anyone: whoever was asked is told. */
  #forget(want: Want): void {
    this.#wants.delete(want.key)
    for (const peer of want.haves.keys()) peer.offers.delete(want.key)
    for (const peer of [...want.askedOf]) {
      this.#unask(peer, want.key)
      this.#cancel(peer, want)
    }
  }

  #cancel(peer: Peer, want: Want): void {
    peer.expectLate(want.key)
    peer.outbox.cancel(want.address, want.key)
    peer.bell.ring()
  }

  #unask(peer: Peer, key: string): void {
    const bytes = peer.unask(key)?.bytes ?? 0
    this.#askedBytes -= bytes
    if (!peer.isProven) this.#unprovenBytes -= bytes
    this.#wants.get(key)?.askedOf.delete(peer)
  }

  /** The peer has it not, or not any more. */
  #deny(peer: Peer, want: Want): void {
    want.haves.delete(peer)
    if (want.address.treeCid !== undefined) this.#distrust(peer, want.address.treeCid)
    peer.offers.delete(want.key)
    if (!want.askedOf.has(peer)) return
    this.#unask(peer, want.key)
    peer.expectLate(want.key)
    this.#offer(want)
  }

  /** What it was only assumed to have, and was not asked for yet, is put to it as to others. */
  #distrust(peer: Peer, treeCid: Cid): void {
    const isNews = peer.trust.trusts(treeCid)
    peer.trust.deny(treeCid)
    if (!isNews) return
    for (const want of this.#wants.values()) {
      if (want.haves.get(peer) !== 'assumed' || want.askedOf.has(peer)) continue
      if (want.address.treeCid === undefined || !equalCids(want.address.treeCid, treeCid)) continue
      want.haves.delete(peer)
      peer.offers.delete(want.key)
      this.#tell(peer, want)
    }
  }

  /** Puts a want that nobody is asked for back to those who have it. */
  #offer(want: Want): void {
    if (want.askedOf.size > 0) return
    for (const peer of want.haves.keys()) peer.offers.add(want.key)
  }

  #askAll(): void {
    for (const peer of this.#peers) this.#askPeer(peer)
  }

  /** Asks for what this peer has, as far as its window and the memory go; of another peer, where that one would be sooner. */
  #askPeer(peer: Peer): void {
    for (const key of peer.offers) {
      const want = this.#wants.get(key)
      if (want === undefined || want.askedOf.size > 0) {
        peer.offers.delete(key)
        continue
      }
      if (!this.#hasMemoryFor(want) || !this.#hasRoomFor(peer, want)) return
      peer.offers.delete(key)
      this.#ask(this.#choose(want) ?? peer, want)
    }
  }

  #choose(want: Want): Peer | undefined {
    const able = [...want.haves.keys()].filter((peer) => !want.askedOf.has(peer) && this.#hasRoomFor(peer, want))
    return choosePeer(able, want.likelyBytes, this.#parts.random)
  }

  #hasMemoryFor({ likelyBytes }: Want): boolean {
    return this.inFlightBytes === 0 || this.inFlightBytes + likelyBytes <= MAX_IN_FLIGHT_BYTES
  }

  #hasRoomFor(peer: Peer, { likelyBytes }: Want): boolean {
    if (!peer.hasRoomFor(likelyBytes)) return false
    return peer.isProven || this.#unprovenBytes === 0 || this.#unprovenBytes + likelyBytes <= MAX_UNPROVEN_BYTES
  }

  #ask(peer: Peer, want: Want): void {
    const { likelyBytes: bytes, maxBytes } = want
    peer.ask(want.key, { bytes, maxBytes }, this.#parts.now())
    this.#askedBytes += bytes
    if (!peer.isProven) this.#unprovenBytes += bytes
    want.askedOf.add(peer)
    peer.outbox.want(want.address, WANT_BLOCK, want.key)
    peer.bell.ring()
  }

  /** Blocks that are long in coming are asked of another peer too; those that a busy peer leaves out are not asked of it again. */
  #askAgain(peer: Peer, now: Seconds): void {
    for (const [key, { since }] of peer.asked) {
      if (now - since < ASK_AGAIN_SECONDS) return
      const want = this.#wants.get(key)
      if (want === undefined) continue
      if (peer.activeAt <= since && this.#hasOther(peer, want)) {
        // It says it has it and is silent: what was asked of it stands in the way of those that are not.
        this.#unask(peer, key)
        this.#cancel(peer, want)
        want.haves.delete(peer)
        this.#offer(want)
        continue
      }
      if (this.#isInVain(peer, want, since, now)) {
        this.#deny(peer, want)
        this.#cancel(peer, want)
        continue
      }
      const isAskedEnough = want.askedOf.size >= MAX_ASKED_AT_ONCE || !this.#hasMemoryFor(want)
      const other = isAskedEnough ? undefined : this.#choose(want)
      if (other !== undefined) this.#ask(other, want)
    }
  }

  #hasOther(than: Peer, { haves }: Want): boolean {
    for (const peer of haves.keys()) if (peer !== than) return true
    return false
  }

  /** The network's own nodes do not say that they have not got a block: what was only assumed is given up the sooner. */
  #isInVain(peer: Peer, want: Want, since: Seconds, now: Seconds): boolean {
    if (want.haves.get(peer) !== 'assumed') return now - since >= GIVE_UP_SECONDS && peer.activeAt > since
    return now - since >= GIVE_UP_SECONDS || now - Math.max(since, peer.activeAt) >= ASSUMED_SECONDS
  }

  /** Peers do not tell when they get a block later: what nobody has offered is put to them again, ever more rarely. */
  #refresh(peer: Peer, now: Seconds): void {
    if (now < peer.refreshAt) return
    for (const want of this.#wants.values())
      if (want.haves.size === 0 && want.since < now) peer.outbox.want(want.address, WANT_HAVE, want.key)
    peer.refreshSeconds = Math.min(peer.refreshSeconds * 2, MAX_REFRESH_SECONDS)
    peer.refreshAt = now + peer.refreshSeconds
    peer.bell.ring()
  }
}

/** Whether any of them is not waited for in vain. */
function isAnyAwake(peers: Iterable<Peer>, now: Seconds): boolean {
  for (const { asked, activeAt } of peers) if (asked.size === 0 || now - activeAt < ASSUMED_SECONDS) return true
  return false
}

const TAKEN: HeldBytes = { bytes: new Uint8Array(0), free: () => undefined }

function lied(peer: Peer, expected: string): CodexError {
  return new CodexError('exchange/bad-block', `expected of peer ${peer.id} ${expected}`, { detail: { peer: peer.id } })
}

function misfitting(cid: Cid, expected: string): CodexError {
  return new CodexError(
    'exchange/misfit',
    `block ${cid} is right and not as its manifest says, ${expected}: do not use that manifest`,
    { detail: { cid: String(cid) } },
  )
}

function unsolicited(peer: Peer): CodexError {
  return new CodexError('exchange/unsolicited', `peer ${peer.id} keeps sending blocks that were not asked for`, {
    detail: { peer: peer.id },
  })
}

function silent(peer: Peer): CodexError {
  return new CodexError(
    'exchange/silent-peer',
    `peer ${peer.id} was asked for ${peer.asked.size} blocks and has owed some for ${SILENT_SECONDS} s without delivering one`,
    { detail: { peer: peer.id, asked: peer.asked.size } },
  )
}
