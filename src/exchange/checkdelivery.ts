// Whether a delivered block is the one that was asked for (data reference §10.4): its hash, its place, its proof. A proof that does not lead to the
// root is a lie, whatever else is right about it. A block that is right and does not fit what a manifest said of it is none: that manifest lied.

import { equalBytes } from '../lib/bytes.ts'
import { isBlockCid, isManifestCid } from '../protocol/cid.ts'
import type { Cid } from '../protocol/cid.ts'
import type { MerkleProof } from '../protocol/merkleproof.ts'
import type { BlockAddress, Delivery } from './message.ts'
import type { Want, WantTerms } from './want.ts'

/** Whether the proof leads from the digest to the root of the tree. */
export type Proves = (treeCid: Cid, digest: Uint8Array, proof: MerkleProof) => boolean

/**
 * What is wrong with a block that answers `want`; undefined when nothing is.
 * @param digest sha256 of its data, computed here
 */
export function faultOf({ cid, proof }: Delivery, digest: Uint8Array, want: Want, proves: Proves): string | undefined {
  if (!equalBytes(cid.digest, digest)) return `data of block ${cid}, found other data`
  const { treeCid, index } = want.address
  if (treeCid === undefined) return isBlockCid(cid) || isManifestCid(cid) ? undefined : 'the CID of a block or manifest'
  if (!isBlockCid(cid)) return `a data block at leaf ${index}, found a ${cid.kind}`
  if (proof === undefined) return `a proof of leaf ${index}`
  if (proof.index !== index) return `a proof of leaf ${index}, found one of leaf ${proof.index}`
  if (proof.hashCode !== treeCid.hashCode) return 'a proof by the hash of its tree'
  return proves(treeCid, digest, proof) ? undefined : `a proof that leads to ${treeCid}`
}

/**
 * What a block that is right is not, although these terms say so; undefined when it fits them, or could.
 * @returns the proof too as it is for the leaf count of the terms: most proofs are right for several, and the peer may have said another
 */
export function misfitOf(
  { cid, data, proof }: Delivery,
  { treeCid }: BlockAddress,
  { maxBytes, leafCount }: WantTerms,
  proves: Proves,
): { readonly misfit: string } | { readonly misfit?: undefined; readonly proof: MerkleProof | undefined } {
  if (data.length > maxBytes) return { misfit: `at most ${maxBytes} bytes, and it has ${data.length}` }
  if (treeCid === undefined || proof === undefined || leafCount === undefined || proof.leafCount === leafCount)
    return { proof }
  const other = { ...proof, leafCount }
  if (proves(treeCid, cid.digest, other)) return { proof: other }
  return { misfit: `a leaf of ${leafCount}, and its proof shows that there are others` }
}
