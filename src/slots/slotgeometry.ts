// How large the slots of a dataset are, in blocks, cells and bytes (data reference §7.1). Numbers only: it looks into no block.

import { describeValue, numberOrDescription } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'
import { blocksCount, slotBlocksCount, slotsCount } from '../protocol/manifest.ts'
import type { ProtectedManifest, VerifiableManifest } from '../protocol/manifest.ts'

/** The only cell size that the deployed proof circuit accepts. */
export const CELL_SIZE: Bytes = 2048
/** Cells of the largest slot the circuit has room for: a tree 32 levels deep. */
export const MAX_SLOT_CELLS = 2 ** 32

/** The same for all slots of a dataset. */
export interface SlotGeometry {
  /** K + M */
  readonly slotCount: number
  /** Blocks of the dataset in each slot. */
  readonly slotBlocks: number
  /** The same with those that fill it up to a power of two; they count as zeros and are stored nowhere. */
  readonly paddedBlocks: number
  readonly cellsPerBlock: number
  /** Cells in a padded slot: a power of two. */
  readonly cellCount: number
  /** Bytes of a padded slot: `slotSize` of a storage request. */
  readonly slotBytes: Bytes
}

/**
 * @param cellSize default: the manifest's, or {@link CELL_SIZE} where it has none
 * @throws CodexError `slots/blocks-disagree`, `slots/bad-cell-size`, `slots/slot-too-large`, `manifest/bad-number`
 */
export function slotGeometry(manifest: ProtectedManifest | VerifiableManifest, cellSize?: Bytes): SlotGeometry {
  const slotCount = slotsCount(manifest)
  const blocks = blocksCount(manifest)
  if (blocks === 0 || blocks % slotCount !== 0)
    throw new CodexError(
      'slots/blocks-disagree',
      `expected blocks for whole rows of ${slotCount} slots, found ${blocks} blocks`,
      { detail: { slotCount, blocks } },
    )
  const size = cellSize ?? (manifest.kind === 'verifiable' ? manifest.cellSize : CELL_SIZE)
  const cellsPerBlock = manifest.blockSize / size
  if (!Number.isSafeInteger(size) || size < 1 || !isPowerOfTwo(cellsPerBlock))
    throw new CodexError(
      'slots/bad-cell-size',
      `expected a cellSize that cuts blocks of ${manifest.blockSize} bytes into a power of two, found ${describeValue(size)}`,
      { detail: { what: 'cellSize', blockSize: manifest.blockSize, found: numberOrDescription(size) } },
    )
  const slotBlocks = blocks / slotCount
  const paddedBlocks = 2 ** Math.ceil(Math.log2(slotBlocks))
  const cellCount = paddedBlocks * cellsPerBlock
  if (cellCount > MAX_SLOT_CELLS)
    throw new CodexError(
      'slots/slot-too-large',
      `expected slots of at most ${MAX_SLOT_CELLS} cells, found ${cellCount}: cut the dataset into more slots`,
      { detail: { cellCount, limit: MAX_SLOT_CELLS } },
    )
  const slotBytes = paddedBlocks * manifest.blockSize
  return { slotCount, slotBlocks, paddedBlocks, cellsPerBlock, cellCount, slotBytes }
}

/**
 * Which block of the dataset is the `position`-th of a slot, under the linear strategy; undefined for those that only fill the slot up.
 * @throws CodexError `slots/no-such-slot`, `slots/no-such-block`
 */
export function slotBlockIndex(geometry: SlotGeometry, slotIndex: number, position: number): number | undefined {
  checkSlotIndex(slotIndex, geometry.slotCount)
  if (!isIndex(position, geometry.paddedBlocks))
    throw new CodexError(
      'slots/no-such-block',
      `expected a position from 0 to ${geometry.paddedBlocks - 1} in the slot, found ${describeValue(position)}`,
      { detail: { slotIndex, position: numberOrDescription(position), blocks: geometry.paddedBlocks } },
    )
  return position < geometry.slotBlocks ? slotIndex * geometry.slotBlocks + position : undefined
}

/** Where the blocks of a slot stand in the dataset: from `first` up to `end`, exclusive. @throws CodexError `slots/no-such-slot` */
export function slotRange(
  manifest: ProtectedManifest | VerifiableManifest,
  slotIndex: number,
): { readonly first: number; readonly end: number } {
  checkSlotIndex(slotIndex, slotsCount(manifest))
  const blocks = slotBlocksCount(manifest)
  return { first: slotIndex * blocks, end: (slotIndex + 1) * blocks }
}

/** @throws CodexError `slots/no-such-slot` */
export function checkSlotIndex(slotIndex: number, slotCount: number): void {
  if (isIndex(slotIndex, slotCount)) return
  throw new CodexError(
    'slots/no-such-slot',
    `expected a slot index from 0 to ${slotCount - 1}, found ${describeValue(slotIndex)}`,
    { detail: { slotIndex: numberOrDescription(slotIndex), slotCount } },
  )
}

function isIndex(value: number, count: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value < count
}

export function isPowerOfTwo(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1 && 2 ** Math.round(Math.log2(value)) === value
}
