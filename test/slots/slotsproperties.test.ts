// Any code, any size, any slots lost up to the parity: what is rebuilt is what was lost.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { smallDataset } from '../../src/slots/smalldataset.ts'
import { expectBytes } from '../fakes/expectbytes.ts'
import { expectNoOrphans } from '../fakes/expectnoorphans.ts'
import { NEVER, collect, seededBytes, streamOf } from '../fakes/memorystore.ts'
import { memorySlotsStore, testCompute } from '../fakes/slotsstore.ts'

const signal = NEVER
const BLOCK = 65_536
const RUNS = import.meta.env['LONG'] ? 60 : 6
/** Of the pool of blocks that datasets are drawn from, so that few are hashed anew and many are equal. */
const POOL = Array.from({ length: 6 }, (_, i) => seededBytes(BLOCK, 100 + i))

const datasets = fc
  .record({
    ecK: fc.integer({ min: 1, max: 5 }),
    parity: fc.integer({ min: 0, max: 5 }),
    blocks: fc.array(fc.integer({ min: 0, max: POOL.length - 1 }), { minLength: 1, maxLength: 12 }),
    cut: fc.integer({ min: 0, max: BLOCK - 1 }),
    order: fc.array(fc.nat(), { minLength: 10, maxLength: 10 }),
  })
  .map(({ ecK, parity, blocks, cut, order }) => {
    const bytes = new Uint8Array(blocks.length * BLOCK)
    blocks.forEach((which, i) => bytes.set(POOL[which] as Uint8Array, i * BLOCK))
    const k = Math.min(ecK, blocks.length)
    const ecM = Math.min(parity, k)
    const slots = Array.from({ length: k + ecM }, (_, slot) => slot)
    const lost = slots.sort((a, b) => (order[a] as number) - (order[b] as number)).slice(0, ecM)
    return { ecK: k, ecM, bytes: bytes.subarray(0, bytes.length - cut), lost }
  })

test('protect in a store is what it is in memory, and any slots up to the parity come back', async () => {
  await fc.assert(
    fc.asyncProperty(datasets, async ({ ecK, ecM, bytes, lost }) => {
      const store = memorySlotsStore()
      const compute = testCompute(store.clock)
      const expected = await smallDataset(compute, bytes, { ecK, ecM }, { signal, rank: 'background' })
      const { cid } = await store.datasets.upload(streamOf(bytes), { signal })
      const built = await store.slots.protect(cid, { ecK, ecM, signal })
      expect(built.manifest).toEqual(expected.verifiable)
      expect(built.slotRoots).toEqual(expected.slotRoots)
      const { verifiableCid, protectedCid } = built
      for (const other of [cid, protectedCid]) await store.datasets.remove(other, { signal })
      const whole = await store.repo.space()
      for (const slot of lost) await store.slots.dropSlot(verifiableCid, slot, { signal })
      // From what is left the original can be decoded too; then it goes again.
      await store.slots.decode(verifiableCid, { signal })
      expectBytes(await collect(store.datasets.read(cid, { signal })), bytes)
      await store.datasets.remove(cid, { signal })
      for (const slot of lost) await store.slots.repair(verifiableCid, slot, { signal })
      const reports = await store.slots.verify(verifiableCid, { signal })
      expect(reports.map(({ outcome, hasTree }) => [outcome, hasTree])).toEqual(Array(ecK + ecM).fill(['ok', true]))
      expectBytes(await collect(store.datasets.read(verifiableCid, { signal })), bytes)
      expect(await store.repo.space()).toEqual(whole)
      expect((await store.repo.recount({ signal })).problems).toEqual([])
      await expectNoOrphans(store)
    }),
    { numRuns: RUNS },
  )
})

test('rows may differ from step to step', async () => {
  const numbers = fc.array(fc.nat({ max: 4 }), { minLength: 4, maxLength: 4 })
  const bytes = seededBytes(12 * BLOCK, 77)
  const store = memorySlotsStore()
  const { cid } = await store.datasets.upload(streamOf(bytes), { signal })
  const { verifiableCid, protectedCid, manifest } = await store.slots.protect(cid, { ecK: 3, ecM: 2, signal })
  for (const other of [cid, protectedCid]) await store.datasets.remove(other, { signal })
  await fc.assert(
    fc.asyncProperty(numbers, numbers, async (first, second) => {
      const gone = [0, 1, 2, 3].flatMap((step) => [...new Set([first[step], second[step]])].map((row) => [row, step]))
      await store.repo.dropLeaves(
        manifest.treeCid,
        gone.map(([row = 0, step = 0]) => row * 4 + step),
      )
      for (const slot of new Set(gone.map(([row = 0]) => row))) {
        const missing = gone.filter(([row]) => row === slot).length
        const { rebuiltBlocks } = await store.slots.repair(verifiableCid, slot, { signal })
        expect(rebuiltBlocks).toBe(missing)
      }
      const reports = await store.slots.verify(verifiableCid, { signal })
      expect(reports.every(({ outcome }) => outcome === 'ok')).toBe(true)
      expect((await store.repo.recount({ signal })).problems).toEqual([])
    }),
    { numRuns: RUNS },
  )
})
