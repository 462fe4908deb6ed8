// One flipped bit in any record of the index: a typed error or nothing, never wrong bytes, never anything untyped.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import { decodeBlockRecord, encodeBlockRecord } from '../../src/storage/blockrecord.ts'
import { LeafPage } from '../../src/storage/leafpage.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { decodeCounters } from '../../src/storage/quota.ts'
import { openRecord, sealRecord, withoutFlippedBit } from '../../src/storage/sealedrecord.ts'
import { expectBytes } from '../fakes/expectbytes.ts'
import { NEVER, collect, memoryStore, seededBytes, streamOf, testStore } from '../fakes/memorystore.ts'

const BLOCK = 65_536
const BYTES = seededBytes(5 * BLOCK, 3)
const KEY = new Uint8Array([1])

describe('a flipped bit', () => {
  it('in any record is a typed error wherever it is met', async () => {
    const store = memoryStore()
    const { cid, manifest } = await store.datasets.upload(streamOf(BYTES), { signal: NEVER })
    const records: [Uint8Array, Uint8Array][] = []
    for await (const [key, value] of store.datastore.entries(new Uint8Array(0), { signal: NEVER }))
      records.push([key, value])
    expect(records.filter(([, value]) => value.length > 0).length).toBeGreaterThan(10)
    for (const [which, [key, value]] of records.entries()) {
      for (const bit of [0, Math.floor(value.length * 4), value.length * 8 - 1]) {
        if (value.length === 0) continue
        const datastore = new MemoryDatastore()
        await datastore.commit(records.map(([put, original]) => ({ put, value: original.slice() })))
        const damaged = value.slice()
        damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7))
        await datastore.commit([{ put: key, value: damaged }])
        const { datasets, repo, maintenance } = testStore({ datastore, slab: store.slab.reopen() })
        const errors: unknown[] = []
        const attempt = (step: () => Promise<unknown>): Promise<unknown> =>
          step().catch((error: unknown) => errors.push(error))
        await attempt(() => repo.space())
        await attempt(() => repo.recount({ signal: NEVER }))
        await attempt(async () => expectBytes(await collect(datasets.read(cid, { signal: NEVER })), BYTES))
        await attempt(async () => {
          for await (const entry of datasets.list({ signal: NEVER })) expect(String(entry.cid)).toBe(String(cid))
        })
        for (let index = 0; index < 6; index++) await attempt(() => repo.getProof(manifest.treeCid, index))
        await attempt(() => maintenance.run({ signal: NEVER }))
        await attempt(() => repo.reserve(10))
        await attempt(() => datasets.upload(streamOf(seededBytes(BLOCK, 9)), { signal: NEVER }))
        await attempt(() => datasets.remove(cid, { signal: NEVER }))
        const restarted = testStore({ datastore, slab: store.slab.reopen() })
        // The node starts again whatever was damaged, and a repair puts its books right.
        await restarted.datasets.recover({ signal: NEVER })
        await restarted.repo.repair({ signal: NEVER })
        expect((await restarted.repo.recount({ signal: NEVER })).problems).toEqual([])
        expect(errors.length, `record ${which}, bit ${bit}: somebody notices`).toBeGreaterThan(0)
        for (const error of errors)
          expect(CodexError.is(error), `record ${which}, bit ${bit}: ${String(error)}`).toBe(true)
      }
    }
  })
})

it('a repair brings the books in line with whatever records are left', async () => {
  const store = memoryStore()
  const { cid } = await store.datasets.upload(streamOf(BYTES), { signal: NEVER })
  for await (const [key] of store.datastore.entries(new TextEncoder().encode('repo/blocks/'), { signal: NEVER }))
    await store.datastore.commit([{ drop: key }])
  const restarted = testStore({ datastore: store.datastore, slab: store.slab })
  expect((await restarted.repo.recount({ signal: NEVER })).problems.length).toBeGreaterThan(6)
  expect(await restarted.repo.repair({ signal: NEVER })).toEqual({ lostBlocks: 5, lostLeafPages: 0, mendedCounts: 0 })
  expect((await restarted.repo.recount({ signal: NEVER })).problems).toEqual([])
  await restarted.datasets.upload(streamOf(BYTES), { signal: NEVER })
  expectBytes(await collect(restarted.datasets.read(cid, { signal: NEVER })), BYTES)
  await restarted.datasets.remove(cid, { signal: NEVER })
  expect(await restarted.repo.space()).toMatchObject({ totalBlocks: 0, quotaUsedBytes: 0 })
  expect((await restarted.repo.recount({ signal: NEVER })).problems).toEqual([])
})

describe('records', () => {
  const isTyped = (decode: () => unknown): void => {
    try {
      decode()
    } catch (error) {
      expect(CodexError.is(error, 'store/corrupted-record'), String(error)).toBe(true)
    }
  }

  it('of random bytes, sealed or not, are typed errors or values', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const record of [bytes, sealRecord(bytes)]) {
          isTyped(() => decodeBlockRecord(KEY, record))
          isTyped(() => LeafPage.decode(KEY, record))
          isTyped(() => decodeCounters(record))
        }
      }),
    )
  })

  it('come back as they went in', () => {
    const units = fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { minLength: 1, maxLength: 16 })
    const place = fc.oneof(
      fc.record({ at: fc.constantFrom('slab' as const, 'quarantined' as const), units }),
      fc.constant({ at: 'gone' as const }),
      fc.record({ at: fc.constant('inline' as const), bytes: fc.uint8Array({ maxLength: 50 }) }),
    )
    const record = fc.record({ expiry: fc.maxSafeNat(), refCount: fc.nat(), size: fc.nat(), place }).map((made) => ({
      ...made,
      size: made.place.at === 'inline' ? made.place.bytes.length : made.size,
    }))
    fc.assert(
      fc.property(record, (made) => {
        expect(decodeBlockRecord(KEY, encodeBlockRecord(made))).toEqual(made)
      }),
    )
  })

  it.each([0, 17, 300, 4224])('of %s bytes are put right where one bit has flipped, and only there', (length) => {
    const sealed = sealRecord(seededBytes(length, 4))
    expect(withoutFlippedBit(sealed)).toBeUndefined()
    const flip = (record: Uint8Array, bit: number): Uint8Array =>
      record.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
    const bits = sealed.length * 8
    for (let bit = 0; bit < bits; bit += length > 17 ? 997 : 1) {
      const damaged = flip(sealed, bit)
      expect(withoutFlippedBit(damaged)).toEqual(sealed)
      expect(withoutFlippedBit(flip(damaged, (bit + 1 + ((bit * 7) % (bits - 1))) % bits))).toBeUndefined()
    }
    expect(withoutFlippedBit(sealed.map((byte, at) => (at < 5 ? byte ^ 0xff : byte)))).toBeUndefined()
    expect(withoutFlippedBit(seededBytes(length + 5, 7))).toBeUndefined()
    expect(withoutFlippedBit(sealed.subarray(0, 4))).toBeUndefined()
  })

  it('notice every flipped bit', () => {
    const sealed = sealRecord(seededBytes(300, 4))
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const damaged = sealed.slice()
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(() => openRecord(KEY, damaged)).toThrow(CodexError)
    }
  })
})
