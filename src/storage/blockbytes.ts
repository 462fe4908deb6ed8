// Bytes of blocks in and out of the slab. Neighbouring units travel in one request, because requests cost more than bytes.

import { concatBytes } from '../lib/bytes.ts'
import type { Bytes } from '../lib/units.ts'
import { MiB } from '../lib/units.ts'
import { adjacentRuns } from './adjacentruns.ts'
import type { BlockRecord } from './blockrecord.ts'
import { unitsOf } from './blockrecord.ts'
import type { SlabFile, SlabPiece, SlabRange } from './slabfile.ts'
import { UNIT_BYTES } from './unitmap.ts'

/** Neighbours are joined into reads of at most this size, which bounds what one straggler keeps alive. */
const MAX_READ_BYTES: Bytes = MiB

export function unitsNeeded(size: Bytes): number {
  return Math.ceil(size / UNIT_BYTES)
}

/** The pieces that put `bytes` into `units`. */
export function slabPieces(bytes: Uint8Array, units: readonly number[]): SlabPiece[] {
  return units.map((unit, i) => ({
    offset: unit * UNIT_BYTES,
    bytes: bytes.subarray(i * UNIT_BYTES, (i + 1) * UNIT_BYTES),
  }))
}

/** The bytes the records claim, unchecked; shorter than `size` where the file ends early. Inline and gone records have none here. */
export async function readSlab(slab: SlabFile, records: readonly BlockRecord[]): Promise<Uint8Array[]> {
  const wanted = records.flatMap((record, owner) =>
    unitsOf(record).map((unit, i) => ({
      owner,
      offset: unit * UNIT_BYTES,
      length: Math.min(UNIT_BYTES, record.size - i * UNIT_BYTES),
    })),
  )
  const parts = await readJoined(slab, wanted)
  const byOwner = records.map((): Uint8Array[] => [])
  wanted.forEach(({ owner }, i) => byOwner[owner]?.push(parts[i] as Uint8Array))
  return byOwner.map((own) => (own.length === 1 ? (own[0] as Uint8Array) : concatBytes(...own)))
}

async function readJoined(slab: SlabFile, wanted: readonly SlabRange[]): Promise<Uint8Array[]> {
  const inOrder = wanted.map(({ offset, length }, index) => ({ index, offset, length }))
  inOrder.sort((a, b) => a.offset - b.offset)
  const runs = adjacentRuns(inOrder, {
    lengthOf: ({ length }) => length,
    maxBytes: MAX_READ_BYTES,
    maxItems: MAX_READ_BYTES / UNIT_BYTES,
  })
  const offsetOf = (run: readonly SlabRange[]): Bytes => (run[0] as SlabRange).offset
  const read = await slab.read(
    runs.map((run) => ({ offset: offsetOf(run), length: run.reduce((total, { length }) => total + length, 0) })),
  )
  const parts = new Array<Uint8Array>(wanted.length)
  for (const [r, run] of runs.entries())
    for (const { index, offset, length } of run)
      parts[index] = (read[r] as Uint8Array).subarray(offset - offsetOf(run), offset - offsetOf(run) + length)
  return parts
}
