// Cuts a stream of bytes into blocks, gathered in groups. The last block is padded with zeros, as the network does.

import { raceAbort } from '../lib/abort.ts'
import type { Bytes } from '../lib/units.ts'
import { BLOCK_SIZE } from '../protocol/block.ts'

export interface ChunkGroup {
  /** Whole blocks, views into one buffer that belongs to this group. */
  readonly chunks: readonly Uint8Array[]
  /** Bytes of the source in them, padding not counted. */
  readonly dataBytes: Bytes
}

/** Buffers go round: a group's buffer is used again once its owner has given it back, so an upload of any size needs a handful. */
export class BufferRing {
  readonly #make: () => Uint8Array
  readonly #free: Uint8Array[] = []

  constructor(make: () => Uint8Array) {
    this.#make = make
  }

  take(): Uint8Array {
    return this.#free.pop() ?? this.#make()
  }

  giveBack(chunks: readonly Uint8Array[]): void {
    const [first] = chunks
    if (first !== undefined) this.#free.push(new Uint8Array(first.buffer))
  }
}

/** Rejects with the signal's reason, also while the source keeps silent; the source is closed then. Nothing comes of an empty source. */
export async function* chunkGroups(
  source: AsyncIterable<Uint8Array>,
  ring: BufferRing,
  signal: AbortSignal,
): AsyncGenerator<ChunkGroup, void> {
  const pieces = source[Symbol.asyncIterator]()
  let buffer = ring.take()
  let filled = 0
  let ended = false
  try {
    for (;;) {
      const next = await raceAbort(pieces.next(), signal)
      if (next.done === true) break
      for (let piece = next.value; piece.length > 0;) {
        const part = piece.subarray(0, buffer.length - filled)
        buffer.set(part, filled)
        filled += part.length
        piece = piece.subarray(part.length)
        if (filled < buffer.length) continue
        yield { chunks: cut(buffer, filled), dataBytes: filled }
        buffer = ring.take()
        filled = 0
      }
    }
    ended = true
    if (filled > 0) {
      const padded = Math.ceil(filled / BLOCK_SIZE) * BLOCK_SIZE
      buffer.fill(0, filled, padded)
      yield { chunks: cut(buffer, padded), dataBytes: filled }
    }
  } finally {
    // Not awaited: a source that hangs in next() would hang here too.
    if (!ended) pieces.return?.().catch(() => undefined)
  }
}

function cut(buffer: Uint8Array, length: Bytes): Uint8Array[] {
  return Array.from({ length: length / BLOCK_SIZE }, (_, i) => buffer.subarray(i * BLOCK_SIZE, (i + 1) * BLOCK_SIZE))
}
