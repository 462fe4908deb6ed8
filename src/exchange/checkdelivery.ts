// Whether a delivered block is the one that was asked for (data reference §10.4): its hash, its place, its proof. A proof that does not lead to the
// root is a lie, whatever else is right about it.

import { equalBytes } from '../lib/bytes.ts'
import { isBlockCid, isManifestCid } from '../protocol/cid.ts'
import type { Cid } from '../protocol/cid.ts'
import type { MerkleProof } from '../protocol/merkleproof.ts'
import type { Delivery } from './message.ts'
import type { Want } from './want.ts'

/**
 * What is wrong with a block that answers `want`; undefined when nothing is.
 * @param digest sha256 of its data, computed here
 * @param proves whether the proof leads from the digest to the root of the tree
 */
export function faultOf(
  { cid, data, proof }: Delivery,
  digest: Uint8Array,
  want: Want,
  proves: (treeCid: Cid, digest: Uint8Array, proof: MerkleProof) => boolean,
): string | undefined {
  if (data.length > want.maxBytes) return `at most ${want.maxBytes} bytes, found ${data.length}`
  if (!equalBytes(cid.digest, digest)) return `data of block ${cid}, found other data`
  const { treeCid, index } = want.address
  if (treeCid === undefined) return isBlockCid(cid) || isManifestCid(cid) ? undefined : 'the CID of a block or manifest'
  if (!isBlockCid(cid)) return `a data block at leaf ${index}, found a ${cid.kind}`
  if (proof === undefined) return `a proof of leaf ${index}`
  if (proof.index !== index) return `a proof of leaf ${index}, found one of leaf ${proof.index}`
  if (proof.hashCode !== treeCid.hashCode) return 'a proof by the hash of its tree'
  if (want.leafCount !== undefined && proof.leafCount !== want.leafCount)
    return `a proof for ${want.leafCount} leaves, found one for ${proof.leafCount}`
  return proves(treeCid, digest, proof) ? undefined : `a proof that leads to ${treeCid}`
}
