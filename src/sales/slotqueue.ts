// The slots that wait to be looked at, best first, never more than so many. Workers take them (slotqueueworkers.ts); what becomes of one is
// theirs to say. Every verb is synchronous and bounded, so that no flood of requests holds up the main thread.

import type { AbortOptions } from '../lib/abort.ts'
import { Bell } from '../lib/bell.ts'
import { CodexError, assert } from '../lib/errors.ts'
import type { RandomSource } from '../lib/random.ts'
import type { Seconds } from '../lib/units.ts'
import type { RequestId } from '../protocol/request.ts'
import { SlotMap, type SlotName } from './slotmap.ts'
import { someIndices } from './someindices.ts'
import { type RequestOffer, type SlotQueueItem, compareItems, slotQueueItem, slotsOf } from './slotqueueitem.ts'

export const DEFAULT_QUEUE_SIZE = 128
/** Insertion moves what stands behind it: beyond this that takes microseconds. */
export const MAX_QUEUE_SIZE = 8192
/** Of a full queue, what one client may fill before its own are the ones to go. */
const CLIENT_SHARE = 1 / 4

export interface SlotQueueSettings {
  readonly size?: number | undefined
  /** How many items may be worked on at once, for fairness between clients. */
  readonly workers?: number | undefined
}

/** `evicted`: what had to go for it. `no room`: it was itself the one to go. */
export type PushOutcome =
  | { readonly is: 'queued'; readonly evicted?: SlotQueueItem | undefined }
  | { readonly is: 'duplicate' }
  | { readonly is: 'no room' }

export interface OfferOutcome {
  readonly queued: number
  readonly duplicates: number
  /** Slots of the request that found no room. */
  readonly noRoom: number
  readonly evicted: readonly SlotQueueItem[]
}

interface Entry {
  item: SlotQueueItem
  /** Nothing of ours matched it: it waits for a change of terms. */
  seen: boolean
  /** Of its push: the earlier goes first among equals. */
  readonly order: number
  group: Group
}

/** What one client has here, or one request where the client is not known. */
interface Group {
  readonly name: string
  queued: number
  worked: number
}

/** What is known of an item between {@link SlotQueue.take} and {@link SlotQueue.finish}. */
interface Work {
  group: Group
  /** Known since it was taken. */
  client: string | undefined
  /** Of {@link SlotQueue.wake}, when it was taken. */
  readonly wakes: number
  isRemoved: boolean
  /** Pushed again meanwhile. */
  again: SlotQueueItem | undefined
}

const DUPLICATE: PushOutcome = { is: 'duplicate' }
const NO_ROOM: PushOutcome = { is: 'no room' }
const QUEUED: PushOutcome = { is: 'queued' }

export class SlotQueue {
  readonly capacity: number
  readonly #random: Pick<RandomSource, 'fraction'>
  readonly #groupLimit: number
  readonly #groupWorkers: number
  /** Worst first, so that the best is taken from the end; the seen ones are the worst. */
  readonly #line: Entry[] = []
  readonly #entries = new SlotMap<Entry>()
  readonly #work = new SlotMap<Work>()
  readonly #groups = new Map<string, Group>()
  readonly #waiting = new Set<(item: SlotQueueItem) => void>()
  readonly #emptied = new Bell()
  /** Groups that have more than their share. */
  #greedy = 0
  #unseen = 0
  #pushes = 0
  #wakes = 0
  #isSuspended = false

  /** @throws CodexError `slotqueue/bad-setting` */
  constructor(
    random: Pick<RandomSource, 'fraction'>,
    { size = DEFAULT_QUEUE_SIZE, workers = 1 }: SlotQueueSettings = {},
  ) {
    if (!Number.isSafeInteger(size) || size < 1 || size > MAX_QUEUE_SIZE) throw badSetting('size', MAX_QUEUE_SIZE, size)
    if (!Number.isSafeInteger(workers) || workers < 1 || workers > size) throw badSetting('workers', size, workers)
    this.#random = random
    this.capacity = size
    this.#groupLimit = Math.max(1, Math.floor(size * CLIENT_SHARE))
    this.#groupWorkers = Math.max(1, workers - 1)
  }

  get size(): number {
    return this.#line.length
  }

  /** Nothing is to be looked at: the queue is empty, or nothing matched what is in it. */
  get isPaused(): boolean {
    return this.#unseen === 0
  }

  /** Yields whenever the last item that was to be looked at has been taken or removed. Rejects with the signal's reason. */
  listen(options: AbortOptions): AsyncGenerator<void, never> {
    return this.#emptied.listen(options)
  }

  /** The items, best first. */
  items(): (SlotQueueItem & { readonly seen: boolean })[] {
    return this.#line.map(({ item, seen }) => ({ ...item, seen })).reverse()
  }

  has(requestId: RequestId, slotIndex: number): boolean {
    return this.#entries.get({ requestId, slotIndex }) !== undefined
  }

  /**
   * Puts an item where it belongs. One that is here already is left as it is; one that is being worked on comes back when that has ended. Over
   * capacity the worst goes: of the clients that have more than their share, or of all where nobody has.
   */
  push(item: SlotQueueItem, { seen = false }: { readonly seen?: boolean } = {}): PushOutcome {
    const work = this.#work.get(item)
    if (work !== undefined) {
      work.again = item
      return DUPLICATE
    }
    if (this.#entries.get(item) !== undefined) return DUPLICATE
    const entry = { item, seen, order: this.#pushes++, group: this.#groupOf(item) }
    this.#insert(entry)
    const evicted = this.#line.length > this.capacity ? this.#evict() : undefined
    this.#handOut()
    if (evicted === undefined) return QUEUED
    return evicted === entry ? NO_ROOM : { is: 'queued', evicted: evicted.item }
  }

  /**
   * Pushes the slots of a request, shuffled, so that hosts do not all begin with the same one. Of more slots than the queue holds, that many
   * are drawn: they are all alike. @throws CodexError `slotqueue/slots-out-of-range`
   */
  offer(request: RequestOffer, options: { readonly seen?: boolean } = {}): OfferOutcome {
    const slots = slotsOf(request)
    const drawn = someIndices(slots, this.capacity, this.#random)
    const evicted: SlotQueueItem[] = []
    let queued = 0
    let duplicates = 0
    for (const slotIndex of drawn) {
      const outcome = this.push(slotQueueItem(request, slotIndex), options)
      if (outcome.is === 'duplicate') duplicates++
      if (outcome.is === 'queued') queued++
      if (outcome.is === 'queued' && outcome.evicted !== undefined) evicted.push(outcome.evicted)
    }
    return { queued, duplicates, noRoom: slots - queued - duplicates, evicted }
  }

  /** Requests that wait and whose client is not known, the best first. */
  nameless(): RequestId[] {
    const ids = new Set<RequestId>()
    for (let at = this.#line.length - 1; at >= 0; at--) {
      const { item } = this.#at(at)
      if (item.client === undefined) ids.add(item.requestId)
    }
    return [...ids]
  }

  /** Who asks for it: from now on its slots share with all others of that client. Events do not tell it. */
  knowClient(requestId: RequestId, client: string): void {
    for (const entry of this.#entries.of(requestId)) {
      this.#leave(entry.group)
      entry.item = { ...entry.item, client }
      entry.group = this.#groupOf(entry.item)
      this.#join(entry.group)
    }
    for (const work of this.#work.of(requestId)) {
      work.group.worked--
      this.#forget(work.group)
      work.client = client
      work.group = this.#groupOf({ requestId, client })
      work.group.worked++
    }
  }

  /** Takes one slot out, or all of a request; what is being worked on does not come back. @returns how many were waiting */
  remove(requestId: RequestId, slotIndex?: number): number {
    for (const work of this.#work.of(requestId, slotIndex)) {
      work.isRemoved = true
      work.again = undefined
    }
    const removed = this.#entries.of(requestId, slotIndex)
    for (const entry of removed) this.#takeOut(entry)
    return removed.length
  }

  /** Takes out what nobody can fill any more. @returns those */
  removeExpired(now: Seconds): SlotQueueItem[] {
    const expired = this.#line.filter(({ item }) => item.expiry < now)
    for (const entry of expired) this.#takeOut(entry)
    return expired.map(({ item }) => item)
  }

  /** Something may match now that did not: everything is to be looked at again, what is being worked on included. */
  wake(): void {
    this.#wakes++
    if (this.#unseen === this.#line.length) return
    for (const entry of this.#line) entry.seen = false
    this.#unseen = this.#line.length
    this.#line.sort((a, b) => compareEntries(b, a))
    this.#handOut()
  }

  /** This one is to be looked at again; a no-op where it does not wait here. */
  wakeOne(slot: SlotName): void {
    const entry = this.#entries.get(slot)
    if (entry?.seen !== true) return
    this.#takeOut(entry)
    entry.seen = false
    entry.group = this.#groupOf(entry.item)
    this.#insert(entry)
    this.#handOut()
  }

  /** Hands out nothing more until {@link SlotQueue.resume}; it still fills. */
  suspend(): void {
    this.#isSuspended = true
  }

  resume(): void {
    this.#isSuspended = false
    this.#handOut()
  }

  /**
   * The best item that is not seen, as soon as there is one; between clients, one that has all workers but one lets others go first. Whoever
   * takes it must say {@link SlotQueue.finish}. Rejects with `signal.reason`.
   */
  take({ signal }: AbortOptions): Promise<SlotQueueItem> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted()
      const hand = (item: SlotQueueItem): void => {
        signal.removeEventListener('abort', leave)
        resolve(item)
      }
      const leave = (): void => {
        this.#waiting.delete(hand)
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', leave, { once: true })
      this.#waiting.add(hand)
      this.#handOut()
    })
  }

  /** As {@link SlotQueue.take}, without waiting: undefined when there is none. */
  tryTake(): SlotQueueItem | undefined {
    if (this.#unseen === 0 || this.#isSuspended) return undefined
    const entry = this.#next()
    const { item, group } = entry
    group.worked++
    this.#takeOut(entry)
    this.#work.set(item, { group, client: item.client, wakes: this.#wakes, isRemoved: false, again: undefined })
    return item
  }

  /**
   * The item was decided. @param again nothing of ours matched: it goes back, seen, unless terms have changed meanwhile. One that was pushed
   * again meanwhile goes back unseen; one that was removed does not.
   */
  finish(item: SlotQueueItem, again: boolean): PushOutcome | undefined {
    const work = this.#work.get(item)
    assert(work !== undefined, 'only what was taken is finished, and once')
    this.#work.delete(item)
    work.group.worked--
    this.#forget(work.group)
    const { client } = work
    if (work.again !== undefined) return this.push({ ...work.again, client: client ?? work.again.client })
    if (!again || work.isRemoved) return undefined
    return this.push({ ...item, client }, { seen: work.wakes === this.#wakes })
  }

  #handOut(): void {
    for (const hand of this.#waiting) {
      const item = this.tryTake()
      if (item === undefined) return
      this.#waiting.delete(hand)
      hand(item)
    }
  }

  /** The best unseen one of a client that leaves workers to others; the best of all where there is none. */
  #next(): Entry {
    const end = this.#line.length
    for (let at = end - 1; at >= end - this.#unseen; at--) {
      const entry = this.#at(at)
      if (entry.group.worked < this.#groupWorkers) return entry
    }
    return this.#at(end - 1)
  }

  #evict(): Entry {
    let at = 0
    if (this.#greedy > 0) while (this.#at(at).group.queued <= this.#groupLimit) at++
    const worst = this.#at(at)
    this.#takeOut(worst, at)
    return worst
  }

  #insert(entry: Entry): void {
    this.#line.splice(this.#placeOf(entry), 0, entry)
    this.#entries.set(entry.item, entry)
    this.#join(entry.group)
    if (!entry.seen) this.#unseen++
  }

  #takeOut(entry: Entry, at: number = this.#placeOf(entry)): void {
    assert(this.#line[at] === entry, 'the line is in order')
    // The best is taken most of the time, and a cut from the middle makes a list of what it cut.
    if (at === this.#line.length - 1) this.#line.pop()
    else if (at === 0) this.#line.shift()
    else this.#line.splice(at, 1)
    this.#entries.delete(entry.item)
    this.#leave(entry.group)
    if (!entry.seen && --this.#unseen === 0) this.#emptied.ring()
  }

  #join(group: Group): void {
    if (group.queued++ === this.#groupLimit) this.#greedy++
  }

  #leave(group: Group): void {
    if (--group.queued === this.#groupLimit) this.#greedy--
    this.#forget(group)
  }

  #groupOf({ client, requestId }: Pick<SlotQueueItem, 'client' | 'requestId'>): Group {
    const name = client ?? requestId
    const known = this.#groups.get(name)
    if (known !== undefined) return known
    const group = { name, queued: 0, worked: 0 }
    this.#groups.set(name, group)
    return group
  }

  #forget({ name, queued, worked }: Group): void {
    if (queued + worked === 0) this.#groups.delete(name)
  }

  /** Where it stands, or would. */
  #placeOf(entry: Entry): number {
    let low = 0
    let high = this.#line.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareEntries(this.#at(middle), entry) > 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #at(index: number): Entry {
    return this.#line[index] as Entry
  }
}

/** Negative when `a` goes first. Never zero for two entries. */
function compareEntries(a: Entry, b: Entry): number {
  if (a.seen !== b.seen) return a.seen ? 1 : -1
  return compareItems(a.item, b.item) || a.order - b.order
}

function badSetting(what: string, limit: number, found: number): CodexError<'slotqueue/bad-setting'> {
  return new CodexError('slotqueue/bad-setting', `the queue's ${what} must be from 1 to ${limit}, found ${found}`, {
    detail: { what, limit, found },
  })
}
