// Hashes of a file's pieces, by the platform's own SHA-256: many times faster than the hash of the whole, which takes a message piece by piece only in JavaScript.

import type { AbortOptions } from '../lib/abort.ts'
import { toHex } from '../lib/bytes.ts'
import { MiB } from '../lib/units.ts'
import type { Bytes } from '../lib/units.ts'
import type { ByteSource } from './bytesource.ts'

export const PIECE_BYTES: Bytes = 4 * MiB

/** In hex, of each piece. @throws CodexError `proving/unreadable-source`, or the signal's reason */
export async function pieceHashes(source: ByteSource, options: AbortOptions): Promise<string[]> {
  const hashes: string[] = []
  for (let at = 0; at < source.size; at += PIECE_BYTES)
    hashes.push(await hashOfPiece(await source.read(at, Math.min(PIECE_BYTES, source.size - at), options)))
  return hashes
}

/** In hex. */
export async function hashOfPiece(bytes: Uint8Array): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)))
}
