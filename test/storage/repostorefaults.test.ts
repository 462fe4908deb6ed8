// Every call to the stores fails once, or is the last before the power goes: the books must be right afterwards, and every dataset whole or absent.

import { describe, expect, it } from 'vitest'
import { describeUpload } from '../../src/protocol/describeupload.ts'
import type { Cid } from '../../src/protocol/cid.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { CrashingSlabFile } from '../fakes/crashingslabfile.ts'
import { expectBytes } from '../fakes/expectbytes.ts'
import { FaultyDatastore } from '../fakes/faultydatastore.ts'
import type { TestStore } from '../fakes/memorystore.ts'
import { NEVER, afterCrash, collect, seededBytes, seededRandom, streamOf, testStore } from '../fakes/memorystore.ts'

const BLOCK = 65_536
const ONE = seededBytes(3 * BLOCK + 5, 1)
const SHARING = (() => {
  const bytes = seededBytes(4 * BLOCK, 2)
  bytes.set(ONE.subarray(0, 2 * BLOCK), BLOCK)
  return bytes
})()
const CIDS = new Map(
  [ONE, SHARING].map(
    (bytes) =>
      [
        bytes,
        new Map(['a', 'b', 'c'].map((filename) => [filename, describeUpload(bytes, { filename }).manifestCid])),
      ] as const,
  ),
)
const KNOWN = new Map(
  [...CIDS].flatMap(([bytes, cids]) => [...cids.values()].map((cid) => [String(cid), bytes] as const)),
)

function cidOf(bytes: Uint8Array, filename: string): Cid {
  const cid = CIDS.get(bytes)?.get(filename)
  if (cid === undefined) throw new Error(`there is no file ${filename} of these bytes`)
  return cid
}

/** In an ordinary run every other commit is refused, and the rest are those whose answer is lost. */
const STEP = import.meta.env['LONG'] ? 1 : 2

type World = TestStore<CrashingSlabFile> & { readonly records: MemoryDatastore; readonly faults: FaultyDatastore }

function world(): World {
  const records = new MemoryDatastore()
  const faults = new FaultyDatastore(records)
  return { ...testStore({ datastore: faults, slab: new CrashingSlabFile() }), records, faults }
}

/** Uploads, shares blocks and a tree, removes, lets expire. Each step may fail; what is acknowledged is remembered. */
async function story({ datasets, clock, maintenance }: TestStore, acknowledged: Set<string>): Promise<unknown[]> {
  const errors: unknown[] = []
  const attempt = async (step: () => Promise<unknown>): Promise<void> => {
    await step().catch((error: unknown) => errors.push(error))
  }
  const upload = (bytes: Uint8Array, filename: string, expiry: number) =>
    attempt(async () => {
      const { cid } = await datasets.upload(streamOf(bytes), { filename, expiry, signal: NEVER })
      acknowledged.add(String(cid))
    })
  const remove = (bytes: Uint8Array, filename: string) =>
    attempt(async () => {
      const cid = cidOf(bytes, filename)
      // From here on it may be gone.
      acknowledged.delete(String(cid))
      await datasets.remove(cid, { signal: NEVER })
    })
  const later = clock.now() + 10_000
  await upload(ONE, 'a', later)
  await upload(SHARING, 'b', later)
  await remove(ONE, 'a')
  await upload(ONE, 'c', clock.now() + 10)
  await upload(SHARING, 'a', later)
  await remove(SHARING, 'b')
  clock.advance(11)
  acknowledged.delete(String(cidOf(ONE, 'c')))
  await attempt(() => maintenance.run({ signal: NEVER }))
  await upload(ONE, 'b', later)
  return errors
}

async function expectSound(
  { repo, datasets }: TestStore,
  acknowledged: ReadonlySet<string>,
  what: string,
): Promise<void> {
  expect((await repo.recount({ signal: NEVER })).problems, what).toEqual([])
  const listed = new Set<string>()
  for await (const { cid } of datasets.list({ signal: NEVER })) {
    listed.add(String(cid))
    expectBytes(await collect(datasets.read(cid, { signal: NEVER })), KNOWN.get(String(cid)))
  }
  for (const cid of acknowledged) expect(listed, `${what}: an acknowledged dataset is there`).toContain(cid)
}

describe('every call of the stores', () => {
  it('goes well without faults', async () => {
    const calm = world()
    const acknowledged = new Set<string>()
    expect(await story(calm, acknowledged)).toEqual([])
    await expectSound(calm, acknowledged, 'calm')
    expect(acknowledged.size).toBe(2)
    expect(calm.faults.commits).toBeGreaterThan(20)
  })

  it.each(['refused', 'lost answer'] as const)('may be a commit that fails once, %s', async (fault) => {
    const calm = world()
    await story(calm, new Set())
    for (let n = fault === 'refused' ? 1 : STEP; n <= calm.faults.commits; n += STEP) {
      const shaken = world()
      shaken.faults.failAt(n, fault)
      const acknowledged = new Set<string>()
      await story(shaken, acknowledged)
      await expectSound(shaken, acknowledged, `commit ${n} ${fault}`)
      const restarted = afterCrash({ ...shaken, datastore: shaken.records }, seededRandom(n))
      await restarted.datasets.recover({ signal: NEVER })
      await expectSound(restarted, acknowledged, `commit ${n} ${fault}, after a restart`)
    }
  })

  it('may be a slab call that fails once', async () => {
    const calm = world()
    await story(calm, new Set())
    for (let n = 1; n <= calm.slab.calls; n++) {
      const shaken = world()
      shaken.slab.failAt(n)
      const acknowledged = new Set<string>()
      await story(shaken, acknowledged)
      await expectSound(shaken, acknowledged, `slab call ${n} failed`)
    }
  })

  it.each(['refused', 'lost answer'] as const)('may be the last before the power goes, %s', async (fault) => {
    const calm = world()
    await story(calm, new Set())
    for (let n = fault === 'refused' ? 1 : STEP; n <= calm.faults.commits; n += STEP) {
      const dying = world()
      dying.faults.failAt(n, fault, true)
      const acknowledged = new Set<string>()
      await story(dying, acknowledged)
      let restarted = afterCrash({ ...dying, datastore: dying.records }, seededRandom(n))
      // And once more while recovering.
      const again = new FaultyDatastore(dying.records)
      again.failAt(1 + (n % 3), n % 2 === 0 ? 'refused' : 'lost answer', true)
      await testStore({ ...restarted, datastore: again })
        .datasets.recover({ signal: NEVER })
        .catch(() => undefined)
      restarted = testStore({ ...restarted, datastore: dying.records })
      await restarted.datasets.recover({ signal: NEVER })
      await expectSound(restarted, acknowledged, `power lost at commit ${n} ${fault}`)
      const whole = await restarted.datasets.upload(streamOf(ONE), { filename: 'a', signal: NEVER })
      expectBytes(await collect(restarted.datasets.read(whole.cid, { signal: NEVER })), ONE)
      await expectSound(restarted, acknowledged, `after life went on, ${n} ${fault}`)
    }
  })
})
