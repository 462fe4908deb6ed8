// Blocks: their size, their CIDs, and the empty one. Where blocks are kept is the storage room's business.

import { sha256 } from '@noble/hashes/sha2.js'
import type { Cid } from './cid.ts'
import { equalCids, makeCid } from './cid.ts'
import { CODEX_BLOCK, CODEX_MANIFEST, SHA2_256 } from './multicodec.ts'

/** Bytes in a block of a dataset; the only size the deployed proof circuit accepts. */
export const BLOCK_SIZE = 65_536

/** The CID of a block's bytes, hashed synchronously. No bytes give {@link EMPTY_BLOCK_CID}. */
export function blockCid(bytes: Uint8Array): Cid {
  return makeCid(CODEX_BLOCK, SHA2_256, sha256(bytes))
}

/** The CID of an encoded manifest. Says nothing on whether the bytes are a manifest: `decodeManifest` does. */
export function manifestCid(bytes: Uint8Array): Cid {
  return makeCid(CODEX_MANIFEST, SHA2_256, sha256(bytes))
}

/**
 * The block of no bytes. It pads protected datasets and is never stored: whoever needs its content takes a block of zero bytes
 * instead. A block of real zero bytes is an ordinary block with another CID.
 */
export const EMPTY_BLOCK_CID: Cid = blockCid(new Uint8Array(0))

export function isEmptyBlockCid(cid: Cid): boolean {
  return equalCids(cid, EMPTY_BLOCK_CID)
}
