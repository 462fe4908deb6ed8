// Leaves of a tree, a page of them in one record: which block stands at which index. Pages and their codec only; rules live with the operations.

import { assert } from '../lib/errors.ts'
import type { Cid } from '../protocol/cid.ts'
import { DIGEST_BYTES, makeCid } from '../protocol/cid.ts'
import { CODEX_BLOCK, CODEX_SLOT_CELL, POSEIDON2_MERKLE_2KB, SHA2_256 } from '../protocol/multicodec.ts'
import type { Change, Datastore, Key } from './datastore.ts'
import { corruptedRecord, openRecord, sealRecord } from './sealedrecord.ts'
import { indexKey, joinKey, textKey } from './storagekey.ts'

/** As many as a group of an upload has blocks, so that a group writes one page. */
export const LEAVES_PER_PAGE = 128

/** `repo/leaves/<tree id><page>` */
export const LEAVES_PREFIX: Key = textKey('repo/leaves/')

/** What may stand at a leaf; position in this list + 1 is the byte in the record, 0 is no leaf. */
const KINDS = [
  { codec: CODEX_BLOCK, hashCode: SHA2_256 },
  { codec: CODEX_SLOT_CELL, hashCode: POSEIDON2_MERKLE_2KB },
] as const

/** 128 kind bytes, then 128 digests. */
const PAGE_BYTES = LEAVES_PER_PAGE * (1 + DIGEST_BYTES)

export function leavesKey(treeId: number): Key {
  return joinKey(LEAVES_PREFIX, indexKey(treeId))
}

export class LeafPage {
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array = new Uint8Array(PAGE_BYTES)) {
    this.#bytes = bytes
  }

  /** @throws CodexError `store/corrupted-record` */
  static decode(key: Key, sealed: Uint8Array): LeafPage {
    const bytes = openRecord(key, sealed)
    if (bytes.length !== PAGE_BYTES || bytes.subarray(0, LEAVES_PER_PAGE).some((kind) => kind > KINDS.length))
      throw corruptedRecord(key, 'a page of leaves has the wrong shape')
    return new LeafPage(bytes.slice())
  }

  encode(): Uint8Array {
    return sealRecord(this.#bytes)
  }

  get(place: number): Cid | undefined {
    const kind = KINDS[(this.#bytes[place] as number) - 1]
    if (kind === undefined) return undefined
    const at = LEAVES_PER_PAGE + place * DIGEST_BYTES
    return makeCid(kind.codec, kind.hashCode, this.#bytes.slice(at, at + DIGEST_BYTES))
  }

  has(place: number): boolean {
    return this.#bytes[place] !== 0
  }

  digest(place: number): Uint8Array | undefined {
    if (!this.has(place)) return undefined
    const at = LEAVES_PER_PAGE + place * DIGEST_BYTES
    return this.#bytes.slice(at, at + DIGEST_BYTES)
  }

  set(place: number, cid: Cid): void {
    const kind = KINDS.findIndex(({ codec, hashCode }) => codec === cid.codec && hashCode === cid.hashCode) + 1
    assert(kind > 0, 'a leaf names a data block or a slot cell')
    this.#bytes[place] = kind
    this.#bytes.set(cid.digest, LEAVES_PER_PAGE + place * DIGEST_BYTES)
  }

  clear(place: number): void {
    this.#bytes[place] = 0
    this.#bytes.fill(0, LEAVES_PER_PAGE + place * DIGEST_BYTES, LEAVES_PER_PAGE + (place + 1) * DIGEST_BYTES)
  }

  get isEmpty(): boolean {
    return this.#bytes.subarray(0, LEAVES_PER_PAGE).every((kind) => kind === 0)
  }

  /** How many leaves are there. */
  count(): number {
    return this.#bytes.subarray(0, LEAVES_PER_PAGE).reduce((count, kind) => count + Math.sign(kind), 0)
  }

  /** The leaves that are there, in order. */
  cids(): Cid[] {
    return Array.from({ length: LEAVES_PER_PAGE }, (_, place) => this.get(place)).filter((cid) => cid !== undefined)
  }
}

/** The pages that hold some leaves of one tree, read at once, changed in memory, and given back as changes to commit. */
export class LeafPages {
  readonly #treeId: number
  readonly #pages: ReadonlyMap<number, LeafPage>
  readonly #changed = new Set<number>()

  private constructor(treeId: number, pages: ReadonlyMap<number, LeafPage>) {
    this.#treeId = treeId
    this.#pages = pages
  }

  /** @throws CodexError `store/corrupted-record` */
  static async read(datastore: Datastore, treeId: number, indices: readonly number[]): Promise<LeafPages> {
    const numbers = [...new Set(indices.map((index) => Math.floor(index / LEAVES_PER_PAGE)))]
    const keys = numbers.map((number) => pageKey(treeId, number))
    const sealed = await datastore.getMany(keys)
    const pages = new Map(
      sealed.map((record, i) => [
        numbers[i] as number,
        record === undefined ? new LeafPage() : LeafPage.decode(keys[i] as Key, record),
      ]),
    )
    return new LeafPages(treeId, pages)
  }

  get(index: number): Cid | undefined {
    return this.#page(index).get(index % LEAVES_PER_PAGE)
  }

  /** Cheaper than to make its CID. */
  has(index: number): boolean {
    return this.#page(index).has(index % LEAVES_PER_PAGE)
  }

  /** A copy; undefined where there is no leaf. */
  digest(index: number): Uint8Array | undefined {
    return this.#page(index).digest(index % LEAVES_PER_PAGE)
  }

  /** @returns false, and changes nothing, where a leaf is already */
  add(index: number, cid: Cid): boolean {
    if (this.has(index)) return false
    this.#page(index).set(index % LEAVES_PER_PAGE, cid)
    this.#changed.add(Math.floor(index / LEAVES_PER_PAGE))
    return true
  }

  /** @returns what stood there */
  remove(index: number): Cid | undefined {
    const cid = this.get(index)
    if (cid === undefined) return undefined
    this.#page(index).clear(index % LEAVES_PER_PAGE)
    this.#changed.add(Math.floor(index / LEAVES_PER_PAGE))
    return cid
  }

  changes(): Change[] {
    return [...this.#changed].map((number) => {
      const page = this.#pages.get(number) as LeafPage
      const key = pageKey(this.#treeId, number)
      return page.isEmpty ? { drop: key } : { put: key, value: page.encode() }
    })
  }

  #page(index: number): LeafPage {
    const page = this.#pages.get(Math.floor(index / LEAVES_PER_PAGE))
    assert(page !== undefined, 'only leaves of the pages that were read are asked for')
    return page
  }
}

/** Records of all leaves of a tree, in order. A generator, because a large tree has too many for one commit. */
export function* leafChanges(
  treeId: number,
  leafCount: number,
  leafAt: (index: number) => Cid,
): Generator<Change, void> {
  for (let first = 0; first < leafCount; first += LEAVES_PER_PAGE) {
    const page = new LeafPage()
    for (let place = 0; place < Math.min(LEAVES_PER_PAGE, leafCount - first); place++)
      page.set(place, leafAt(first + place))
    yield { put: pageKey(treeId, first / LEAVES_PER_PAGE), value: page.encode() }
  }
}

/** Of one page of leaves. */
export function pageKey(treeId: number, number: number): Key {
  return joinKey(LEAVES_PREFIX, indexKey(treeId), indexKey(number))
}
