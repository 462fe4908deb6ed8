// The accounting over a store in memory, with terms and slots that fit each other, for tests to vary.

import type { RandomSource } from '../../src/lib/random.ts'
import type { ManualClock } from '../../src/lib/manualclock.ts'
import type { Availability, AvailabilityId } from '../../src/sales/availability.ts'
import type { NewTerms } from '../../src/sales/availabilityterms.ts'
import { Reservations } from '../../src/sales/reservations.ts'
import type { SlotTaking } from '../../src/sales/takeslot.ts'
import type { RequestId } from '../../src/protocol/request.ts'
import type { Datastore } from '../../src/storage/datastore.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import type { RepoStoreSettings } from '../../src/storage/repostore.ts'
import type { SlabFile } from '../../src/storage/slabfile.ts'
import type { VerifiedBlock } from '../../src/storage/verifiedblock.ts'
import { hashBlocks } from '../../src/storage/verifiedblock.ts'
import { CrashingSlabFile } from './crashingslabfile.ts'
import { FaultyDatastore } from './faultydatastore.ts'
import type { TestStore } from './memorystore.ts'
import { type Around, wired } from './tripwire.ts'
import { NEVER, TEST_HASHER, afterCrash, seededBytes, seededRandom, testStore } from './memorystore.ts'

export interface SalesParts extends TestStore<CrashingSlabFile> {
  /** What is really committed. */
  readonly records: MemoryDatastore
  readonly faults: FaultyDatastore
  readonly reservations: Reservations
  readonly alerts: readonly string[]
}

export interface SalesSettings extends RepoStoreSettings {
  readonly settlePages?: number
  readonly seed?: number
  /** Stands between every call of the datastore and the slab and what it does. */
  readonly around?: Around | undefined
}

export function seededSource(seed: number): RandomSource {
  const fraction = seededRandom(seed)
  return { fraction, bytes: (length) => Uint8Array.from({ length }, () => Math.floor(fraction() * 256)) }
}

export async function salesParts(settings: SalesSettings = {}): Promise<SalesParts> {
  const records = new MemoryDatastore()
  const faults = new FaultyDatastore(records, settings.around)
  return opened(storeOver(new CrashingSlabFile(), faults, settings), records, faults, settings)
}

/** The power goes and comes back: what was committed is there. */
export async function restarted(
  before: Pick<SalesParts, keyof TestStore | 'records'>,
  settings: SalesSettings = {},
): Promise<SalesParts> {
  const { records } = before
  const faults = new FaultyDatastore(records, settings.around)
  const crashed = afterCrash(before, seededRandom(settings.seed ?? 7), settings)
  return opened(storeOver(crashed.slab, faults, settings, crashed.clock), records, faults, settings)
}

const SLAB_VERBS = ['read', 'write', 'flush', 'size', 'truncate'] as const satisfies readonly (keyof SlabFile)[]

function storeOver(
  slab: CrashingSlabFile,
  datastore: Datastore,
  settings: SalesSettings,
  clock?: ManualClock,
): TestStore<CrashingSlabFile> {
  const { around } = settings
  const given = around === undefined ? slab : wired<SlabFile>(slab, 'slab', SLAB_VERBS, around)
  const store = testStore({ datastore, slab: given, ...(clock !== undefined && { clock }) }, settings)
  // Crashes are the disk's own.
  return { ...store, slab }
}

async function opened(
  store: TestStore<CrashingSlabFile>,
  records: MemoryDatastore,
  faults: FaultyDatastore,
  { settlePages, seed = 1 }: SalesSettings,
): Promise<SalesParts> {
  const random = seededSource(seed + 1000 * ++starts)
  const { reservations, alerts } = await Reservations.open(
    { repo: store.repo, random, log: store.repo.parts.log },
    { signal: NEVER, settlePages },
  )
  return { ...store, records, faults, reservations, alerts }
}

/** Ids must differ from those of the run before. */
let starts = 0

export const BLOCK = 65_536
export const PRICE = 10n
export const COLLATERAL_PER_BYTE = 2n

/** Room and collateral for `slots` slots of {@link slot}. */
export function terms(slots = 4, changes: Partial<NewTerms> = {}): NewTerms {
  const totalSize = slots * 4 * BLOCK
  return {
    totalSize,
    duration: 3600,
    minPricePerBytePerSecond: PRICE,
    totalCollateral: BigInt(totalSize) * COLLATERAL_PER_BYTE,
    ...changes,
  }
}

/** Of four blocks, of the request with this number. */
export function slot(request: number, slotIndex = 0, changes: Partial<SlotTaking> = {}): SlotTaking {
  return {
    requestId: requestIdOf(request),
    slotIndex,
    slotSize: BigInt(4 * BLOCK),
    duration: 3600n,
    pricePerBytePerSecond: PRICE,
    collateralPerByte: COLLATERAL_PER_BYTE,
    requestEnd: 2_000_000,
    ...changes,
  }
}

export function requestIdOf(number: number): RequestId {
  return `0x${number.toString(16).padStart(64, '0')}` as RequestId
}

export function availabilityIdOf(number: number): AvailabilityId {
  return `0x${number.toString(16).padStart(64, '0')}` as AvailabilityId
}

/** One that matches {@link slot}. */
export function availability(changes: Partial<Availability> = {}): Availability {
  const { totalSize, totalCollateral, ...rest } = terms()
  return {
    id: availabilityIdOf(1),
    totalSize,
    freeSize: totalSize,
    totalCollateral,
    totalRemainingCollateral: totalCollateral,
    enabled: true,
    until: 0,
    ...rest,
    ...changes,
  }
}

export function blocksOf(seeds: readonly number[], size = BLOCK): Promise<VerifiedBlock[]> {
  return hashBlocks(
    TEST_HASHER,
    seeds.map((seed) => seededBytes(size, seed)),
  )
}
