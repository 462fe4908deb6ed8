// The byte tree over digests that are all there, without holding up the thread for long.

import type { AbortOptions } from '../lib/abort.ts'
import { nextTask } from '../lib/nexttask.ts'
import { DIGEST_BYTES } from '../protocol/cid.ts'
import type { MerkleTree } from '../protocol/merkletree.ts'
import { MerkleBuilder } from '../protocol/merkletree.ts'

/** Leaves added before others get a turn: a few milliseconds. */
const SLICE_LEAVES = 512

/** @param digests one after the other @throws the signal's reason */
export async function treeOver(digests: Uint8Array, { signal }: AbortOptions): Promise<MerkleTree> {
  const builder = new MerkleBuilder()
  for (let at = 0; at < digests.length; at += DIGEST_BYTES) {
    builder.push(digests.subarray(at, at + DIGEST_BYTES))
    if (builder.leafCount % SLICE_LEAVES !== 0) continue
    await nextTask()
    signal.throwIfAborted()
  }
  return builder.finish()
}
