// The SHA-256 of a file too large to hold, piece by piece: WebCrypto takes a message only as a whole.

import { sha256 } from '@noble/hashes/sha2.js'

import type { AbortOptions } from '../lib/abort.ts'
import { toHex } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import { nextTask } from '../lib/nexttask.ts'
import { MiB } from '../lib/units.ts'
import type { ByteSource } from './bytesource.ts'

/** Hashed between two turns of the event loop: some milliseconds. */
const PIECE_BYTES = MiB

/** In hex. @throws CodexError `proving/unreadable-source`, or the signal's reason */
export async function sourceHash(source: ByteSource, options: AbortOptions): Promise<string> {
  const hash = new RunningHash()
  for (let at = 0; at < source.size; at += PIECE_BYTES)
    await hash.add(await source.read(at, Math.min(PIECE_BYTES, source.size - at), options))
  return hash.digest()
}

export class RunningHash {
  readonly #hash = sha256.create()

  async add(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      this.#hash.update(bytes.subarray(at, at + PIECE_BYTES))
      await nextTask()
    }
  }

  /** In hex; the end of it. */
  digest(): string {
    return toHex(this.#hash.digest())
  }
}

/**
 * Holds what was found against what was pinned.
 * @param field which of the circuit's files
 * @throws CodexError `proving/wrong-hash`, with the field
 */
export function checkHash(field: string, found: string, pinned: string): void {
  if (found === pinned.toLowerCase()) return
  throw new CodexError(
    'proving/wrong-hash',
    `circuit file ${field}: expected SHA-256 ${pinned}, found ${found}; get the file anew`,
    { detail: { field, expected: pinned, found } },
  )
}
