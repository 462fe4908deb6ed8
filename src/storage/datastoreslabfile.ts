// A slab file kept as pages in a Datastore: for tabs whose browser has no file system of its own (OPFS). Slower than a file, same laws.
//
//   's'                 -> size of the file, 8 bytes big-endian
//   'p' + 6 bytes index -> one page of exactly PAGE_BYTES; a page that is not there reads as zeros

import { CodexError } from '../lib/errors.ts'
import { Mutex } from '../lib/mutex.ts'
import { KiB, MiB } from '../lib/units.ts'
import type { Bytes } from '../lib/units.ts'
import type { Change, CommitOptions, Datastore, Key } from './datastore.ts'
import type { SlabFile, SlabPiece, SlabRange } from './slabfile.ts'
import { assertPieces, assertPlace, assertRanges, SlabGate } from './slabgate.ts'

/** As large as a block, so that a block at its natural place is one record. */
export const PAGE_BYTES = 64 * KiB
/** A write that is larger is several commits; as much as the largest group of blocks that travels together. */
export const WRITE_COMMIT_BYTES = 8 * MiB

const PAGES_PER_WRITE_COMMIT = WRITE_COMMIT_BYTES / PAGE_BYTES
/** Records read by one `getMany`, and pages dropped by one commit. */
const PAGES_PER_CALL = 256

const SIZE_KEY: Key = new TextEncoder().encode('s')
const PAGE_MARK = 'p'.charCodeAt(0)

export interface DatastoreSlabFileOptions {
  /**
   * Of the commits this makes. The default, `relaxed`, is enough where index and slab share one database whose log is written in order:
   * the strict commit of the index entry that must follow takes everything before it along, and blocks are hash-checked on read.
   */
  readonly durability?: NonNullable<CommitOptions['durability']>
  /** Lets go of the datastore once the file is closed. Default: whoever opened it closes it. */
  readonly release?: () => Promise<void>
}

/**
 * Every write is committed before it settles, so nothing waits in memory: a write that finds no room fails by itself, where its caller hears of
 * it, and can neither hold up nor take along what others wrote.
 */
export class DatastoreSlabFile implements SlabFile {
  readonly #gate = new SlabGate((error) => CodexError.is(error, 'datastore/full'))
  /** Writes and truncations change pages one after the other; reads do not take it. */
  readonly #turn = new Mutex()
  readonly #store: Datastore
  readonly #options: DatastoreSlabFileOptions
  /** As committed. */
  #size: Bytes

  private constructor(store: Datastore, size: Bytes, options: DatastoreSlabFileOptions) {
    this.#store = store
    this.#options = options
    this.#size = size
  }

  /** @param store all of it belongs to this file: a namespace, or a database of its own */
  static async open(store: Datastore, options: DatastoreSlabFileOptions = {}): Promise<DatastoreSlabFile> {
    try {
      const record = await store.get(SIZE_KEY)
      return new DatastoreSlabFile(store, record === undefined ? 0 : readSize(record), options)
    } catch (cause) {
      if (CodexError.is(cause) && cause.code.startsWith('slab/')) throw cause
      throw new CodexError('slab/failed', 'expected to open the slab in its datastore; see the cause', { cause })
    }
  }

  read(ranges: readonly SlabRange[]): Promise<Uint8Array[]> {
    return this.#gate.run('read', async () => {
      assertRanges(ranges)
      const size = this.#size
      const cut = ranges.map(({ offset, length }) => ({ offset, length: Math.max(0, Math.min(length, size - offset)) }))
      const results = cut.map(({ length }) => new Uint8Array(length))
      const spans = cut.flatMap((range, i) =>
        spansOf(range).map((span) => ({ ...span, into: results[i] as Uint8Array })),
      )
      for (let at = 0; at < spans.length; at += PAGES_PER_CALL) {
        const batch = spans.slice(at, at + PAGES_PER_CALL)
        const pages = await this.#store.getMany(batch.map(({ page }) => pageKey(page)))
        batch.forEach(({ start, length, position, into }, i) => {
          const page = pages[i]
          if (page !== undefined) into.set(page.subarray(start, start + length), position)
        })
      }
      return results
    })
  }

  write(pieces: readonly SlabPiece[]): Promise<void> {
    return this.#gate.run('write', () =>
      this.#turn.run(() => {
        assertPieces(pieces)
        return this.#put(pieces)
      }),
    )
  }

  /** There is nothing left to do: see `durability`. */
  flush(): Promise<void> {
    return this.#gate.run('flush', async () => undefined)
  }

  size(): Promise<Bytes> {
    return this.#gate.run('size', async () => this.#size)
  }

  truncate(size: Bytes): Promise<void> {
    return this.#gate.run('truncate', () =>
      this.#turn.run(async () => {
        assertPlace(size, 0)
        if (size < this.#size) await this.#cut(size)
      }),
    )
  }

  close(): Promise<void> {
    return this.#gate.close(async () => this.#options.release?.())
  }

  async #put(pieces: readonly SlabPiece[]): Promise<void> {
    const pages = new Map<number, Uint8Array>()
    let size = this.#size
    for (const { offset, bytes } of pieces)
      for (const { page, start, length, position } of spansOf({ offset, length: bytes.length })) {
        if (pages.size >= PAGES_PER_WRITE_COMMIT && !pages.has(page)) {
          await this.#commit(pages, size)
          pages.clear()
        }
        const part = bytes.subarray(position, position + length)
        pages.set(
          page,
          length === PAGE_BYTES ? part : patched(pages.get(page) ?? (await this.#page(page)), start, part),
        )
        size = Math.max(size, offset + position + length)
      }
    if (pages.size > 0) await this.#commit(pages, size)
  }

  async #commit(pages: ReadonlyMap<number, Uint8Array>, size: Bytes): Promise<void> {
    const changes: Change[] = [...pages].map(([page, value]) => ({ put: pageKey(page), value }))
    if (size !== this.#size) changes.push({ put: SIZE_KEY, value: sizeRecord(size) })
    await this.#save(changes)
    this.#size = size
  }

  /** From the end in bounded steps, each of which leaves a shorter but whole file. */
  async #cut(size: Bytes): Promise<void> {
    while (this.#size > size) {
      const lastPage = Math.ceil(this.#size / PAGE_BYTES)
      const finalPage = Math.ceil(size / PAGE_BYTES)
      const firstPage = Math.max(finalPage, lastPage - PAGES_PER_CALL)
      const next = firstPage === finalPage ? size : firstPage * PAGE_BYTES
      const drops: Change[] = []
      for (let page = firstPage; page < lastPage; page++) drops.push({ drop: pageKey(page) })
      const puts: Change[] = [{ put: SIZE_KEY, value: sizeRecord(next) }]
      const tail = next % PAGE_BYTES
      if (tail !== 0) {
        // The rest of the last page must read as zeros when the file grows again.
        const index = Math.floor(next / PAGE_BYTES)
        const page = await this.#page(index)
        if (page !== undefined) puts.push({ put: pageKey(index), value: page.fill(0, tail) })
      }
      await this.#saveShorter(drops, puts)
      this.#size = next
    }
  }

  /** A datastore without any room left takes drops when it takes nothing else; the size may be the older one then, over pages of zeros. */
  async #saveShorter(drops: readonly Change[], puts: readonly Change[]): Promise<void> {
    try {
      await this.#save([...drops, ...puts])
    } catch (error) {
      if (!CodexError.is(error, 'datastore/full')) throw error
      await this.#save(drops)
      await this.#save(puts)
    }
  }

  #save(changes: readonly Change[]): Promise<void> {
    return this.#store.commit(changes, { durability: this.#options.durability ?? 'relaxed' })
  }

  #page(index: number): Promise<Uint8Array | undefined> {
    return this.#store.get(pageKey(index))
  }
}

/** A new page: the old one, or zeros, with `part` at `start`. */
function patched(old: Uint8Array | undefined, start: Bytes, part: Uint8Array): Uint8Array {
  const page = new Uint8Array(PAGE_BYTES)
  if (old !== undefined) page.set(old)
  page.set(part, start)
  return page
}

interface Span {
  readonly page: number
  /** Where in the page, and how much. */
  readonly start: Bytes
  readonly length: Bytes
  /** Where in the range. */
  readonly position: Bytes
}

function spansOf({ offset, length }: SlabRange): Span[] {
  const spans: Span[] = []
  for (let position = 0; position < length;) {
    const start = (offset + position) % PAGE_BYTES
    const part = Math.min(PAGE_BYTES - start, length - position)
    spans.push({ page: Math.floor((offset + position) / PAGE_BYTES), start, length: part, position })
    position += part
  }
  return spans
}

/** Indices of pages stay below 2^37, so six bytes keep them in order. */
function pageKey(index: number): Key {
  const key = new Uint8Array(7)
  const view = new DataView(key.buffer)
  key[0] = PAGE_MARK
  view.setUint16(1, Math.floor(index / 2 ** 32))
  view.setUint32(3, index % 2 ** 32)
  return key
}

function sizeRecord(size: Bytes): Uint8Array {
  const record = new Uint8Array(8)
  new DataView(record.buffer).setBigUint64(0, BigInt(size))
  return record
}

function readSize(record: Uint8Array): Bytes {
  const size =
    record.length === 8 ? Number(new DataView(record.buffer, record.byteOffset, 8).getBigUint64(0)) : Number.NaN
  if (Number.isSafeInteger(size)) return size
  throw new CodexError('slab/failed', `expected the slab's size in 8 bytes below 2^53, found ${record.length} bytes`, {
    detail: { length: record.length },
  })
}
