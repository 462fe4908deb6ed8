// A slab file in memory: for nodes that keep nothing and for tests. It survives nothing, so `flush` has nothing to do.

import type { Bytes } from '../lib/units.ts'
import type { SlabFile, SlabPiece, SlabRange } from './slabfile.ts'
import { assertPieces, assertPlace, assertRanges, SlabGate } from './slabgate.ts'

export class MemorySlabFile implements SlabFile {
  readonly #gate = new SlabGate((error) => error instanceof RangeError)
  #content: Uint8Array
  #size: Bytes

  /** @param content what is in it already; copied */
  constructor(content: Uint8Array = new Uint8Array(0)) {
    this.#content = content.slice()
    this.#size = content.length
  }

  /** A copy of the whole content, also after `close`. */
  bytes(): Uint8Array {
    return this.#content.slice(0, this.#size)
  }

  read(ranges: readonly SlabRange[]): Promise<Uint8Array[]> {
    return this.#gate.run('read', async () => {
      assertRanges(ranges)
      const end = this.#size
      return ranges.map(({ offset, length }) =>
        this.#content.slice(Math.min(offset, end), Math.min(offset + length, end)),
      )
    })
  }

  write(pieces: readonly SlabPiece[]): Promise<void> {
    return this.#gate.run('write', async () => {
      assertPieces(pieces)
      for (const { offset, bytes } of pieces) {
        if (bytes.length === 0) continue
        this.#grow(offset + bytes.length)
        this.#content.set(bytes, offset)
      }
    })
  }

  flush(): Promise<void> {
    return this.#gate.run('flush', async () => undefined)
  }

  size(): Promise<Bytes> {
    return this.#gate.run('size', async () => this.#size)
  }

  truncate(size: Bytes): Promise<void> {
    return this.#gate.run('truncate', async () => {
      assertPlace(size, 0)
      if (size >= this.#size) return
      this.#content = this.#content.slice(0, size)
      this.#size = size
    })
  }

  close(): Promise<void> {
    return this.#gate.close(async () => undefined)
  }

  /** Doubles what it holds, so that appending many pieces copies each byte a bounded number of times. */
  #grow(size: Bytes): void {
    if (size <= this.#size) return
    if (size > this.#content.length) {
      const larger = new Uint8Array(Math.max(size, 2 * this.#content.length))
      larger.set(this.#content)
      this.#content = larger
    }
    this.#size = size
  }
}
