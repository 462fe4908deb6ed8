// The one step that byte Merkle trees are made of (data reference §2.3). Which nodes meet is the business of tree and proof.

import { sha256 } from '@noble/hashes/sha2.js'
import { DIGEST_BYTES } from './cid.ts'

/** In the key of nodes made from leaves. */
export const KEY_BOTTOM = 1
/** In the key of a node made from one child; the missing one counts as zeros. */
export const KEY_ODD = 2

/** What is hashed next: fresh memory would cost more than the hash. */
const message = new Uint8Array(2 * DIGEST_BYTES + 1)

/** `sha256(left || right || key)`. The key is a sum of {@link KEY_BOTTOM} and {@link KEY_ODD}, or 0. */
export function compressNodes(left: Uint8Array, right: Uint8Array, key: number): Uint8Array {
  message.set(left)
  message.set(right, DIGEST_BYTES)
  message[2 * DIGEST_BYTES] = key
  return sha256(message)
}
