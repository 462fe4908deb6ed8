// The multicodec numbers this network uses. Numbers only: which pairs make a CID is in cid.ts.

/** Hash code of slot and verify roots: the digest is the value itself. */
export const IDENTITY = 0x00
/** Hash of blocks, manifests and byte Merkle trees. */
export const SHA2_256 = 0x12

export const CODEX_MANIFEST = 0xcd01
export const CODEX_BLOCK = 0xcd02
/** Root of a byte Merkle tree. */
export const CODEX_ROOT = 0xcd03
/** Poseidon2 root of one slot. */
export const CODEX_SLOT_ROOT = 0xcd04
/** Poseidon2 root over all slot roots of a dataset, called verify root in manifests. */
export const CODEX_PROVING_ROOT = 0xcd05
/** Leaf of a slot tree: the Poseidon2 hash of a block, despite the name. */
export const CODEX_SLOT_CELL = 0xcd06

/** Poseidon2 over 2 KiB cells, then a Merkle tree over the cell hashes: the hash of a slot cell. */
export const POSEIDON2_MERKLE_2KB = 0xcd11
