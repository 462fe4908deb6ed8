// Blocks of a protected dataset by their places, computed where the store has them not. It stores nothing.

import type { ProtectedManifest, VerifiableManifest } from '../protocol/manifest.ts'
import { PUT_GROUP_BYTES } from '../storage/putgatherer.ts'
import type { VerifiedBlock } from '../storage/verifiedblock.ts'
import { layoutOf } from './codelayout.ts'
import type { ErasureOptions } from './erasure.ts'
import type { RecoverParts } from './recoversteps.ts'
import { recoverSteps } from './recoversteps.ts'

/**
 * As `recoverSteps`, for any places of the dataset, in order; neighbours are computed together. Memory holds K rows of at most `PUT_GROUP_BYTES`, or of one
 * step, and the answer.
 * @throws CodexError as `recoverSteps`
 */
export async function recoverBlocks(
  parts: RecoverParts,
  manifest: ProtectedManifest | VerifiableManifest,
  indices: readonly number[],
  options: ErasureOptions,
): Promise<VerifiedBlock[]> {
  const { steps, ecK } = layoutOf(manifest)
  const most = Math.max(1, Math.floor(PUT_GROUP_BYTES / (ecK * manifest.blockSize)))
  const blocks: VerifiedBlock[] = []
  while (blocks.length < indices.length) {
    options.signal.throwIfAborted()
    const first = indices[blocks.length] as number
    const row = Math.floor(first / steps)
    const end = Math.min(first + most, (row + 1) * steps)
    let count = 1
    while (first + count < end && indices[blocks.length + count] === first + count) count++
    const group = { firstStep: first % steps, count }
    const found = await recoverSteps(parts, manifest, [row], group, options)
    blocks.push(...found.flat().map(({ block }) => block))
  }
  return blocks
}
