// The self-check: counts everything that is there and compares it with what the store believes. Changes nothing.

import { toHex } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import { decodeCid } from '../protocol/cid.ts'
import { decodeBlockRecord, occupies, unitsOf } from './blockrecord.ts'
import { LEAVES_PREFIX, LeafPage } from './leafpage.ts'
import { countReferences } from './putleaves.ts'
import type { Counters } from './quota.ts'
import type { StoreParts } from './storeparts.ts'
import { BLOCKS_PREFIX } from './storeparts.ts'
import type { UnitMap } from './unitmap.ts'

export interface Recount {
  /** What the store believes. */
  readonly counters: Counters
  /** What is there; `reserved` is nobody's to count here and repeats the belief. */
  readonly counted: Counters
  /** One sentence per disagreement, none when the books are right; at most {@link MAX_PROBLEMS}. */
  readonly problems: readonly string[]
}

const MAX_PROBLEMS = 100
/** Reference counts are compared for this many blocks at a time, about 50 MB of memory; a larger store is walked several times. */
const BLOCKS_PER_PASS = 250_000

/** Holds every change off while it counts. @throws CodexError `store/corrupted-record` when the counters cannot be read, the signal's reason */
export function recount(parts: StoreParts, signal: AbortSignal): Promise<Recount> {
  return parts.ledger.still(async (counters, units) => {
    const problems: string[] = []
    const report = (problem: string): void => {
      if (problems.length < MAX_PROBLEMS) problems.push(problem)
    }
    const counted = await countBlocks(parts, units, counters, report, signal)
    if (counted.blocks !== counters.blocks)
      report(`the store counts ${counters.blocks} blocks, ${counted.blocks} are there`)
    if (counted.used !== counters.used)
      report(`the store counts ${counters.used} bytes used, ${counted.used} are there`)
    const passes = Math.max(1, Math.ceil(counted.blocks / BLOCKS_PER_PASS))
    for (let pass = 0; pass < passes; pass++) await compareReferences(parts, pass, passes, report, signal)
    return { counters, counted, problems }
  })
}

async function countBlocks(
  { datastore }: StoreParts,
  units: UnitMap,
  counters: Counters,
  report: (problem: string) => void,
  signal: AbortSignal,
): Promise<Counters> {
  let blocks = 0
  let used = 0
  const owners = new Set<number>()
  for await (const [key, sealed] of datastore.entries(BLOCKS_PREFIX, { signal })) {
    const record = decoded(() => decodeBlockRecord(key, sealed), report)
    if (record === undefined || !occupies(record)) continue
    blocks++
    used += record.size
    for (const unit of unitsOf(record)) {
      if (owners.has(unit)) report(`slab unit ${unit} belongs to two blocks`)
      if (!units.isCommitted(unit)) report(`slab unit ${unit} is in use but counted as free`)
      owners.add(unit)
    }
  }
  if (units.committedCount() !== owners.size)
    report(`${units.committedCount()} slab units are counted as taken, ${owners.size} are in use`)
  return { blocks, used, reserved: counters.reserved }
}

async function compareReferences(
  { datastore }: StoreParts,
  pass: number,
  passes: number,
  report: (problem: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const mine = (cidBytes: Uint8Array): boolean => (cidBytes.at(-1) as number) % passes === pass
  const references = new Map<string, number>()
  for await (const [key, sealed] of datastore.entries(LEAVES_PREFIX, { signal })) {
    const page = decoded(() => LeafPage.decode(key, sealed), pass === 0 ? report : () => undefined)
    for (const { cid, count } of countReferences(page?.cids() ?? []))
      if (mine(cid.bytes)) references.set(toHex(cid.bytes), (references.get(toHex(cid.bytes)) ?? 0) + count)
  }
  for await (const [key, sealed] of datastore.entries(BLOCKS_PREFIX, { signal })) {
    const cidBytes = key.subarray(BLOCKS_PREFIX.length)
    if (!mine(cidBytes)) continue
    const name = toHex(cidBytes)
    const found = references.get(name) ?? 0
    references.delete(name)
    const record = decoded(
      () => decodeBlockRecord(key, sealed),
      () => undefined,
    )
    if (record !== undefined && record.refCount !== found)
      report(`block ${decodeCid(cidBytes)} counts ${record.refCount} references, ${found} leaves name it`)
  }
  for (const name of references.keys()) report(`leaves name block ${name}, of which there is no record`)
}

function decoded<T>(decode: () => T, report: (problem: string) => void): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (!CodexError.is(error, 'store/corrupted-record')) throw error
    report(error.message)
    return undefined
  }
}
