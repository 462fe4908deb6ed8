// `codex-light/protocol`: the contract's and the network's nouns as plain data, all synchronous, in a tab and in Node.

export { CodexError } from '../lib/errors.ts'
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
export type { UploadDescription, UploadNames } from '../protocol/describeupload.ts'
export { describeUpload, plainManifest } from '../protocol/describeupload.ts'
export { requestId, slotId } from '../protocol/ids.ts'
export type { IndexRange, Strategy } from '../protocol/indexing.ts'
export { indices, MAX_INDICES } from '../protocol/indexing.ts'
export type {
  Manifest,
  ManifestLayout,
  PlainManifest,
  ProtectedManifest,
  VerifiableManifest,
} from '../protocol/manifest.ts'
export {
  blocksCount,
  contentBytes,
  originalBlocksCount,
  roundedBlocksCount,
  slotBlocksCount,
  slotsCount,
  stepsCount,
} from '../protocol/manifest.ts'
export { decodeManifest, encodeManifest, MAX_MANIFEST_BYTES } from '../protocol/manifestcodec.ts'
export type { MerkleProof } from '../protocol/merkleproof.ts'
export { decodeProof, encodeProof, verifyMerkleProof } from '../protocol/merkleproof.ts'
export type { MerkleTree } from '../protocol/merkletree.ts'
export { MerkleBuilder, merkleProof, merkleRoot, merkleTree, treeCid } from '../protocol/merkletree.ts'
export { decodeTree, encodeTree } from '../protocol/merkletreecodec.ts'
export type { RequestId, SlotId, StorageAsk, StorageRequest, StorageRequestInput, Uint } from '../protocol/request.ts'
export { checkedRequest, checkedRequestId, checkedSlotId } from '../protocol/request.ts'
