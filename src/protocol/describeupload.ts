// What an upload of these bytes would be called, without storing anything. For small data in memory, all in one go: the upload
// pipeline itself streams, and is in the storage room.

import { sha256 } from '@noble/hashes/sha2.js'
import { checkedBytes } from '../lib/bytes.ts'
import { describeValue } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import { BLOCK_SIZE, manifestCid } from './block.ts'
import { checkManifest } from './checkmanifest.ts'
import type { Cid } from './cid.ts'
import type { PlainManifest } from './manifest.ts'
import { encodeManifest } from './manifestcodec.ts'
import { MerkleBuilder, treeCid } from './merkletree.ts'

/** What is kept with the data, and part of what its CID is made from. */
export interface UploadNames {
  /** Left out, null or empty when unknown. */
  readonly filename?: string | null | undefined
  /** Left out, null or empty when unknown. */
  readonly mimetype?: string | null | undefined
}

/** What the network's nodes make of an upload. */
export interface UploadDescription {
  readonly manifest: PlainManifest
  readonly manifestCid: Cid
  readonly treeCid: Cid
}

/**
 * Data reference §4: blocks of {@link BLOCK_SIZE} bytes, the last one padded with zeros, the byte tree over them, the manifest.
 * @param names null is as good as left out
 * @throws CodexError `upload/not-bytes`, `upload/empty`, `upload/bad-names`, `manifest/bad-text`
 */
export function describeUpload(input: Uint8Array, names?: UploadNames | null): UploadDescription {
  const bytes = checkedBytes(input, 'upload/not-bytes', 'the upload')
  if (bytes.length === 0)
    throw new CodexError('upload/empty', 'expected at least one byte, found none: an empty dataset has no tree')
  const tree = new MerkleBuilder()
  for (let start = 0; start < bytes.length; start += BLOCK_SIZE) tree.push(sha256(paddedBlock(bytes, start)))
  const manifest = plainManifest(treeCid(tree.finish().root), bytes.length, names)
  return { manifest, manifestCid: manifestCid(encodeManifest(manifest)), treeCid: manifest.treeCid }
}

/**
 * The manifest of an upload whose tree is known. `datasetSize` counts the bytes without the last block's padding.
 * @throws CodexError `upload/bad-names`, `manifest/bad-text`, `manifest/bad-size`, `manifest/wrong-cid-kind`
 */
export function plainManifest(treeCid: Cid, datasetSize: number, names?: UploadNames | null): PlainManifest {
  const { filename, mimetype } = checkedNames(names ?? {})
  return checkManifest({
    kind: 'plain',
    layout: 'marketplace',
    treeCid,
    blockSize: BLOCK_SIZE,
    datasetSize,
    ...(isGiven(filename) && { filename }),
    ...(isGiven(mimetype) && { mimetype }),
  })
}

function checkedNames(names: UploadNames): UploadNames {
  if (typeof names === 'object') return names
  throw new CodexError('upload/bad-names', `expected { filename, mimetype } or nothing, found ${describeValue(names)}`)
}

/** Asks for the empty ones by name: any other value that counts as false is a mistake, and refused as no text. */
function isGiven(name: string | null | undefined): name is string {
  return name !== undefined && name !== null && name !== ''
}

function paddedBlock(bytes: Uint8Array, start: number): Uint8Array {
  const chunk = bytes.subarray(start, start + BLOCK_SIZE)
  if (chunk.length === BLOCK_SIZE) return chunk
  const block = new Uint8Array(BLOCK_SIZE)
  block.set(chunk)
  return block
}
