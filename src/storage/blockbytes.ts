// Bytes of blocks in and out of the slab. Neighbouring units travel in one request, because requests cost more than bytes.

import { concatBytes } from '../lib/bytes.ts'
import type { Bytes } from '../lib/units.ts'
import { MiB } from '../lib/units.ts'
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
  const order = wanted
    .map((_, i) => i)
    .sort((a, b) => (wanted[a] as SlabRange).offset - (wanted[b] as SlabRange).offset)
  const runs: { offset: Bytes; length: Bytes; members: number[] }[] = []
  for (const i of order) {
    const { offset, length } = wanted[i] as SlabRange
    const run = runs.at(-1)
    if (run !== undefined && run.offset + run.length === offset && run.length + length <= MAX_READ_BYTES) {
      run.length += length
      run.members.push(i)
    } else runs.push({ offset, length, members: [i] })
  }
  const parts = new Array<Uint8Array>(wanted.length)
  const read = await slab.read(runs)
  runs.forEach((run, r) => {
    for (const i of run.members) {
      const { offset, length } = wanted[i] as SlabRange
      parts[i] = (read[r] as Uint8Array).subarray(offset - run.offset, offset - run.offset + length)
    }
  })
  return parts
}
