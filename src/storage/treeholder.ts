// Who holds a tree: keys that say a manifest needs its leaves. Codec only; who may hold or let go is decided in datasets.ts.

import { DIGEST_BYTES, type Cid, decodeCid } from '../protocol/cid.ts'
import type { Manifest } from '../protocol/manifest.ts'
import { CODEX_MANIFEST, SHA2_256 } from '../protocol/multicodec.ts'
import { encodeVarint } from '../protocol/varint.ts'
import type { Key } from './datastore.ts'
import { joinKey, textKey } from './storagekey.ts'

/** `repo/holders/<tree CID><manifest CID>`, without a value: the manifest needs the leaves of this tree. Without a holder they go. */
export const HOLDERS_PREFIX: Key = textKey('repo/holders/')

/** Version, content codec, hash and digest length stand before the digest. */
const MANIFEST_CID_BYTES = [1, CODEX_MANIFEST, SHA2_256, DIGEST_BYTES].flatMap(encodeVarint).length + DIGEST_BYTES

/** Before the keys of all holders of the tree. */
export function holdersKey(tree: Cid): Key {
  return joinKey(HOLDERS_PREFIX, tree.bytes)
}

export function holderKey(tree: Cid, manifest: Cid): Key {
  return joinKey(HOLDERS_PREFIX, tree.bytes, manifest.bytes)
}

/** What a key made by {@link holderKey} was made of. */
export function readHolderKey(key: Key): { readonly tree: Cid; readonly manifest: Cid } {
  const end = key.length - MANIFEST_CID_BYTES
  return { tree: decodeCid(key.slice(HOLDERS_PREFIX.length, end)), manifest: decodeCid(key.slice(end)) }
}

/** The trees that a whole dataset of this manifest has in the store: that of its blocks, and of a verifiable one those of its slots. */
export function treesOf(manifest: Manifest): Cid[] {
  return [manifest.treeCid, ...(manifest.kind === 'verifiable' ? manifest.slotRoots : [])]
}
