// Which bytes of the slab are which block's. Joining neighbours into few requests is the slab file's business.

import { concatBytes } from '../lib/bytes.ts'
import type { Bytes } from '../lib/units.ts'
import type { BlockRecord } from './blockrecord.ts'
import { unitsOf } from './blockrecord.ts'
import type { SlabFile, SlabPiece, TakeMemory } from './slabfile.ts'
import { UNIT_BYTES } from './unitmap.ts'

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
export async function readSlab(
  slab: SlabFile,
  records: readonly BlockRecord[],
  memory?: TakeMemory,
): Promise<Uint8Array[]> {
  const wanted = records.flatMap((record, owner) =>
    unitsOf(record).map((unit, i) => ({
      owner,
      offset: unit * UNIT_BYTES,
      length: Math.min(UNIT_BYTES, record.size - i * UNIT_BYTES),
    })),
  )
  // Manifests lie in their records: reading them needs no slab, and so a viewer has none.
  const parts = wanted.length === 0 ? [] : await slab.read(wanted, memory)
  const byOwner = records.map((): Uint8Array[] => [])
  wanted.forEach(({ owner }, i) => byOwner[owner]?.push(parts[i] as Uint8Array))
  return byOwner.map((own) => (own.length === 1 ? (own[0] as Uint8Array) : concatBytes(...own)))
}
