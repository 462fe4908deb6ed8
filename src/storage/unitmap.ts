// Which units of the slab are taken: a bitmap kept in memory and, page by page, in the Datastore, so that opening a large store scans nothing.
// It decides where bytes may go; what they are is the block records' business.

import { assert } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'
import { KiB } from '../lib/units.ts'
import type { Change, Datastore } from './datastore.ts'
import { indexKey, joinKey, textKey } from './storagekey.ts'
import { corruptedRecord, openRecord, sealRecord } from './sealedrecord.ts'

/** The slab is cut into units of this size: one block of the network's size each. */
export const UNIT_BYTES: Bytes = 64 * KiB

const PAGE_BYTES = 4 * KiB
const UNITS_PER_PAGE = PAGE_BYTES * 8
/** 2^32 units are 256 TiB: what a block record can name. */
const MAX_PAGES = 2 ** 32 / UNITS_PER_PAGE

/** `repo/units/<page>` */
export const UNITS_PREFIX = textKey('repo/units/')

/**
 * Two levels of taken: *committed* units are named by a committed record; *pending* ones were handed out by {@link UnitMap.allocate} and
 * are being written. A freed unit is handed out again only after the commit that freed it, so a crash never finds a live record over
 * foreign bytes.
 */
export class UnitMap {
  #pages: Uint8Array[]
  readonly #pending = new Set<number>()
  /** No free unit lies below it. */
  #lowest = 0

  private constructor(pages: Uint8Array[]) {
    this.#pages = pages
  }

  static async load(datastore: Datastore, signal: AbortSignal): Promise<UnitMap> {
    return new UnitMap(await readPages(datastore, signal))
  }

  /** Forgets what memory holds as committed and reads it again; pending units stay pending. */
  async reload(datastore: Datastore, signal: AbortSignal): Promise<void> {
    this.#pages = await readPages(datastore, signal)
    this.#lowest = 0
  }

  /** The `count` lowest free units, ascending; the caller ends with {@link settle} or {@link giveBack}. */
  allocate(count: number): number[] {
    const units: number[] = []
    for (let unit = this.#lowest; units.length < count; unit++) {
      assert(unit < MAX_PAGES * UNITS_PER_PAGE, 'the slab never outgrows its unit numbers')
      if (!this.isCommitted(unit) && !this.#pending.has(unit)) {
        units.push(unit)
        this.#pending.add(unit)
      }
      this.#lowest = unit + 1
    }
    return units
  }

  /** Allocated units that will not be used after all. */
  giveBack(units: Iterable<number>): void {
    for (const unit of units) {
      this.#pending.delete(unit)
      this.#lowest = Math.min(this.#lowest, unit)
    }
  }

  /** The records to commit together with the block records that take and free these units. */
  changes(taken: readonly number[], freed: readonly number[]): Change[] {
    const pages = new ChangedPages((number) => this.#pages[number])
    for (const unit of taken) pages.set(unit, true)
    for (const unit of freed) pages.set(unit, false)
    return pages.changes()
  }

  /** After that commit: what it took is committed, what it freed may be handed out again. */
  settle(taken: readonly number[], freed: readonly number[]): void {
    for (const unit of taken) {
      setBit(this.#page(unit), unit, true)
      this.#pending.delete(unit)
    }
    for (const unit of freed) {
      setBit(this.#page(unit), unit, false)
      this.#lowest = Math.min(this.#lowest, unit)
    }
  }

  isCommitted(unit: number): boolean {
    const page = this.#pages[Math.floor(unit / UNITS_PER_PAGE)]
    if (page === undefined) return false
    const bit = unit % UNITS_PER_PAGE
    return ((page[bit >> 3] as number) & (1 << (bit & 7))) !== 0
  }

  /** Units in use, pending ones included, end below this: the slab may be cut there. */
  end(): number {
    let end = 0
    for (const unit of this.#pending) end = Math.max(end, unit + 1)
    for (let number = this.#pages.length - 1; number >= 0; number--) {
      const page = this.#pages[number] as Uint8Array
      const byte = page.findLastIndex((bits) => bits !== 0)
      if (byte >= 0) return Math.max(end, number * UNITS_PER_PAGE + byte * 8 + 32 - Math.clz32(page[byte] as number))
    }
    return end
  }

  /** How many units are committed. */
  committedCount(): number {
    let count = 0
    for (const page of this.#pages) for (let bits of page) for (; bits !== 0; bits &= bits - 1) count++
    return count
  }

  #page(unit: number): Uint8Array {
    const number = Math.floor(unit / UNITS_PER_PAGE)
    while (this.#pages.length <= number) this.#pages.push(new Uint8Array(PAGE_BYTES))
    return this.#pages[number] as Uint8Array
  }
}

function setBit(page: Uint8Array, unit: number, value: boolean): void {
  const bit = unit % UNITS_PER_PAGE
  const mask = 1 << (bit & 7)
  page[bit >> 3] = value ? (page[bit >> 3] as number) | mask : (page[bit >> 3] as number) & ~mask
}

/** Reads every page: one small record for each 2 GiB of slab. */
async function readPages(datastore: Datastore, signal: AbortSignal): Promise<Uint8Array[]> {
  const pages: Uint8Array[] = []
  for await (const [key, record] of datastore.entries(UNITS_PREFIX, { signal })) {
    const page = openRecord(key, record)
    const number = Number(new DataView(key.buffer, key.byteOffset + UNITS_PREFIX.length).getBigUint64(0))
    if (page.length !== PAGE_BYTES || number >= MAX_PAGES)
      throw corruptedRecord(key, 'a page of the unit map has the wrong shape')
    while (pages.length < number) pages.push(new Uint8Array(PAGE_BYTES))
    pages.push(page.slice())
  }
  return pages
}

/** The records of a map in which just these units are taken. */
export function unitPages(taken: Iterable<number>): Change[] {
  const pages = new ChangedPages(() => undefined)
  for (const unit of taken) pages.set(unit, true)
  return pages.changes()
}

/** Copies of pages with some bits changed. */
class ChangedPages {
  readonly #pages = new Map<number, Uint8Array>()
  readonly #before: (number: number) => Uint8Array | undefined

  constructor(before: (number: number) => Uint8Array | undefined) {
    this.#before = before
  }

  set(unit: number, value: boolean): void {
    const number = Math.floor(unit / UNITS_PER_PAGE)
    const page = this.#pages.get(number) ?? this.#before(number)?.slice() ?? new Uint8Array(PAGE_BYTES)
    this.#pages.set(number, page)
    setBit(page, unit, value)
  }

  changes(): Change[] {
    return Array.from(this.#pages, ([number, page]) => ({
      put: joinKey(UNITS_PREFIX, indexKey(number)),
      value: sealRecord(page),
    }))
  }
}
