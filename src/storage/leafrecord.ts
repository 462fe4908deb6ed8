// The record of one tree leaf: which block stands at (tree, index) and the proof that it does. Codec only.

import type { Cid } from '../protocol/cid.ts'
import { decodeCid } from '../protocol/cid.ts'
import type { Key } from './datastore.ts'
import { corruptedRecord, openRecord, sealRecord } from './sealedrecord.ts'

export interface Leaf {
  readonly index: number
  readonly blockCid: Cid
  /** Leaves of the whole tree. */
  readonly leafCount: number
  /** Sibling nodes, bottom first, 32 bytes each; empty where the proof was not kept. */
  readonly path: readonly Uint8Array[]
}

const NODE_BYTES = 32
// leafCount f64 | length of the CID u8 | CID | path nodes
const HEADER_BYTES = 9

export function encodeLeafRecord(leaf: Leaf): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES)
  const view = new DataView(header.buffer)
  view.setFloat64(0, leaf.leafCount, true)
  view.setUint8(8, leaf.blockCid.bytes.length)
  return sealRecord(header, leaf.blockCid.bytes, ...leaf.path)
}

/** @throws CodexError `store/corrupted-record` */
export function decodeLeafRecord(key: Key, index: number, sealed: Uint8Array): Leaf {
  const payload = openRecord(key, sealed)
  const cidEnd = HEADER_BYTES + (payload[8] ?? 0)
  if (payload.length < cidEnd || (payload.length - cidEnd) % NODE_BYTES !== 0)
    throw corruptedRecord(key, 'a leaf record is cut short')
  const leafCount = new DataView(payload.buffer, payload.byteOffset).getFloat64(0, true)
  if (!Number.isSafeInteger(leafCount) || leafCount <= index) throw corruptedRecord(key, 'a leaf lies outside its tree')
  const path: Uint8Array[] = []
  for (let at = cidEnd; at < payload.length; at += NODE_BYTES) path.push(payload.slice(at, at + NODE_BYTES))
  return { index, blockCid: decodeCid(payload.slice(HEADER_BYTES, cidEnd)), leafCount, path }
}
