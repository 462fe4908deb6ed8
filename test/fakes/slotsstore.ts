// A store over memory with Slots upon it. Blocks are hashed and coded by the real kernels in this thread; a block that was hashed once in a
// run of tests is not hashed again, so that loops over faults are quick.

import { sha256 } from '@noble/hashes/sha2.js'
import type { CodeJobs } from '../../src/erasure/codejobs.ts'
import { codeJobs } from '../../src/erasure/codejobs.ts'
import { concatBytes, toHex } from '../../src/lib/bytes.ts'
import type { ManualClock } from '../../src/lib/manualclock.ts'
import type { HashJobs } from '../../src/slots/hashjobs.ts'
import { hashJobs } from '../../src/slots/hashjobs.ts'
import { pooledCompute } from '../../src/slots/pooledcompute.ts'
import type { Poseidon2, Poseidon2Options } from '../../src/slots/poseidon2.ts'
import { Slots } from '../../src/slots/slots.ts'
import type { Compute } from '../../src/slots/slotsparts.ts'
import type { Datastore } from '../../src/storage/datastore.ts'
import type { MaintenanceSettings } from '../../src/storage/maintenance.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import type { RepoStoreSettings } from '../../src/storage/repostore.ts'
import type { SlabFile } from '../../src/storage/slabfile.ts'
import { loadLeopard } from '../../wasm/leopard/loadleopard.ts'
import { loadPoseidon2 } from '../../wasm/poseidon2/loadposeidon2.ts'
import { CrashingSlabFile } from './crashingslabfile.ts'
import { FakeWorkers } from './fakeworkers.ts'
import type { TestStore } from './memorystore.ts'
import { NEVER, testStore } from './memorystore.ts'

export interface SlotsStore<Slab extends SlabFile = SlabFile> extends TestStore<Slab> {
  readonly slots: Slots
}

/** Slots over these stores; memory by default. */
export function slotsStore<Slab extends SlabFile>(
  stores: { readonly datastore: Datastore; readonly slab: Slab; readonly clock?: ManualClock },
  settings: RepoStoreSettings & MaintenanceSettings = {},
  compute: (clock: ManualClock) => Compute = testCompute,
): SlotsStore<Slab> {
  const store: TestStore<Slab> = testStore(stores, settings, (...lost) => slots.recoverBlocks(...lost))
  const slots: Slots = new Slots({
    repo: store.repo,
    datasets: store.datasets,
    compute: async () => compute(store.clock),
  })
  return { ...store, slots }
}

export function memorySlotsStore(settings?: RepoStoreSettings & MaintenanceSettings): SlotsStore<CrashingSlabFile> {
  return slotsStore({ datastore: new MemoryDatastore(), slab: new CrashingSlabFile() }, settings)
}

/** Both seams over workers in this thread. */
export function testCompute(clock: ManualClock): Compute {
  const jobs = { ...hashJobs(loadPoseidon2), ...codeJobs(loadLeopard) }
  const compute = pooledCompute(new FakeWorkers<HashJobs & CodeJobs>(() => jobs, 2), clock)
  return { ...compute, poseidon2: new RememberingPoseidon2(compute.poseidon2) }
}

const KNOWN = new Map<string, Uint8Array>()

class RememberingPoseidon2 implements Poseidon2 {
  readonly #inner: Poseidon2

  constructor(inner: Poseidon2) {
    this.#inner = inner
  }

  async hashBlocks(blocks: readonly Uint8Array[], cellSize: number, options: Poseidon2Options): Promise<Uint8Array> {
    options.signal.throwIfAborted()
    const names = blocks.map((block) => toHex(sha256(block)))
    const fresh = names.flatMap((name, i) => (KNOWN.has(name) ? [] : [i]))
    const hashes = await this.#inner.hashBlocks(
      fresh.map((i) => blocks[i] as Uint8Array),
      cellSize,
      options,
    )
    fresh.forEach((i, at) => KNOWN.set(names[i] as string, hashes.slice(32 * at, 32 * (at + 1))))
    return concatBytes(...names.map((name) => KNOWN.get(name) as Uint8Array))
  }

  hashCells(...args: Parameters<Poseidon2['hashCells']>): Promise<Uint8Array> {
    return this.#inner.hashCells(...args)
  }

  merkleNodes(...args: Parameters<Poseidon2['merkleNodes']>): Promise<Uint8Array> {
    return this.#inner.merkleNodes(...args)
  }

  sponges(...args: Parameters<Poseidon2['sponges']>): Promise<bigint[]> {
    return this.#inner.sponges(...args)
  }
}

/** Every record of the store by its key in hex, as a digest, to compare what was with what is. */
export async function recordsOf(datastore: Datastore): Promise<Map<string, string>> {
  const records = new Map<string, string>()
  for await (const [key, value] of datastore.entries(new Uint8Array(0), { signal: NEVER }))
    records.set(toHex(key), toHex(sha256(value).subarray(0, 8)))
  return records
}

/** The content of a vector's dataset: see `dataRule` in test/vectors/slots.json. */
export function vectorBytes(size: number, seed: number): Uint8Array {
  return Uint8Array.from(
    { length: size },
    (_, i) => (i * 131 + Math.floor(i / 256) * 17 + Math.floor(i / 65536) * 29 + 7 + seed * 53) % 256,
  )
}
