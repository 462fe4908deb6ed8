// Which code K data and M parity blocks make, and what is refused as none. Numbers only: it sees no block's content.

import { CodexError } from '../../src/lib/errors.ts'

/** Data reference §5.4. Rows are numbered as slots are: 0 to K-1 are data, K to K+M-1 are parity. */
export interface LeopardShape {
  readonly dataCount: number
  readonly parityCount: number
  /** Positions that parity takes in the code: the least power of two that holds it; data follows. */
  readonly parityPositions: number
  /** Positions of the code word, a power of two: parity, data, zeros. */
  readonly positions: number
  /** `copy` and `xor` need no field; else the bits of a symbol. */
  readonly method: 'copy' | 'xor' | 8 | 16
}

/** Blocks are whole groups of this many bytes. */
export const GROUP_BYTES = 64
/** Positions of the largest code: the elements of GF(2^16). */
export const MAX_POSITIONS = 65_536

const POSITIONS_OF_8_BITS = 256

/**
 * The code of `dataCount` (K) and `parityCount` (M) blocks; M may be 0.
 * @throws CodexError `erasure/no-data`, `erasure/not-a-count`, `erasure/more-parity-than-data`, `erasure/too-many-rows`
 */
export function leopardShape(dataCount: number, parityCount: number): LeopardShape {
  const detail = { dataCount, parityCount }
  for (const [name, count] of Object.entries(detail))
    if (!Number.isSafeInteger(count) || count < 0)
      throw new CodexError('erasure/not-a-count', `expected ${name} from 0, found ${String(count)}`, { detail })
  if (dataCount < 1) throw new CodexError('erasure/no-data', 'expected at least one data block, found none', { detail })
  if (parityCount > dataCount)
    throw new CodexError(
      'erasure/more-parity-than-data',
      `expected at most as many parity blocks as data blocks (${dataCount}), found ${parityCount}`,
      { detail },
    )
  const parityPositions = powerOfTwoFrom(Math.max(1, parityCount))
  const positions = powerOfTwoFrom(parityPositions + dataCount)
  if (positions > MAX_POSITIONS)
    throw new CodexError(
      'erasure/too-many-rows',
      `expected a code of at most ${MAX_POSITIONS} positions; ${dataCount} data and ${parityCount} parity blocks need ${positions}`,
      { detail: { ...detail, positions, limit: MAX_POSITIONS } },
    )
  return { dataCount, parityCount, parityPositions, positions, method: method(dataCount, parityCount, positions) }
}

function method(dataCount: number, parityCount: number, positions: number): LeopardShape['method'] {
  if (dataCount === 1) return 'copy'
  if (parityCount <= 1) return 'xor'
  return positions <= POSITIONS_OF_8_BITS ? 8 : 16
}

/** Where row `row` stands in the code word. */
export function positionOf(shape: LeopardShape, row: number): number {
  return row < shape.dataCount ? shape.parityPositions + row : row - shape.dataCount
}

/**
 * The one size of all `blocks`, where undefined stands for a missing one; undefined when all are missing.
 * @throws CodexError `erasure/unequal-blocks`, `erasure/not-whole-groups`
 */
export function blockBytesOf(blocks: readonly (Uint8Array | undefined)[]): number | undefined {
  let size: number | undefined
  blocks.forEach((block, row) => {
    if (block === undefined) return
    size ??= block.length
    if (block.length !== size)
      throw new CodexError(
        'erasure/unequal-blocks',
        `expected blocks of one size (${size} bytes), found ${block.length} bytes in row ${row}`,
        { detail: { row, expectedBytes: size, foundBytes: block.length } },
      )
  })
  if (size !== undefined && (size === 0 || size % GROUP_BYTES !== 0))
    throw new CodexError(
      'erasure/not-whole-groups',
      `expected blocks of a multiple of ${GROUP_BYTES} bytes, found ${size} bytes`,
      { detail: { groupBytes: GROUP_BYTES, foundBytes: size } },
    )
  return size
}

function powerOfTwoFrom(least: number): number {
  return 2 ** Math.ceil(Math.log2(least))
}
