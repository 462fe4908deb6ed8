// Every call to the stores fails once, or is the last before the power goes, while datasets are protected, built, repaired, decoded and removed: the
// books are right afterwards, every dataset is whole or absent, and nothing is left behind.

import { describe, expect, it } from 'vitest'
import { describeUpload } from '../../src/protocol/describeupload.ts'
import type { Cid } from '../../src/protocol/cid.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { CrashingSlabFile } from '../fakes/crashingslabfile.ts'
import { expectBytes } from '../fakes/expectbytes.ts'
import { expectNoOrphans } from '../fakes/expectnoorphans.ts'
import { FaultyDatastore } from '../fakes/faultydatastore.ts'
import { NEVER, collect, seededBytes, seededRandom, streamOf } from '../fakes/memorystore.ts'
import type { SlotsStore } from '../fakes/slotsstore.ts'
import { slotsStore } from '../fakes/slotsstore.ts'

const signal = NEVER
/** Of all calls that may fail, a normal run tries every seventeenth, each test another one. */
const STRIDE = import.meta.env['LONG'] ? 1 : 17
const BLOCK = 65_536
/** Two of its blocks are equal, so that slots share one; a row has padding. */
const BYTES = (() => {
  const bytes = seededBytes(5 * BLOCK - 7, 21)
  bytes.copyWithin(3 * BLOCK, 0, BLOCK)
  return bytes
})()
const PLAIN = describeUpload(BYTES).manifestCid
const CODE = { ecK: 3, ecM: 2, signal }

type World = SlotsStore<CrashingSlabFile> & { readonly records: MemoryDatastore; readonly faults: FaultyDatastore }

function world(): World {
  const records = new MemoryDatastore()
  const faults = new FaultyDatastore(records)
  return { ...slotsStore({ datastore: faults, slab: new CrashingSlabFile() }), records, faults }
}

/** What was acknowledged: datasets that must be there, and whole but for the slots that were dropped. */
interface Acknowledged {
  readonly cids: Set<string>
  readonly lost: Set<number>
}

/** The store as each step finds and leaves it. Steps may fail; those that build on a failed one do. */
async function story({ datasets, slots }: SlotsStore, acknowledged: Acknowledged): Promise<unknown[]> {
  const errors: unknown[] = []
  const attempt = async (step: () => Promise<unknown>): Promise<void> => {
    await step().catch((error: unknown) => errors.push(error))
  }
  let verifiable: Cid = PLAIN
  let coded: Cid = PLAIN
  const remove = (cid: () => Cid) =>
    attempt(async () => {
      acknowledged.cids.delete(String(cid()))
      await datasets.remove(cid(), { signal })
    })
  await attempt(async () => {
    const { cid } = await datasets.upload(streamOf(BYTES), { signal })
    acknowledged.cids.add(String(cid))
  })
  await attempt(async () => {
    const built = await slots.protect(PLAIN, CODE)
    verifiable = built.verifiableCid
    coded = built.protectedCid
    acknowledged.cids.add(String(verifiable)).add(String(coded))
  })
  await remove(() => PLAIN)
  await attempt(async () => {
    acknowledged.lost.add(1)
    await slots.dropSlot(verifiable, 1, { signal })
  })
  await attempt(async () => {
    await slots.repair(verifiable, 1, { signal })
    acknowledged.lost.delete(1)
  })
  await remove(() => verifiable)
  await attempt(async () => {
    const built = await slots.build(coded, { signal })
    acknowledged.cids.add(String(built.verifiableCid))
  })
  await attempt(async () => {
    acknowledged.lost.add(4)
    await slots.dropSlot(verifiable, 4, { signal })
  })
  await attempt(async () => {
    const { cid } = await slots.decode(coded, { signal })
    acknowledged.cids.add(String(cid))
  })
  return errors
}

async function expectSound(store: SlotsStore, acknowledged: Acknowledged, what: string): Promise<void> {
  const { repo, datasets, slots } = store
  expect((await repo.recount({ signal })).problems, what).toEqual([])
  const listed = new Set<string>()
  for await (const { cid, manifest } of datasets.list({ signal })) {
    listed.add(String(cid))
    if (manifest?.kind === 'plain' || !acknowledged.lost.has(1))
      expectBytes(await collect(datasets.read(cid, { signal })), BYTES)
    if (manifest?.kind !== 'verifiable') continue
    for (const { index, outcome, hasTree } of await slots.verify(cid, { signal })) {
      expect(hasTree, `${what}: slot ${index} has its tree`).toBe(true)
      if (acknowledged.lost.has(index)) expect(['ok', 'blocks missing'], what).toContain(outcome)
      else expect(outcome, `${what}: slot ${index}`).toBe('ok')
    }
  }
  for (const cid of acknowledged.cids) expect(listed, `${what}: an acknowledged dataset is there`).toContain(cid)
}

const nothingYet = (): Acknowledged => ({ cids: new Set(), lost: new Set() })

/** The power goes and comes back; interrupted work is undone. */
async function restart({ records, slab, clock }: World, seed: number): Promise<SlotsStore> {
  const restarted = slotsStore({ datastore: records, slab: slab.crash(seededRandom(seed)), clock })
  await restarted.datasets.recover({ signal })
  return restarted
}

describe('every call of the stores', () => {
  it('goes well without faults', async () => {
    const calm = world()
    const acknowledged = nothingYet()
    expect(await story(calm, acknowledged)).toEqual([])
    await expectSound(calm, acknowledged, 'calm')
    await expectNoOrphans(calm)
    expect(acknowledged.cids.size).toBe(3)
    expect(calm.faults.commits).toBeGreaterThan(50)
  })

  it.each(['refused', 'lost answer'] as const)('may be a commit that fails once, %s', async (fault) => {
    const calm = world()
    await story(calm, nothingYet())
    for (let n = fault === 'refused' ? 1 : STRIDE; n <= calm.faults.commits; n += STRIDE) {
      const shaken = world()
      shaken.faults.failAt(n, fault)
      const acknowledged = nothingYet()
      await story(shaken, acknowledged)
      await expectSound(shaken, acknowledged, `commit ${n} ${fault}`)
      const restarted = await restart(shaken, n)
      await expectSound(restarted, acknowledged, `commit ${n} ${fault}, after a restart`)
      await expectNoOrphans(restarted, `commit ${n} ${fault}, after a restart`)
    }
  })

  it('may be a slab call that fails once', async () => {
    const calm = world()
    await story(calm, nothingYet())
    for (let n = 1; n <= calm.slab.calls; n += STRIDE) {
      const shaken = world()
      shaken.slab.failAt(n)
      const acknowledged = nothingYet()
      await story(shaken, acknowledged)
      await expectSound(shaken, acknowledged, `slab call ${n} failed`)
      await shaken.datasets.recover({ signal })
      await expectNoOrphans(shaken, `slab call ${n} failed`)
    }
  })

  it.each(['refused', 'lost answer'] as const)('may be the last before the power goes, %s', async (fault) => {
    const calm = world()
    await story(calm, nothingYet())
    for (let n = fault === 'refused' ? 1 : STRIDE; n <= calm.faults.commits; n += STRIDE) {
      const dying = world()
      dying.faults.failAt(n, fault, true)
      const acknowledged = nothingYet()
      await story(dying, acknowledged)
      const restarted = await restart(dying, n)
      const what = `power lost at commit ${n} ${fault}`
      await expectSound(restarted, acknowledged, what)
      await expectNoOrphans(restarted, what)
      // And life goes on.
      await restarted.datasets.upload(streamOf(BYTES), { signal })
      const { verifiableCid } = await restarted.slots.protect(PLAIN, CODE)
      const reports = await restarted.slots.verify(verifiableCid, { signal })
      expect(reports.map(({ outcome }) => outcome)).toEqual(Array(5).fill('ok'))
      await expectNoOrphans(restarted, `${what}, after life went on`)
    }
  })
})
