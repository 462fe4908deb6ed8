// A RepoStore over memory whose disk can crash: what is committed survives, what the slab had not flushed may be lost or torn.

import type * as NodeCrypto from 'node:crypto'
import { sha256 } from '@noble/hashes/sha2.js'
import { Log } from '../../src/lib/log.ts'
import type { LogRecord } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { Datasets } from '../../src/storage/datasets.ts'
import type { Datastore } from '../../src/storage/datastore.ts'
import type { Hasher } from '../../src/storage/hasher.ts'
import type { MaintenanceSettings } from '../../src/storage/maintenance.ts'
import { Maintenance } from '../../src/storage/maintenance.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import type { RecoverBlocks } from '../../src/storage/readdataset.ts'
import type { RepoStoreSettings } from '../../src/storage/repostore.ts'
import { RepoStore } from '../../src/storage/repostore.ts'
import type { SlabFile } from '../../src/storage/slabfile.ts'
import type { Random } from './crashingslabfile.ts'
import { CrashingSlabFile } from './crashingslabfile.ts'

/** Node's own where there is Node: many times faster. Named so that vite does not look for it in a tab. */
const NODE_CRYPTO = 'node:crypto'
const native =
  'window' in globalThis ? undefined : ((await import(/* @vite-ignore */ NODE_CRYPTO)) as typeof NodeCrypto)
const sha256Of = (message: Uint8Array): Uint8Array =>
  native === undefined ? sha256(message) : new Uint8Array(native.createHash('sha256').update(message).digest())

export const TEST_HASHER: Hasher = {
  sha256: async (messages) => messages.map(sha256Of),
  memory: (bytes) => new Uint8Array(bytes),
}

export interface TestStore<Slab extends SlabFile = SlabFile> {
  readonly repo: RepoStore
  readonly datasets: Datasets
  readonly maintenance: Maintenance
  readonly clock: ManualClock
  readonly datastore: Datastore
  readonly slab: Slab
  readonly logged: LogRecord[]
}

/** The storage parts of a node over these stores. */
export function testStore<Slab extends SlabFile>(
  { datastore, slab, clock = new ManualClock(1_000_000) }: { datastore: Datastore; slab: Slab; clock?: ManualClock },
  settings: RepoStoreSettings & MaintenanceSettings = {},
  recover?: RecoverBlocks,
): TestStore<Slab> {
  const logged: LogRecord[] = []
  const log = new Log({ clock, levels: new LogLevels('trace'), sinks: [(record) => logged.push(record)] })
  const repo = new RepoStore({ datastore, slab, hasher: TEST_HASHER, clock, log }, settings)
  const datasets = new Datasets(repo, log, recover)
  const maintenance = new Maintenance({ repo, datasets, clock, log }, settings)
  return { repo, datasets, maintenance, clock, datastore, slab, logged }
}

export function memoryStore(settings?: RepoStoreSettings & MaintenanceSettings): TestStore<CrashingSlabFile> {
  return testStore({ datastore: new MemoryDatastore(), slab: new CrashingSlabFile() }, settings)
}

/** The power goes and comes back: same committed records, a slab that kept what was flushed and perhaps more. */
export function afterCrash(
  { datastore, slab, clock }: TestStore<CrashingSlabFile>,
  random: Random,
  settings?: RepoStoreSettings & MaintenanceSettings,
): TestStore<CrashingSlabFile> {
  return testStore({ datastore, slab: slab.crash(random), clock }, settings)
}

/** Evenly spread over [0, 1), the same for the same seed (xorshift32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0 || 1
  return () => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 2 ** 32
  }
}

/** Bytes that follow from the seed: byte by byte the low byte of a xorshift32 state, as the vectors have it. */
export function seededBytes(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = seed >>> 0
  for (let i = 0; i < length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state & 255
  }
  return bytes
}

/** `bytes` as a stream, in pieces of no special size. */
export async function* streamOf(bytes: Uint8Array, pieceBytes = 50_001): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.slice(at, at + pieceBytes)
}

export async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const piece of pieces) parts.push(piece)
  const whole = new Uint8Array(parts.reduce((total, { length }) => total + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

export const NEVER: AbortSignal = new AbortController().signal
