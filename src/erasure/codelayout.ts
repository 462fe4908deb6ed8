// Where the blocks of a protected dataset stand: rows, steps, indices (data reference §5.1). Numbers only.

import { describeValue, numberOrDescription } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import { MAX_SLOTS } from '../protocol/checkmanifest.ts'
import type { ProtectedManifest, VerifiableManifest } from '../protocol/manifest.ts'
import { originalBlocksCount } from '../protocol/manifest.ts'

/** Row r of step s is block r * steps + s of the dataset: rows 0 to K-1 hold the original blocks in order, the others parity. */
export interface CodeLayout {
  /** Rows of data. */
  readonly ecK: number
  /** Rows of parity. */
  readonly ecM: number
  /** K + M. */
  readonly rows: number
  readonly originalBlocks: number
  /** Code words, and blocks in each row. */
  readonly steps: number
  /** Blocks in all rows of data; those behind the original ones are padding: empty blocks that count as zeros. */
  readonly roundedBlocks: number
  /** Blocks in all rows. */
  readonly totalBlocks: number
}

/**
 * The layout for so many original blocks. Without parity (M = 0) there are rows of data alone.
 * @throws CodexError `erasure/bad-code` unless 1 <= K, 0 <= M <= K and K + M <= {@link MAX_SLOTS}, `erasure/too-small` for fewer than K blocks
 */
export function codeLayout(originalBlocks: number, ecK: number, ecM: number): CodeLayout {
  const isCount = Number.isSafeInteger(ecK) && Number.isSafeInteger(ecM) && ecK >= 1 && ecM >= 0
  if (!isCount || ecM > ecK || ecK + ecM > MAX_SLOTS)
    throw new CodexError(
      'erasure/bad-code',
      `expected K of at least 1, M of at most K, and ${MAX_SLOTS} together at most, found K ${describeValue(ecK)} and M ${describeValue(ecM)}`,
      { detail: { ecK: numberOrDescription(ecK), ecM: numberOrDescription(ecM), maxSlots: MAX_SLOTS } },
    )
  if (originalBlocks < ecK)
    throw new CodexError(
      'erasure/too-small',
      `expected a dataset of at least K = ${ecK} blocks, found ${originalBlocks}: choose a smaller K`,
      { detail: { ecK, foundBlocks: originalBlocks } },
    )
  const steps = Math.ceil(originalBlocks / ecK)
  const rows = ecK + ecM
  return { ecK, ecM, rows, originalBlocks, steps, roundedBlocks: steps * ecK, totalBlocks: steps * rows }
}

/** The layout of a dataset that is protected. @throws CodexError as {@link codeLayout}, for codes that no slots can have */
export function layoutOf(manifest: ProtectedManifest | VerifiableManifest): CodeLayout {
  return codeLayout(originalBlocksCount(manifest), manifest.ecK, manifest.ecM)
}

/** Whether an empty block stands there, only to fill a row of data up. */
export function isPadding({ originalBlocks, roundedBlocks }: CodeLayout, index: number): boolean {
  return index >= originalBlocks && index < roundedBlocks
}
