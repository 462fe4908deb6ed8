// `codex-light/protocol`: the contract's and the network's nouns as plain data, all synchronous, in a tab and in Node.

export { BLOCK_SIZE, blockCid, EMPTY_BLOCK_CID, isEmptyBlockCid, manifestCid } from '../protocol/block.ts'
export type { CidKind } from '../protocol/cid.ts'
export {
  Cid,
  compareCids,
  decodeCid,
  equalCids,
  isBlockCid,
  isManifestCid,
  isSlotCellCid,
  isSlotRootCid,
  isTreeCid,
  isVerifyRootCid,
  makeCid,
  parseCid,
} from '../protocol/cid.ts'
export type { MerkleProof } from '../protocol/merkleproof.ts'
export { decodeProof, encodeProof, verifyMerkleProof } from '../protocol/merkleproof.ts'
export { MerkleBuilder, merkleProof, merkleRoot, MerkleTree, merkleTree, treeCid } from '../protocol/merkletree.ts'
export { decodeTree, encodeTree } from '../protocol/merkletreecodec.ts'
