// The index record of one block: where its bytes lie, how long it is kept, who refers to it. Codec only; rules live in RepoStore.

import type { Bytes, Seconds } from '../lib/units.ts'
import type { Key } from './datastore.ts'
import { corruptedRecord, openRecord, sealRecord } from './sealedrecord.ts'

/**
 * Where the bytes of a block are.
 * `inline`: in the record itself (small blocks, so that a manifest never occupies a whole slab unit).
 * `slab`: in these units of the slab, in order.
 * `quarantined`: as `slab`, but a read found the wrong hash; kept as evidence, never served, replaced by the next put.
 * `gone`: expired or lost while leaves still refer to it; remembers the count so that a later put finds it right.
 */
export type BlockPlace =
  | { readonly at: 'inline'; readonly bytes: Uint8Array }
  | { readonly at: 'slab' | 'quarantined'; readonly units: readonly number[] }
  | { readonly at: 'gone' }

export interface BlockRecord {
  readonly size: Bytes
  /** Kept at least until then, whoever refers to it. */
  readonly expiry: Seconds
  /** Number of tree leaves that name this block. */
  readonly refCount: number
  readonly place: BlockPlace
}

const PLACES = ['inline', 'slab', 'quarantined', 'gone'] as const
// place u8 | expiry f64 | refCount u32 | size u32, all little-endian, then inline bytes or u32 units
const HEADER_BYTES = 17

export function encodeBlockRecord(record: BlockRecord): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES)
  const view = new DataView(header.buffer)
  view.setUint8(0, PLACES.indexOf(record.place.at))
  view.setFloat64(1, record.expiry, true)
  view.setUint32(9, record.refCount, true)
  view.setUint32(13, record.size, true)
  switch (record.place.at) {
    case 'gone':
      return sealRecord(header)
    case 'inline':
      return sealRecord(header, record.place.bytes)
    case 'slab':
    case 'quarantined':
      return sealRecord(header, encodeUnits(record.place.units))
  }
}

/** @throws CodexError `store/corrupted-record` */
export function decodeBlockRecord(key: Key, sealed: Uint8Array): BlockRecord {
  const payload = openRecord(key, sealed)
  if (payload.length < HEADER_BYTES) throw corruptedRecord(key, 'a block record is cut short')
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
  const at = PLACES[view.getUint8(0)]
  const expiry = view.getFloat64(1, true)
  const size = view.getUint32(13, true)
  const rest = payload.subarray(HEADER_BYTES)
  if (at === undefined || !Number.isSafeInteger(expiry))
    throw corruptedRecord(key, 'a block record holds impossible values')
  if (at === 'inline' && rest.length !== size)
    throw corruptedRecord(key, 'an inline block has another length than its record says')
  return { size, expiry, refCount: view.getUint32(9, true), place: decodePlace(key, at, rest) }
}

/** Whether the bytes count in `used`: everything but `gone` occupies space. */
export function occupies(record: BlockRecord): boolean {
  return record.place.at !== 'gone'
}

/** A record whose bytes a read may serve. */
export interface ServableRecord extends BlockRecord {
  readonly place:
    Extract<BlockPlace, { readonly at: 'inline' }> | { readonly at: 'slab'; readonly units: readonly number[] }
}

export function servable(record: BlockRecord | undefined): record is ServableRecord {
  return record !== undefined && (record.place.at === 'inline' || record.place.at === 'slab')
}

/** The slab units the record holds, quarantined ones included. */
export function unitsOf(record: BlockRecord): readonly number[] {
  return 'units' in record.place ? record.place.units : []
}

function encodeUnits(units: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * units.length)
  const view = new DataView(bytes.buffer)
  units.forEach((unit, i) => view.setUint32(4 * i, unit, true))
  return bytes
}

function decodePlace(key: Key, at: BlockPlace['at'], rest: Uint8Array): BlockPlace {
  switch (at) {
    case 'gone':
      return { at }
    case 'inline':
      return { at, bytes: rest }
    case 'slab':
    case 'quarantined': {
      // None at all is what an inline block has in quarantine.
      if ((rest.length === 0 && at === 'slab') || rest.length % 4 !== 0)
        throw corruptedRecord(key, 'a block record lists no whole units')
      const view = new DataView(rest.buffer, rest.byteOffset, rest.length)
      return { at, units: Array.from({ length: rest.length / 4 }, (_, i) => view.getUint32(4 * i, true)) }
    }
  }
}
