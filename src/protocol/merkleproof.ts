// Inclusion proofs of Merkle trees: their shape, their check against a byte root, their protobuf. Making one is the tree's work.

import { equalBytes, isBytes } from '../lib/bytes.ts'
import { describeValue } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import { DIGEST_BYTES } from './cid.ts'
import { compressNodes, KEY_BOTTOM, KEY_ODD } from './compressnodes.ts'
import { IDENTITY, SHA2_256 } from './multicodec.ts'
import { encodeVarint, readVarint } from './varint.ts'
import { boundedInput, WireMessage } from './wire.ts'

/** What links one leaf to a root. */
export interface MerkleProof {
  /** Of the leaf, from 0. */
  readonly index: number
  readonly leafCount: number
  /** `SHA2_256` for byte trees, `IDENTITY` for slot trees (their nodes are field elements, little-endian). */
  readonly hashCode: number
  /** Siblings, bottom first, 32 bytes each; zeros where a node has no sibling. As many as the tree has layers below its root. */
  readonly path: readonly Uint8Array[]
}

/** Bytes of an encoded proof: twice the 53 nodes of 36 bytes that the largest leaf count asks for. */
export const MAX_PROOF_BYTES = 4096

const NODE = 1
const PROOF = { hashCode: 1, index: 2, leafCount: 3, path: 4 }
/** What is before the 32 bytes of a node in a path: tag and length of the entry in the proof, tag and length of the node in the entry. */
const NODE_HEAD = Uint8Array.of(PROOF.path * 8 + 2, DIGEST_BYTES + 2, NODE * 8 + 2, DIGEST_BYTES)

/**
 * Whether `digest` is leaf `proof.index` of the byte tree with this root. Never throws: what has the wrong shape or is no proof, root or
 * digest at all proves nothing, so false.
 * Callers who know the index or the leaf count they asked for must compare those too.
 */
export function verifyMerkleProof(root: Uint8Array, digest: Uint8Array, proof: MerkleProof): boolean {
  if (!isNode(root) || !isNode(digest) || proofFault(proof) !== undefined || proof.hashCode !== SHA2_256) return false
  let node = digest
  let position = proof.index
  let width = proof.leafCount
  let bottom = KEY_BOTTOM
  for (const sibling of proof.path) {
    if (position % 2 === 1) node = compressNodes(sibling, node, bottom)
    else node = compressNodes(node, sibling, position === width - 1 ? bottom + KEY_ODD : bottom)
    position = Math.floor(position / 2)
    width = Math.ceil(width / 2)
    bottom = 0
  }
  return equalBytes(node, root)
}

/** Layers below the root of a tree: at least one, because a single leaf is compressed too. */
export function treeDepth(leafCount: number): number {
  let depth = 1
  for (let width = Math.ceil(leafCount / 2); width > 1; width = Math.ceil(width / 2)) depth++
  return depth
}

/**
 * The protobuf that peers exchange (data reference §2.3): every number written, zero or not.
 * @throws CodexError `merkle/bad-proof`
 */
export function encodeProof(proof: MerkleProof): Uint8Array {
  return encodeProofAfter(proof, undefined)
}

/** A path, and the bytes of a proof that ends in it. */
export interface EncodedPath {
  readonly path: MerkleProof['path']
  readonly bytes: Uint8Array
}

/** As {@link encodeProof}: of the one written last only the nodes are written anew that are another array. */
export function encodeProofAfter(proof: MerkleProof, before: EncodedPath | undefined): Uint8Array {
  const { hashCode, index, leafCount, path } = checkedProof(proof)
  // Put together by hand, the nodes as `{ 1: node }` messages: proofs are most of what is written when blocks are served.
  const numbers = [PROOF.hashCode * 8, ...encodeVarint(hashCode), PROOF.index * 8, ...encodeVarint(index)]
  numbers.push(PROOF.leafCount * 8, ...encodeVarint(leafCount))
  const pathBytes = path.length * (NODE_HEAD.length + DIGEST_BYTES)
  const bytes = new Uint8Array(numbers.length + pathBytes)
  bytes.set(numbers)
  const like = before?.path.length === path.length ? before : undefined
  if (like !== undefined) bytes.set(like.bytes.subarray(like.bytes.length - pathBytes), numbers.length)
  let at = numbers.length
  let layer = 0
  for (const node of path) {
    if (like?.path[layer++] !== node) {
      bytes.set(NODE_HEAD, at)
      bytes.set(node, at + NODE_HEAD.length)
    }
    at += NODE_HEAD.length + DIGEST_BYTES
  }
  return bytes
}

/**
 * Reads a proof of right shape; says nothing on whether it proves anything. Copies the nodes.
 * @throws CodexError `merkle/not-bytes`, `merkle/too-long`, `merkle/bad-proof`, `merkle/wrong-node-length`, and `merkle/…` of {@link WireMessage}
 */
export function decodeProof(bytes: Uint8Array): MerkleProof {
  return decodeProofAfter(bytes, [])
}

/**
 * As {@link decodeProof}, for proofs that come by the thousand: a node that stands at the same height in `before`, the path of the one read last, is that
 * very array. Leaves beside each other share all nodes but a few, and each is kept with its block.
 */
export function decodeProofAfter(bytes: Uint8Array, before: MerkleProof['path']): MerkleProof {
  const input = boundedInput(bytes, MAX_PROOF_BYTES, 'merkle')
  return canonicalProof(input, before) ?? anyProof(input)
}

/** Read in one go as all write it, because a proof comes with every block; undefined for one that is written otherwise, or is none. */
function canonicalProof(input: Uint8Array, before: MerkleProof['path']): MerkleProof | undefined {
  const numbers = [0, 0, 0]
  let at = 0
  for (const [i, field] of [PROOF.hashCode, PROOF.index, PROOF.leafCount].entries()) {
    if (input[at] !== field * 8) return undefined
    const { value, end } = readVarint(input, at + 1, 'merkle')
    numbers[i] = value
    at = end
  }
  const path: Uint8Array[] = []
  for (; at < input.length; at += NODE_HEAD.length + DIGEST_BYTES) {
    if (input[at] !== NODE_HEAD[0] || input[at + 1] !== NODE_HEAD[1]) return undefined
    if (input[at + 2] !== NODE_HEAD[2] || input[at + 3] !== NODE_HEAD[3]) return undefined
    const begin = at + NODE_HEAD.length
    if (begin + DIGEST_BYTES > input.length) return undefined
    const known = before[path.length]
    path.push(known !== undefined && standsAt(input, begin, known) ? known : input.slice(begin, begin + DIGEST_BYTES))
  }
  const [hashCode = 0, index = 0, leafCount = 0] = numbers
  const proof = { index, leafCount, hashCode, path }
  return shapeFault(proof) === undefined ? proof : undefined
}

function standsAt(input: Uint8Array, begin: number, node: Uint8Array): boolean {
  for (let i = 0; i < DIGEST_BYTES; i++) if (input[begin + i] !== node[i]) return false
  return true
}

function anyProof(input: Uint8Array): MerkleProof {
  const message = new WireMessage(input, { 1: 'number', 2: 'number', 3: 'number', 4: 'repeated bytes' }, 'merkle')
  const proof = {
    index: message.number(PROOF.index),
    leafCount: message.number(PROOF.leafCount),
    hashCode: message.number(PROOF.hashCode),
    // Nodes are nodes here, whatever else is wrong.
    path: message.list(PROOF.path).map((entry) => readNode(entry).slice()),
  }
  const fault = shapeFault(proof)
  if (fault !== undefined) throw badProof(fault)
  return proof
}

/** A view of the 32 bytes in a `{ 1: bytes }` entry of a path or tree. @throws CodexError `merkle/wrong-node-length` */
export function readNode(entry: Uint8Array): Uint8Array {
  // The one way that all write it in.
  if (entry.length === DIGEST_BYTES + 2 && entry[0] === NODE_HEAD[2] && entry[1] === DIGEST_BYTES)
    return entry.subarray(2)
  const node = new WireMessage(entry, { [NODE]: 'bytes' }, 'merkle').bytes(NODE)
  if (node?.length === DIGEST_BYTES) return node
  throw new CodexError(
    'merkle/wrong-node-length',
    `expected nodes of ${DIGEST_BYTES} bytes, found ${node?.length ?? 'none'}`,
    {
      detail: { expectedBytes: DIGEST_BYTES, foundBytes: node?.length },
    },
  )
}

function checkedProof(proof: MerkleProof): MerkleProof {
  const fault = proofFault(proof)
  if (fault === undefined) return proof
  throw badProof(fault)
}

function badProof(fault: string): CodexError<'merkle/bad-proof'> {
  return new CodexError('merkle/bad-proof', `expected ${fault}: this proof can not be of any tree`, {
    detail: { expected: fault },
  })
}

/** The door for proofs: what a well-shaped one would have and this one has not; undefined when nothing is missing. */
function proofFault(proof: MerkleProof): string | undefined {
  const fault = shapeFault(proof)
  if (fault !== undefined) return fault
  const { path } = proof
  // Of the searches, this one does not pass over the holes of a sparse list.
  const odd = path.findIndex((node) => !isNode(node))
  return odd < 0 ? undefined : `path nodes of ${DIGEST_BYTES} bytes, found another at ${odd}`
}

/** Of all but what the path holds. */
function shapeFault(proof: MerkleProof): string | undefined {
  if (typeof proof !== 'object' || proof === null) return `a Merkle proof, found ${describeValue(proof)}`
  const { index, leafCount, hashCode, path } = proof
  if (hashCode !== SHA2_256 && hashCode !== IDENTITY)
    return `hash code ${SHA2_256} or ${IDENTITY}, found ${describeValue(hashCode)}`
  if (!Number.isSafeInteger(leafCount) || leafCount < 1)
    return `a leaf count from 1 to 2^53 - 1, found ${describeValue(leafCount)}`
  if (!Number.isSafeInteger(index) || index < 0 || index >= leafCount)
    return `an index below ${leafCount}, found ${describeValue(index)}`
  const depth = treeDepth(leafCount)
  if (!Array.isArray(path)) return `a path of ${depth} nodes, found ${describeValue(path)}`
  return path.length === depth ? undefined : `${depth} path nodes for ${leafCount} leaves, found ${path.length}`
}

function isNode(value: unknown): value is Uint8Array {
  return isBytes(value) && value.length === DIGEST_BYTES
}
