// All that is known of one connected peer: what was asked of it, what it offered, what it wants, how it behaves. State and its bounds; what
// follows from it is decided in requester.ts and responder.ts.

import type { Bytes, Seconds } from '../lib/units.ts'
import { KiB, MiB } from '../lib/units.ts'
import { BLOCK_SIZE } from '../protocol/block.ts'
import { Doorbell } from './doorbell.ts'
import type { Link } from './link.ts'
import type { BlockAddress } from './message.ts'
import { MAX_DELIVERIES, MAX_MESSAGE_BYTES } from './message.ts'
import { Outbox } from './outbox.ts'
import { MAX_WINDOW_BYTES, MIN_WINDOW_BYTES, RateMeter } from './ratemeter.ts'
import { TreeTrust } from './treetrust.ts'

/** Addresses that were asked of a peer and are wanted no more, for as long as their blocks may be on the way. */
export const MAX_LATE_KEYS = 2048
/** Blocks asked of it at once, however small they are: with as many late ones they are no more than a message may have. */
export const MAX_ASKED_BLOCKS = MAX_DELIVERIES / 2
/** At so many strikes a peer goes. A lie is worth all of them at once. */
export const MAX_STRIKES = 5
/** Every so often one strike is forgotten. */
export const STRIKE_SECONDS: Seconds = 30
/** Bytes of a message that carries no block: room for as many wants and presences as it may have. */
const CONTROL_BYTES: Bytes = MiB
/** Blocks of the usual size in one message that were taken back while it was on its way: as many as are asked of one peer. */
const LATE_BLOCKS = MAX_WINDOW_BYTES / BLOCK_SIZE
/** Bytes that come with a block: CID, address, proof. */
const BESIDE_BLOCK_BYTES: Bytes = 8 * KiB

/** A block the peer wants, until it is sent or taken back. */
export interface TheirWant {
  readonly address: BlockAddress
  readonly sendDontHave: boolean
  /** `absent`: looked for and not here, which the peer did not ask to be told; it is sent should it arrive. */
  state: 'ready' | 'sending' | 'absent'
}

export interface Ask {
  /** Of memory that is kept free for it. */
  readonly bytes: Bytes
  /** The block may have no more. */
  readonly maxBytes: Bytes
  readonly since: Seconds
}

export class Peer {
  readonly link: Link
  readonly since: Seconds
  readonly rate = new RateMeter()
  readonly outbox = new Outbox()
  readonly bell = new Doorbell()
  /** Blocks asked of it and not delivered, by address key, oldest first. */
  readonly asked = new Map<string, Ask>()
  /** Wants of ours that it has and that nobody was asked for when it said so, by address key. */
  readonly offers = new Set<string>()
  readonly trust = new TreeTrust()
  /** What it wants of us, by address key, in the order of asking. */
  readonly theirs = new Map<string, TheirWant>()
  /** Sent to it at once; grows while it takes them quickly. */
  batchBlocks = 4
  /** Since when a message of ours is on its way to it; undefined when none is. */
  sendingSince: Seconds | undefined
  /** Of blocks on their way to it. */
  lentBytes: Bytes = 0
  /** Since when it was last sent a block; 0 for never. */
  servedAt: Seconds = 0
  /** Of the last thing it did for us, or of the first that we asked of it after that. */
  activeAt: Seconds
  /** How long it has owed blocks, all in all, since it last delivered one: that what it was asked for was taken back is no delivery. */
  silentSeconds: Seconds = 0
  receivedBytes: Bytes = 0
  #partialBytes: Bytes = 0
  sentBytes: Bytes = 0
  /** When wants that nobody has answered are put to it again, and how long after that the next time. */
  refreshAt: Seconds
  refreshSeconds: Seconds = 1
  readonly #leaving = new AbortController()
  readonly #late = new Set<string>()
  #askedBytes: Bytes = 0
  #askedMaxBytes: Bytes = 0
  #strikes = 0
  #struckAt: Seconds

  constructor(link: Link, now: Seconds) {
    this.link = link
    this.since = now
    this.activeAt = now
    this.refreshAt = now + 1
    this.#struckAt = now
  }

  get id(): string {
    return this.link.peerId
  }

  /** Aborts when it has gone or was thrown out: nothing that it said before counts any more. */
  get leaving(): AbortSignal {
    return this.#leaving.signal
  }

  get hasGone(): boolean {
    return this.#leaving.signal.aborted
  }

  leave(reason: Error): void {
    this.#leaving.abort(reason)
  }

  /** Of memory that is kept free for what it was asked for. */
  get askedBytes(): Bytes {
    return this.#askedBytes
  }

  /** Whether it has ever delivered anything. Names cost nothing: who has not may be one of many that never will. */
  get isProven(): boolean {
    return this.receivedBytes > 0
  }

  hasRoomFor(bytes: Bytes): boolean {
    if (this.asked.size >= MAX_ASKED_BLOCKS) return false
    // Who has delivered nothing yet may never do so: little is lost with it then, and one block is enough to show that it does.
    const windowBytes = this.isProven ? this.rate.windowBytes : MIN_WINDOW_BYTES
    return this.#askedBytes === 0 || this.#askedBytes + bytes <= windowBytes
  }

  /** What answers an earlier asking may still come beside what answers this one: who is told don't-have and have in turn asks twice. */
  ask(key: string, { bytes, maxBytes }: Pick<Ask, 'bytes' | 'maxBytes'>, now: Seconds): void {
    if (this.asked.size === 0) this.activeAt = now
    this.asked.set(key, { bytes, maxBytes, since: now })
    this.#askedBytes += bytes
    this.#askedMaxBytes += maxBytes
  }

  /** @returns what was asked, if it was */
  unask(key: string): Ask | undefined {
    const ask = this.asked.get(key)
    this.#askedBytes -= ask?.bytes ?? 0
    this.#askedMaxBytes -= ask?.maxBytes ?? 0
    this.asked.delete(key)
    return ask
  }

  /** Neither of us could do anything for so long: what is under way on either side has taken that much less. */
  spare(seconds: Seconds, now: Seconds): void {
    if (this.sendingSince !== undefined) this.sendingSince = Math.min(this.sendingSince + seconds, now)
    this.link.spare?.(seconds)
  }

  /** A block of this address may still come, and is no offence. */
  expectLate(key: string): void {
    this.#late.delete(key)
    this.#late.add(key)
    const [oldest] = this.#late
    if (this.#late.size > MAX_LATE_KEYS && oldest !== undefined) this.#late.delete(oldest)
  }

  /** Whether more of an unfinished message came since this was asked last: a slow peer says nothing until it is whole. */
  isComing(): boolean {
    const before = this.#partialBytes
    this.#partialBytes = this.link.partialBytes ?? 0
    return this.#partialBytes > before
  }

  /** Once per address. */
  takeLate(key: string): boolean {
    return this.#late.delete(key)
  }

  /** The longest message it has reason to send now. */
  maxMessageBytes(): Bytes {
    const late = Math.min(this.#late.size, LATE_BLOCKS) * (BLOCK_SIZE + BESIDE_BLOCK_BYTES)
    // What was asked for may be larger than whoever wants it was told: that is no fault of the peer's.
    const askedBytes = Math.max(this.#askedMaxBytes, this.asked.size * BLOCK_SIZE)
    return Math.min(CONTROL_BYTES + askedBytes + this.asked.size * BESIDE_BLOCK_BYTES + late, MAX_MESSAGE_BYTES)
  }

  /** @returns whether that was one too many */
  strike(now: Seconds): boolean {
    this.#strikes = Math.max(0, this.#strikes - Math.floor((now - this.#struckAt) / STRIKE_SECONDS))
    this.#struckAt = now
    return ++this.#strikes >= MAX_STRIKES
  }
}
