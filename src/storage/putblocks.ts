// Put: one operation for one block or many. Bytes first, flushed; then one commit that makes them part of the store.

import { CodexError } from '../lib/errors.ts'
import { KiB } from '../lib/units.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import { isEmptyBlockCid } from '../protocol/block.ts'
import { isManifestCid } from '../protocol/cid.ts'
import { slabPieces, unitsNeeded } from './blockbytes.ts'
import { BlockPlan } from './blockplan.ts'
import type { BlockPlace, BlockRecord } from './blockrecord.ts'
import { decodeBlockRecord, occupies, servable } from './blockrecord.ts'
import type { Change, CommitOptions, Key } from './datastore.ts'
import { LeafPages } from './leafpage.ts'
import type { Plan } from './ledger.ts'
import { countReferences } from './putleaves.ts'
import { freeBytes, quotaExceeded } from './quota.ts'
import type { SlabPiece } from './slabfile.ts'
import type { StoreParts } from './storeparts.ts'
import { blockKey } from './storeparts.ts'
import { trimSlab } from './trimslab.ts'
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

/** What is committed together with the blocks. */
export interface PutExtras {
  /** Records of the caller's, asked for while nothing can change. */
  readonly also?: (() => Promise<readonly Change[]>) | undefined
  /** The blocks are leaves of this tree, `indices` in their order; each new leaf is a reference. */
  readonly leaves?: { readonly treeId: number; readonly indices: readonly number[] } | undefined
  /** Pays for what the put adds; the free space does when there is none. */
  readonly setAside?: SetAside | undefined
  /** `relaxed` when a later strict commit decides whether any of this counts; bytes are flushed all the same. */
  readonly durability?: CommitOptions['durability'] | undefined
  /** As of a {@link Plan}. */
  readonly beyondBytes?: Bytes | undefined
}

/**
 * Space reserved beforehand. Bytes that a put really adds to `used` leave `reserved` in the same commit. A block whose leaf is here already was paid
 * once, and the bytes became free when it went: the free space pays for it when it comes back.
 */
export interface SetAside {
  /** Asked before bytes are written. Throws when they are more than it can pay for. */
  readonly check: (bytes: Bytes) => void
  /** Asked while nothing can change, with what this commit adds (0 when all of it is present): the records that go with it. Throws as `check`. */
  readonly spend: (bytes: Bytes) => Pick<Plan, 'changes' | 'applied'> | Promise<Pick<Plan, 'changes' | 'applied'>>
}

/**
 * Stores what is missing and prolongs the rest, atomically, together with the extras. Settles when durable.
 * @throws CodexError `store/quota-exceeded`, `slab/full`, `datastore/full` and other failures of the stores: nothing is stored then
 */
export async function putBlocks(
  parts: StoreParts,
  puts: readonly Put[],
  extras: PutExtras = {},
): Promise<PutOutcome[]> {
  const names = puts.map(({ block }) => block.cid.key)
  const candidates = new Map<string, Candidate>()
  for (const [i, { block, expiry }] of puts.entries()) {
    const name = names[i] as string
    if (isEmptyBlockCid(block.cid)) continue
    const latest = Math.max(expiry, candidates.get(name)?.expiry ?? 0)
    candidates.set(name, { name, key: blockKey(block.cid), block, expiry: latest })
  }
  for (;;) {
    const stored = await attempt(parts, puts, [...candidates.values()], extras)
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
  puts: readonly Put[],
  candidates: readonly Candidate[],
  extras: PutExtras,
): Promise<Set<string> | 'lost one'> {
  const known = await readRecords(parts, candidates)
  const fresh = candidates.filter((_, i) => !servable(known[i]))
  await requireRoom(parts, puts, { candidates, known }, extras)
  const places = new Map<Candidate, BlockPlace>()
  const units = await parts.ledger.allocate(sum(fresh, ({ block }) => slabUnits(block)))
  try {
    await writeBytes(parts, fresh, units, places)
    return await parts.ledger.update<Set<string> | 'lost one'>(async () => {
      const before = await readRecords(parts, candidates)
      const { changes, references, named } = await planLeaves(parts, puts, extras)
      const plan = new BlockPlan().also(...changes)
      const stored = new Set<string>()
      let paidBefore = 0
      for (const [i, candidate] of candidates.entries()) {
        const record = before[i]
        const place = servable(record) ? record.place : places.get(candidate)
        if (place === undefined) return [{ changes: [] }, 'lost one']
        const after: BlockRecord = {
          size: candidate.block.bytes.length,
          expiry: Math.max(candidate.expiry, record?.expiry ?? 0),
          refCount: (record?.refCount ?? 0) + (references.get(candidate.name) ?? 0),
          place,
        }
        if (!servable(record)) stored.add(candidate.name)
        else if (record.expiry === after.expiry && record.refCount === after.refCount) continue
        if (addsBytes(record) && named.has(candidate.name)) paidBefore += after.size
        plan.replace(candidate.key, record, after)
      }
      const paid = await payFor(plan, extras.setAside, paidBefore)
      const { durability, beyondBytes } = extras
      return [{ ...paid, ...(durability && { durability }), beyondBytes }, stored]
    })
  } catch (error) {
    parts.ledger.giveBack(units)
    // What was written for nothing goes at once: it may be all that stands between a full disk and the next commit.
    if (units.length > 0) await trimSlab(parts).catch(() => undefined)
    throw error
  } finally {
    // Units that the commit took are pending no longer: giving those back changes nothing.
    parts.ledger.giveBack(units)
  }
}

/**
 * The record of a manifest that was in it whole is known where it cannot be read: nothing refers to a manifest, and its bytes are counted. It is stored anew.
 * @throws CodexError `store/corrupted-record` for that of any other block
 */
async function readRecords(
  { datastore }: StoreParts,
  candidates: readonly Candidate[],
): Promise<(BlockRecord | undefined)[]> {
  const sealed = await datastore.getMany(candidates.map(({ key }) => key))
  return candidates.map(({ key, block }, i) => {
    const record = sealed[i]
    try {
      return record && decodeBlockRecord(key, record)
    } catch (error) {
      const isKnown = isManifestCid(block.cid) && slabUnits(block) === 0
      if (!isKnown || !CodexError.is(error, 'store/corrupted-record')) throw error
      return { size: block.bytes.length, expiry: 0, refCount: 0, place: { at: 'quarantined', units: [] } }
    }
  })
}

/** The plan, with the bytes it adds moved from reserved to used where they were set aside. @param paidBefore of them, those that were paid once */
async function payFor(plan: BlockPlan, setAside: SetAside | undefined, paidBefore: Bytes): Promise<Plan> {
  if (setAside === undefined) return plan.plan
  const added = (plan.plan.delta?.used ?? 0) - paidBefore
  const { changes, applied } = await setAside.spend(added)
  const { delta, ...rest } = plan.also(...changes).plan
  return { ...rest, applied, ...(delta && { delta: { ...delta, reserved: -added } }) }
}

/** The leaves to add, by key of the CID how many references they are, and the blocks whose leaf is there already. */
async function planLeaves(
  { datastore }: StoreParts,
  puts: readonly Put[],
  { also = async () => [], leaves }: Pick<PutExtras, 'also' | 'leaves'>,
): Promise<{
  readonly changes: readonly Change[]
  readonly references: ReadonlyMap<string, number>
  readonly named: ReadonlySet<string>
}> {
  if (leaves === undefined) return { changes: await also(), references: new Map(), named: new Set() }
  const pages = await LeafPages.read(datastore, leaves.treeId, leaves.indices)
  const names = leaves.indices.map((index) => pages.get(index)).filter((cid) => cid !== undefined)
  const added = puts.filter(({ block }, i) => pages.add(leaves.indices[i] as number, block.cid))
  const counts = countReferences(added.map(({ block }) => block.cid))
  return {
    changes: [...pages.changes(), ...(await also())],
    references: new Map(counts.map(({ cid, count }) => [cid.key, count])),
    named: new Set(names.map(({ key }) => key)),
  }
}

/** Fails early, before bytes are written; the commit checks again. */
async function requireRoom(
  parts: StoreParts,
  puts: readonly Put[],
  {
    candidates,
    known,
  }: { readonly candidates: readonly Candidate[]; readonly known: readonly (BlockRecord | undefined)[] },
  { setAside, leaves, beyondBytes = 0 }: PutExtras,
): Promise<void> {
  const adding = candidates.filter((_, i) => addsBytes(known[i]))
  if (adding.length === 0) return
  const { named } = await planLeaves(parts, puts, { leaves: setAside && leaves })
  const neededOf = (some: readonly Candidate[]): Bytes => sum(some, ({ block }) => block.bytes.length)
  const fromFree = setAside === undefined ? adding : adding.filter(({ name }) => named.has(name))
  const fromReserved = neededOf(adding) - neededOf(fromFree)
  if (setAside !== undefined && fromReserved > 0) setAside.check(fromReserved)
  const needed = neededOf(fromFree)
  if (needed === 0) return
  const counters = await parts.ledger.counters()
  const total = parts.ledger.total + beyondBytes
  if (needed > freeBytes(counters, total)) throw quotaExceeded(counters, needed, total)
}

/** Whether a put of it makes the store larger: a block in quarantine takes its space already. */
function addsBytes(record: BlockRecord | undefined): boolean {
  return record === undefined || !occupies(record)
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
