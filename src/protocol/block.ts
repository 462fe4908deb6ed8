// Blocks: their size, their CIDs, and the empty one. Where blocks are kept is the storage room's business.

import { sha256 } from '@noble/hashes/sha2.js'
import { checkedBytes } from '../lib/bytes.ts'
import type { Cid } from './cid.ts'
import { equalCids, makeCid } from './cid.ts'
import { CODEX_BLOCK, CODEX_MANIFEST, SHA2_256 } from './multicodec.ts'

/** Bytes in a block of a dataset; the only size the deployed proof circuit accepts. */
export const BLOCK_SIZE = 65_536

/**
 * The CID of a block's bytes, hashed synchronously. Zero bytes give {@link EMPTY_BLOCK_CID}.
 * @throws CodexError `block/not-bytes`
 */
export function blockCid(bytes: Uint8Array): Cid {
  return makeCid(CODEX_BLOCK, SHA2_256, sha256(checkedBytes(bytes, 'block/not-bytes', 'a block')))
}

/**
 * The CID of an encoded manifest. Says nothing on whether the bytes are a manifest: `decodeManifest` does.
 * @throws CodexError `manifest/not-bytes`
 */
export function manifestCid(bytes: Uint8Array): Cid {
  return makeCid(CODEX_MANIFEST, SHA2_256, sha256(checkedBytes(bytes, 'manifest/not-bytes', 'an encoded manifest')))
}

/**
 * The block of no bytes. It pads protected datasets and is never stored: whoever needs its content takes a block of zero bytes
 * instead. A block of real zero bytes is an ordinary block with another CID.
 */
export const EMPTY_BLOCK_CID: Cid = blockCid(new Uint8Array(0))

/** @throws CodexError `cid/not-a-cid` */
export function isEmptyBlockCid(cid: Cid): boolean {
  return equalCids(cid, EMPTY_BLOCK_CID)
}
