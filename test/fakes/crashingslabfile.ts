// A slab file whose crashes lose, tear and reorder what was not flushed, as a power cut does to a real one; kill -9 alone never shows that.

import { assert, CodexError } from '../../src/lib/errors.ts'
import type { Bytes } from '../../src/lib/units.ts'
import type { SlabFile, SlabPiece, SlabRange } from '../../src/storage/slabfile.ts'
import { MemorySlabFile } from '../../src/storage/memoryslabfile.ts'
import { assertPieces, assertPlace, SlabGate } from '../../src/storage/slabgate.ts'

/** Evenly spread over [0, 1). */
export type Random = () => number

/** What a disk writes whole or not at all. */
export const SECTOR_BYTES = 512

interface Act {
  readonly what: { readonly offset: Bytes; readonly bytes: Uint8Array } | { readonly truncateTo: Bytes }
  /** Whether its call has settled: only such acts does a flush make durable. */
  isSettled: boolean
}

/** Content lives in a {@link MemorySlabFile}; beside it stand the durable bytes and the acts that are not flushed yet, oldest first. */
export class CrashingSlabFile implements SlabFile {
  readonly #gate = new SlabGate(() => false)
  readonly #live: MemorySlabFile
  #durable: MemorySlabFile
  #unsynced: Act[] = []
  #hasCrashed = false
  #calls = 0
  #failures = new Map<number, Error>()

  /** @param content what is in it already, durable */
  constructor(content: Uint8Array = new Uint8Array(0)) {
    this.#live = new MemorySlabFile(content)
    this.#durable = new MemorySlabFile(content)
  }

  /** How many calls of read, write, flush, size and truncate there were: a dry run tells how many there are to fail. */
  get calls(): number {
    return this.#calls
  }

  /** Makes the `n`-th call from now fail (1 is the next one) with `error`. A failing write leaves half of its bytes, unflushed. */
  failAt(n: number, error: Error = new CodexError('slab/full', 'no room, as the test asked for')): void {
    assert(n >= 1, `calls are counted from 1, found ${n}`)
    this.#failures.set(this.#calls + n, error)
  }

  /**
   * The power goes: this object is dead (its calls reject with `slab/failed`), and the file that is returned holds what survived. Each
   * unflushed write is kept, lost or torn, each on its own and in any order; a file grown by a lost write may have kept its new size.
   */
  crash(random: Random): CrashingSlabFile {
    this.#hasCrashed = true
    const disk = new Disk(this.#durable.bytes())
    for (const act of shuffled(this.#unsynced, random)) {
      if ('truncateTo' in act.what) {
        if (random() < 0.5) disk.truncate(act.what.truncateTo)
      } else for (const part of survivors(act.what, random)) disk.write(part)
    }
    const liveSize = this.#live.bytes().length
    if (random() < 0.25) disk.extend(liveSize)
    return new CrashingSlabFile(disk.bytes)
  }

  /** A clean restart: a new object on everything written so far. What was not flushed is still at risk. */
  reopen(): CrashingSlabFile {
    const file = new CrashingSlabFile(this.#live.bytes())
    file.#durable = new MemorySlabFile(this.#durable.bytes())
    file.#unsynced = this.#unsynced.map((act) => ({ ...act, isSettled: true }))
    return file
  }

  read(ranges: readonly SlabRange[]): Promise<Uint8Array[]> {
    return this.#gate.run('read', async () => {
      this.#count()
      return this.#live.read(ranges)
    })
  }

  write(pieces: readonly SlabPiece[]): Promise<void> {
    return this.#gate.run('write', async () => {
      assertPieces(pieces)
      try {
        this.#count()
      } catch (error) {
        const torn = pieces.map(({ offset, bytes }) => ({ offset, bytes: bytes.subarray(0, bytes.length >> 1) }))
        if (!this.#hasCrashed) await this.#keep(torn)
        throw error
      }
      await this.#keep(pieces)
    })
  }

  flush(): Promise<void> {
    return this.#gate.run('flush', async () => {
      this.#count()
      const settled = this.#unsynced.filter((act) => act.isSettled)
      // Taken now, durable once the call settles: a crash in between finds them unflushed.
      await Promise.resolve()
      this.#refuseAfterCrash()
      for (const { what } of settled) {
        if ('truncateTo' in what) await this.#durable.truncate(what.truncateTo)
        else await this.#durable.write([what])
      }
      this.#refuseAfterCrash()
      this.#unsynced = this.#unsynced.filter((act) => !settled.includes(act))
    })
  }

  size(): Promise<Bytes> {
    return this.#gate.run('size', async () => {
      this.#count()
      return this.#live.size()
    })
  }

  truncate(size: Bytes): Promise<void> {
    return this.#gate.run('truncate', async () => {
      assertPlace(size, 0)
      this.#count()
      if (size >= (await this.#live.size())) return
      await this.#perform({ what: { truncateTo: size }, isSettled: false }, () => this.#live.truncate(size))
    })
  }

  close(): Promise<void> {
    return this.#gate.close(async () => undefined)
  }

  #count(): void {
    this.#refuseAfterCrash()
    this.#calls++
    const failure = this.#failures.get(this.#calls)
    this.#failures.delete(this.#calls)
    if (failure !== undefined) throw failure
  }

  #refuseAfterCrash(): void {
    if (this.#hasCrashed) throw new CodexError('slab/failed', 'the machine this file was on has crashed')
  }

  async #keep(pieces: readonly SlabPiece[]): Promise<void> {
    const acts = pieces.map(({ offset, bytes }): Act => ({ what: { offset, bytes: bytes.slice() }, isSettled: false }))
    await Promise.all(acts.map((act, i) => this.#perform(act, () => this.#live.write(pieces.slice(i, i + 1)))))
  }

  async #perform(act: Act, live: () => Promise<void>): Promise<void> {
    const done = live()
    this.#unsynced.push(act)
    try {
      await done
      act.isSettled = true
    } catch (error) {
      this.#unsynced = this.#unsynced.filter((other) => other !== act)
      throw error
    }
  }
}

/** The parts of one write that a crash left behind: everything, nothing, a beginning of any length, or single sectors. */
function survivors({ offset, bytes }: SlabPiece, random: Random): SlabPiece[] {
  switch (Math.floor(random() * 4)) {
    case 0:
      return []
    case 1:
      return [{ offset, bytes }]
    case 2:
      return [{ offset, bytes: bytes.subarray(0, Math.floor(random() * (bytes.length + 1))) }]
    default:
      return sectors({ offset, bytes }).filter(() => random() < 0.5)
  }
}

function sectors({ offset, bytes }: SlabPiece): SlabPiece[] {
  const parts: SlabPiece[] = []
  for (let at = 0; at < bytes.length;) {
    const length = Math.min(SECTOR_BYTES - ((offset + at) % SECTOR_BYTES), bytes.length - at)
    parts.push({ offset: offset + at, bytes: bytes.subarray(at, at + length) })
    at += length
  }
  return parts
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const order = [...items]
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const item = order[i] as T
    order[i] = order[j] as T
    order[j] = item
  }
  return order
}

/** Bytes of a disk that comes back after a crash. */
class Disk {
  bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  write({ offset, bytes }: SlabPiece): void {
    if (bytes.length === 0) return
    this.extend(offset + bytes.length)
    this.bytes.set(bytes, offset)
  }

  truncate(size: Bytes): void {
    this.bytes = this.bytes.slice(0, size)
  }

  extend(size: Bytes): void {
    if (size <= this.bytes.length) return
    const larger = new Uint8Array(size)
    larger.set(this.bytes)
    this.bytes = larger
  }
}
