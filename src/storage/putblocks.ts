// Put: one operation for one block or many. Bytes first, flushed; then one commit that makes them part of the store.

import { toHex } from '../lib/bytes.ts'
import { KiB } from '../lib/units.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import { isEmptyBlockCid } from '../protocol/block.ts'
import { slabPieces, unitsNeeded } from './blockbytes.ts'
import { BlockPlan } from './blockplan.ts'
import type { BlockPlace } from './blockrecord.ts'
import { servable } from './blockrecord.ts'
import type { Change, Key } from './datastore.ts'
import { freeBytes, quotaExceeded } from './quota.ts'
import type { SlabPiece } from './slabfile.ts'
import type { StoreParts } from './storeparts.ts'
import { blockKey, readBlockRecords } from './storeparts.ts'
import type { VerifiedBlock } from './verifiedblock.ts'

/** Smaller blocks live in their index record: a manifest of some hundred bytes must not occupy a slab unit. */
export const INLINE_BELOW_BYTES: Bytes = 32 * KiB

/** `present`: the store had it already (or it is the empty block, which needs no storing). */
export type PutOutcome = 'stored' | 'present'

export interface Put {
  readonly block: VerifiedBlock
  /** Keep it at least until then. */
  readonly expiry: Seconds
}

export interface Put {
  readonly block: VerifiedBlock
  /** Keep it at least until then. */
  readonly expiry: Seconds
}

/**
 * Stores what is missing and prolongs the rest, atomically, together with `also`. Settles when durable.
 * @throws CodexError `store/quota-exceeded`, `slab/full`, `datastore/full` and other failures of the stores: nothing is stored then
 */
export async function putBlocks(
  parts: StoreParts,
  puts: readonly Put[],
  also: readonly Change[] = [],
): Promise<PutOutcome[]> {
  const names = puts.map(({ block }) => toHex(block.cid.bytes))
  const candidates = new Map<string, Candidate>()
  for (const [i, { block, expiry }] of puts.entries()) {
    const name = names[i] as string
    if (isEmptyBlockCid(block.cid)) continue
    const latest = Math.max(expiry, candidates.get(name)?.expiry ?? 0)
    candidates.set(name, { name, key: blockKey(block.cid), block, expiry: latest })
  }
  for (;;) {
    const stored = await attempt(parts, [...candidates.values()], also)
    if (stored !== 'lost one') return names.map((name) => (stored.delete(name) ? 'stored' : 'present'))
  }
}

interface Candidate extends Put {
  readonly name: string
  readonly key: Key
}

/** The names that were stored, or that a block we meant to keep was deleted before we could commit: then nothing was changed. */
async function attempt(
  parts: StoreParts,
  candidates: readonly Candidate[],
  also: readonly Change[],
): Promise<Set<string> | 'lost one'> {
  const keys = candidates.map(({ key }) => key)
  const known = await readBlockRecords(parts.datastore, keys)
  const fresh = candidates.filter((_, i) => !servable(known[i]))
  await requireRoom(parts, fresh)
  const places = new Map<Candidate, BlockPlace>()
  const units = await parts.ledger.allocate(sum(fresh, ({ block }) => slabUnits(block)))
  try {
    await writeBytes(parts, fresh, units, places)
    return await parts.ledger.update<Set<string> | 'lost one'>(async () => {
      const before = await readBlockRecords(parts.datastore, keys)
      const plan = new BlockPlan()
      const stored = new Set<string>()
      for (const [i, candidate] of candidates.entries()) {
        const record = before[i]
        const { key, block, expiry } = candidate
        if (servable(record)) {
          if (record.expiry < expiry) plan.replace(key, record, { ...record, expiry })
          continue
        }
        const place = places.get(candidate)
        if (place === undefined) return [new BlockPlan().plan, 'lost one']
        plan.replace(key, record, {
          size: block.bytes.length,
          expiry: Math.max(expiry, record?.expiry ?? 0),
          refCount: record?.refCount ?? 0,
          place,
        })
        stored.add(candidate.name)
      }
      return [plan.also(...also).plan, stored]
    })
  } finally {
    // Units that the commit took are pending no longer: giving those back changes nothing.
    parts.ledger.giveBack(units)
  }
}

/** Fails early, before bytes are written; the commit checks again. */
async function requireRoom({ ledger }: StoreParts, fresh: readonly Candidate[]): Promise<void> {
  const needed = sum(fresh, ({ block }) => block.bytes.length)
  if (needed === 0) return
  const counters = await ledger.counters()
  if (needed > freeBytes(counters, ledger.total)) throw quotaExceeded(counters, needed, ledger.total)
}

/** Gives each candidate its place; slab bytes are durable once this settles. */
async function writeBytes(
  { slab }: StoreParts,
  candidates: readonly Candidate[],
  units: readonly number[],
  places: Map<Candidate, BlockPlace>,
): Promise<void> {
  const pieces: SlabPiece[] = []
  let next = 0
  for (const candidate of candidates) {
    const { bytes } = candidate.block
    const count = slabUnits(candidate.block)
    const own = units.slice(next, next + count)
    next += count
    places.set(candidate, count === 0 ? { at: 'inline', bytes } : { at: 'slab', units: own })
    pieces.push(...slabPieces(bytes, own))
  }
  if (pieces.length === 0) return
  await slab.write(pieces)
  await slab.flush()
}

function slabUnits({ bytes }: VerifiedBlock): number {
  return bytes.length < INLINE_BELOW_BYTES ? 0 : unitsNeeded(bytes.length)
}

function sum<T>(items: readonly T[], amount: (item: T) => number): number {
  return items.reduce((total, item) => total + amount(item), 0)
}
