// What an upload of these bytes would be called, without storing anything. For small data in memory, all in one go: the upload
// pipeline itself streams, and is in the storage room.

import { sha256 } from '@noble/hashes/sha2.js'
import { CodexError } from '../lib/errors.ts'
import { BLOCK_SIZE, manifestCid } from './block.ts'
import { checkManifest } from './checkmanifest.ts'
import type { Cid } from './cid.ts'
import type { PlainManifest } from './manifest.ts'
import { encodeManifest } from './manifestcodec.ts'
import { MerkleBuilder, treeCid } from './merkletree.ts'

export interface UploadNames {
  /** Left out or empty when unknown. */
  readonly filename?: string | undefined
  /** Left out or empty when unknown. */
  readonly mimetype?: string | undefined
}

export interface UploadDescription {
  readonly manifest: PlainManifest
  readonly manifestCid: Cid
  readonly treeCid: Cid
}

/**
 * Data reference §4: blocks of {@link BLOCK_SIZE} bytes, the last one padded with zeros, the byte tree over them, the manifest.
 * @throws CodexError `upload/not-bytes`, `upload/empty`, `manifest/bad-text`
 */
export function describeUpload(bytes: Uint8Array, names: UploadNames = {}): UploadDescription {
  if (!(bytes instanceof Uint8Array))
    throw new CodexError('upload/not-bytes', `expected a Uint8Array, found ${bytes === null ? 'null' : typeof bytes}`)
  if (bytes.length === 0)
    throw new CodexError('upload/empty', 'expected at least one byte, found none: an empty dataset has no tree')
  const tree = new MerkleBuilder()
  for (let start = 0; start < bytes.length; start += BLOCK_SIZE) tree.push(sha256(paddedBlock(bytes, start)))
  const manifest = plainManifest(treeCid(tree.finish().root), bytes.length, names)
  return { manifest, manifestCid: manifestCid(encodeManifest(manifest)), treeCid: manifest.treeCid }
}

/**
 * The manifest of an upload whose tree is known. `datasetSize` counts the bytes without the last block's padding.
 * @throws CodexError `manifest/bad-text`, `manifest/bad-size`, `manifest/wrong-cid-kind`
 */
export function plainManifest(
  treeCid: Cid,
  datasetSize: number,
  { filename, mimetype }: UploadNames = {},
): PlainManifest {
  return checkManifest({
    kind: 'plain',
    layout: 'marketplace',
    treeCid,
    blockSize: BLOCK_SIZE,
    datasetSize,
    ...(filename && { filename }),
    ...(mimetype && { mimetype }),
  })
}

function paddedBlock(bytes: Uint8Array, start: number): Uint8Array {
  const chunk = bytes.subarray(start, start + BLOCK_SIZE)
  if (chunk.length === BLOCK_SIZE) return chunk
  const block = new Uint8Array(BLOCK_SIZE)
  block.set(chunk)
  return block
}
