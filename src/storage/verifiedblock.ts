// Blocks whose bytes are known to match their CID. The brand makes storing unchecked bytes a compile error.

import { CodexError } from '../lib/errors.ts'
import { equalBytes } from '../lib/bytes.ts'
import type { Bytes } from '../lib/units.ts'
import { MiB } from '../lib/units.ts'
import { EMPTY_BLOCK_CID } from '../protocol/block.ts'
import type { Cid } from '../protocol/cid.ts'
import { makeCid } from '../protocol/cid.ts'
import { CODEX_BLOCK, SHA2_256 } from '../protocol/multicodec.ts'
import type { Hasher } from './hasher.ts'

/** What the store takes at most as one block; the network's blocks have 64 KiB, manifests less. */
export const MAX_BLOCK_BYTES: Bytes = MiB

export interface Block {
  readonly cid: Cid
  readonly bytes: Uint8Array
}

declare const VERIFIED: unique symbol

/** A block made by {@link hashBlocks}, passed by {@link verifyBlocks} or read from the store. Its bytes are borrowed, not copied. */
export type VerifiedBlock = Block & { readonly [VERIFIED]: true }

/** The blocks of these chunks, with data CIDs. @throws CodexError `block/too-large` */
export async function hashBlocks(hasher: Hasher, chunks: readonly Uint8Array[]): Promise<VerifiedBlock[]> {
  chunks.forEach(checkSize)
  const digests = await hasher.sha256(chunks)
  return chunks.map((bytes, i) => brand({ cid: makeCid(CODEX_BLOCK, SHA2_256, digests[i] as Uint8Array), bytes }))
}

/** The same blocks, checked. @throws CodexError `block/wrong-hash` naming the first that differs, `block/too-large` */
export async function verifyBlocks(hasher: Hasher, blocks: readonly Block[]): Promise<VerifiedBlock[]> {
  blocks.forEach(({ bytes }) => checkSize(bytes))
  const digests = await hasher.sha256(blocks.map(({ bytes }) => bytes))
  return blocks.map((block, i) => {
    if (block.cid.hashCode === SHA2_256 && equalBytes(block.cid.digest, digests[i] as Uint8Array)) return brand(block)
    throw new CodexError(
      'block/wrong-hash',
      `the ${block.bytes.length} bytes given for block ${block.cid} have another hash`,
      {
        detail: { cid: String(block.cid), sizeBytes: block.bytes.length },
      },
    )
  })
}

/** For those who have just compared the bytes with their CID: the store itself, and the exchange with every delivery. */
export function comparedBlock(block: Block): VerifiedBlock {
  return brand(block)
}

/** The block that pads protected datasets: no bytes, standing for zeros. */
export const EMPTY_BLOCK: VerifiedBlock = brand({ cid: EMPTY_BLOCK_CID, bytes: new Uint8Array(0) })

function brand(block: Block): VerifiedBlock {
  return block as VerifiedBlock
}

function checkSize(bytes: Uint8Array): void {
  if (bytes.length > MAX_BLOCK_BYTES)
    throw new CodexError('block/too-large', `a block may have ${MAX_BLOCK_BYTES} bytes, found ${bytes.length}`, {
      detail: { maxBytes: MAX_BLOCK_BYTES, foundBytes: bytes.length },
    })
}
