// Slots over a store: the known datasets through protect and build, reports, repair, decoding, removal, expiry.

import { describe, expect, it } from 'vitest'
import { toHex } from '../../src/lib/bytes.ts'
import { parseCid } from '../../src/protocol/cid.ts'
import { encodeManifest } from '../../src/protocol/manifestcodec.ts'
import { proofInputsJson } from '../../src/slots/proofinputs.ts'
import type { SlotsProgress } from '../../src/slots/slotsprogress.ts'
import { expectBytes } from '../fakes/expectbytes.ts'
import { NEVER, collect, seededBytes, streamOf } from '../fakes/memorystore.ts'
import type { SlotsStore } from '../fakes/slotsstore.ts'
import { memorySlotsStore, vectorBytes } from '../fakes/slotsstore.ts'
import vectors from '../vectors/slots.json' with { type: 'json' }

const signal = NEVER
const BLOCK = 65_536
const NOTHING = { totalBlocks: 0, quotaUsedBytes: 0, quotaReservedBytes: 0 }

async function expectClean({ repo }: SlotsStore): Promise<void> {
  expect((await repo.recount({ signal })).problems).toEqual([])
}

async function protectedStore(bytes: Uint8Array, ecK: number, ecM: number, filename?: string) {
  const store = memorySlotsStore()
  const { cid } = await store.datasets.upload(streamOf(bytes), { filename, signal })
  const built = await store.slots.protect(cid, { ecK, ecM, signal })
  return { ...store, ...built, store }
}

describe.each(vectors.cases)('the known dataset $name', (known) => {
  const { ecK, ecM } = known
  const bytes = vectorBytes(known.datasetSize, known.seed)

  it('is protected, built and sampled as known', async () => {
    const { store, plainCid, protectedCid, verifiableCid, manifest, datasetRoot, slotRoots } = await protectedStore(
      bytes,
      ecK,
      ecM,
    )
    expect(String(plainCid)).toBe(known.plain.manifestCid)
    expect(String(protectedCid)).toBe(known.protected.manifestCid)
    expect(String(verifiableCid)).toBe(known.verifiable.manifestCid)
    expect(toHex(encodeManifest(manifest))).toBe(known.verifiable.manifestHex)
    expect(String(datasetRoot)).toBe(known.verifyRoot)
    expect(slotRoots.map(String)).toEqual(known.slots.map(({ slotRoot }) => slotRoot))
    const leaves = await store.repo.getLeaves(
      manifest.treeCid,
      known.protected.leafDigests.map((_, i) => i),
    )
    expect(leaves.map((cid) => cid && toHex(cid.digest))).toEqual(known.protected.leafDigests)
    const { slotIndex, challenge, circuitInputSha256 } = known.proof
    const inputs = await store.slots.proofInputs(verifiableCid, slotIndex, challenge, { signal })
    const json = new TextEncoder().encode(JSON.stringify(proofInputsJson(inputs)))
    expect(toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', json)))).toBe(circuitInputSha256)
    await expectClean(store)
  })

  it('becomes verifiable from its protected manifest too', async () => {
    const { store, protectedCid, verifiableCid } = await protectedStore(bytes, ecK, ecM)
    expect(await store.datasets.remove(verifiableCid, { signal })).toBe('removed')
    const seen: SlotsProgress[] = []
    const built = await store.slots.build(protectedCid, { signal, progress: (progress) => seen.push(progress) })
    expect(String(built.verifiableCid)).toBe(String(verifiableCid))
    expect(String(built.datasetRoot)).toBe(known.verifyRoot)
    const last = seen.at(-1)
    expect(last).toMatchObject({ stage: 'hashing', doneBytes: known.totalBlocks * BLOCK })
    expect(last?.totalBytes).toBe(last?.doneBytes)
    expect(last?.slots.every(({ doneBlocks, blocks }) => doneBlocks === blocks && blocks === known.steps)).toBe(true)
    await expectClean(store)
  })

  it('leaves nothing when its three datasets are removed', async () => {
    const { store, plainCid, protectedCid, verifiableCid } = await protectedStore(bytes, ecK, ecM)
    for (const cid of [verifiableCid, plainCid, protectedCid]) await store.datasets.remove(cid, { signal })
    expect(await store.repo.space()).toMatchObject(NOTHING)
    expect(await store.slab.size()).toBe(0)
    const left: string[] = []
    for await (const [key] of store.datastore.entries(new TextEncoder().encode('repo/'), { signal }))
      left.push(new TextDecoder().decode(key))
    expect(left.filter((key) => !key.startsWith('repo/units/'))).toEqual([])
    await expectClean(store)
  })
})

describe('any slots up to the parity', () => {
  const bytes = seededBytes(11 * BLOCK + 5, 9)

  it('are rebuilt one by one, without the plain dataset', async () => {
    const { store, plainCid, protectedCid, verifiableCid } = await protectedStore(bytes, 3, 2)
    await store.datasets.remove(plainCid, { signal })
    await store.datasets.remove(protectedCid, { signal })
    const whole = await store.repo.space()
    for (const lost of [
      [0, 1],
      [2, 4],
      [3, 4],
      [0, 3],
    ]) {
      for (const slot of lost) await store.slots.dropSlot(verifiableCid, slot, { signal })
      const reports = await store.slots.verify(verifiableCid, { signal })
      expect(reports.filter(({ outcome }) => outcome !== 'ok').map(({ index }) => index)).toEqual(lost)
      for (const slot of lost) {
        const repair = await store.slots.repair(verifiableCid, slot, { signal })
        expect(repair).toMatchObject({ index: slot, blocks: 4 })
      }
      expect((await store.slots.verify(verifiableCid, { signal })).map(({ outcome }) => outcome)).toEqual(
        Array(5).fill('ok'),
      )
      expect(await store.repo.space()).toEqual(whole)
      await expectClean(store)
    }
    expectBytes(await collect(store.datasets.read(verifiableCid, { signal })), bytes)
  })

  it('may be missing when the original is decoded', async () => {
    const { store, plainCid, protectedCid, verifiableCid } = await protectedStore(bytes, 3, 2, 'kept.bin')
    await store.datasets.remove(plainCid, { signal })
    for (const slot of [0, 2]) await store.slots.dropSlot(verifiableCid, slot, { signal })
    const decoded = await store.slots.decode(protectedCid, { signal })
    expect(String(decoded.cid)).toBe(String(plainCid))
    expect(decoded).toMatchObject({ blocks: 12, recoveredBlocks: 8 })
    expectBytes(await collect(store.datasets.read(plainCid, { signal })), bytes)
    await expectClean(store)
    for (const cid of [verifiableCid, protectedCid, plainCid]) await store.datasets.remove(cid, { signal })
    expect(await store.repo.space()).toMatchObject(NOTHING)
  })
})

it('a manifest of another kind is refused by name', async () => {
  const { store, plainCid, protectedCid, verifiableCid } = await protectedStore(seededBytes(3 * BLOCK, 2), 2, 1)
  const { slots } = store
  const code = (ecK: number, ecM: number) => ({ ecK, ecM, signal })
  await expect(slots.protect(protectedCid, code(2, 1))).rejects.toMatchObject({ code: 'slots/already-protected' })
  await expect(slots.protect(verifiableCid, code(2, 1))).rejects.toMatchObject({ code: 'slots/already-protected' })
  await expect(slots.build(plainCid, { signal })).rejects.toMatchObject({ code: 'slots/not-protected' })
  for (const cid of [plainCid, protectedCid]) {
    const wrong = { code: 'slots/not-verifiable' }
    await expect(slots.verify(cid, { signal })).rejects.toMatchObject(wrong)
    await expect(slots.repair(cid, 0, { signal })).rejects.toMatchObject(wrong)
    await expect(slots.show(cid, { signal })).rejects.toMatchObject(wrong)
    await expect(slots.dropSlot(cid, 0, { signal })).rejects.toMatchObject(wrong)
    await expect(slots.proofInputs(cid, 0, `0x${'00'.repeat(32)}`, { signal })).rejects.toMatchObject(wrong)
  }
  const absent = parseCid('zDvZRwzmBEaJ338xaCHbKbGAJ4X41YyccS6eyorrYBbmPnWuLxCh')
  await expect(slots.protect(absent, code(1, 1))).rejects.toMatchObject({ code: 'dataset/not-found' })
})
