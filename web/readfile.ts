// A chosen file as a stream of bytes, read piece by piece as it is asked for. What becomes of them is the reader's business.

import { MiB } from '../src/lib/units.ts'
import type { Bytes } from '../src/lib/units.ts'

const PIECE_BYTES: Bytes = 2 * MiB

/** Rejects with the browser's error when the file changes or goes away while it is read. */
export async function* readFile(file: Blob): AsyncGenerator<Uint8Array, void> {
  for (let start = 0; start < file.size; start += PIECE_BYTES)
    yield new Uint8Array(await file.slice(start, start + PIECE_BYTES).arrayBuffer())
}
