// The laws of a place that keeps circuit files: whole or not at all. Run over each, in its runtime.

import { beforeEach, describe, expect, it } from 'vitest'
import { concatBytes, equalBytes } from '../../src/lib/bytes.ts'
import { CodexError } from '../../src/lib/errors.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import type { ArtefactStore, OpenSource } from '../../src/proving/artefactstore.ts'
import { type ArtefactLimits, boundArtefacts } from '../../src/proving/boundartefacts.ts'
import { type ArtefactPlatform, fetchArtefact } from '../../src/proving/fetchartefact.ts'

const { signal } = new AbortController()
const BYTES = Uint8Array.from({ length: 9_000_001 }, (_, i) => i * 131 + (i >> 11))

export interface ArtefactStoreSetup {
  /** Empty; the same place each time it is called within a test. */
  readonly make: (clock: ManualClock) => Promise<ArtefactStore>
  /** Changes a byte of a kept file behind the store's back. */
  readonly damage: (name: string) => Promise<void>
  /** Names of everything that lies there. */
  readonly names: () => Promise<string[]>
}

export function artefactStoreSuite(name: string, { make, damage, names }: ArtefactStoreSetup): void {
  describe(name, () => {
    let store: ArtefactStore
    let clock: ManualClock
    beforeEach(async () => {
      clock = new ManualClock(1_700_000_000)
      store = await make(clock)
    })

    it('keeps what was kept, with its record', async () => {
      const draft = await store.create('a.zkey', { signal })
      await draft.write(BYTES.subarray(0, 1000))
      await draft.write(BYTES.subarray(1000))
      expect(await store.open('a.zkey', { signal })).toBe(undefined)
      await draft.keep('a record')
      await draft.discard()
      const kept = await (await make(clock)).open('a.zkey', { signal })
      expect([kept?.record, kept?.source.size]).toEqual(['a record', BYTES.length])
      expect(await kept?.source.read(8_999_991, 10, { signal })).toEqual(BYTES.subarray(8_999_991))
      await kept?.source.close()
    })

    it('shows nothing of a draft that was thrown away, or left behind', async () => {
      const thrown = await store.create('a.zkey', { signal })
      await thrown.write(BYTES)
      await thrown.discard()
      const left = await store.create('b.zkey', { signal })
      await left.write(BYTES)
      expect(await (await make(clock)).open('a.zkey', { signal })).toBe(undefined)
      expect(await (await make(clock)).open('b.zkey', { signal })).toBe(undefined)
      await left.discard()
      expect((await names()).filter((found) => !found.includes('crswap'))).toEqual([])
    })

    it('removes, also what is not there', async () => {
      const draft = await store.create('a.zkey', { signal })
      await draft.keep('')
      await store.remove('a.zkey')
      await store.remove('a.zkey')
      expect(await store.open('a.zkey', { signal })).toBe(undefined)
    })

    describe('that is bounded', () => {
      const keep = async (name: string, bytes = 10): Promise<void> => {
        clock.advance(100)
        const draft = await store.create(name, { signal })
        await draft.write(new Uint8Array(bytes))
        await draft.keep('')
      }
      const namesKept = async (): Promise<string[]> => (await store.list({ signal })).map((each) => each.name).sort()
      const bound = (newest: string, limits: Partial<ArtefactLimits>): Promise<void> =>
        boundArtefacts(
          store,
          { newest, limits: { maxBytes: 1000, maxFiles: 10, maxRecords: 10, ...limits } },
          { signal },
        )

      it('says what it has, and when that was last used', async () => {
        await keep('a.zkey', 5)
        await keep('b.zkey', 7)
        clock.advance(100)
        await (await store.open('a.zkey', { signal }))?.source.close()
        const listed = [...(await store.list({ signal }))].sort((a, b) => a.bytes - b.bytes)
        expect(listed).toEqual([
          { name: 'a.zkey', bytes: 5, used: 1_700_000_300 },
          { name: 'b.zkey', bytes: 7, used: 1_700_000_200 },
        ])
      })

      it('lets go of what was not used for longest, by number and by bytes', async () => {
        for (const name of ['a.zkey', 'b.zkey', 'c.zkey', 'd.zkey']) await keep(name)
        clock.advance(100)
        await (await store.open('a.zkey', { signal }))?.source.close()
        await bound('d.zkey', { maxFiles: 3 })
        expect(await namesKept()).toEqual(['a.zkey', 'c.zkey', 'd.zkey'])
        await bound('d.zkey', { maxBytes: 25 })
        expect(await namesKept()).toEqual(['a.zkey', 'd.zkey'])
        expect(await names()).toHaveLength(4)
      })

      it('but never of what is open, nor of what was just kept', async () => {
        for (const name of ['a.zkey', 'b.zkey', 'c.zkey']) await keep(name)
        const first = await store.open('a.zkey', { signal })
        const second = await store.open('a.zkey', { signal })
        await bound('c.zkey', { maxFiles: 0 })
        expect(await namesKept()).toEqual(['a.zkey', 'c.zkey'])
        await first?.source.close()
        await first?.source.close()
        expect(await store.drop('a.zkey')).toBe(false)
        expect(await second?.source.read(0, 10, { signal })).toEqual(new Uint8Array(10))
        await second?.source.close()
        // Locks are let go of soon, not at once.
        await expect.poll(() => store.drop('a.zkey')).toBe(true)
        expect(await namesKept()).toEqual(['c.zkey'])
        expect(await store.drop('nothing.zkey')).toBe(true)
      })

      it('and counts what it only remembers apart', async () => {
        for (const name of ['a.zkey', 'a.known', 'b.known', 'c.known']) await keep(name, 0)
        await bound('c.known', { maxFiles: 1, maxRecords: 2 })
        expect(await namesKept()).toEqual(['a.zkey', 'b.known', 'c.known'])
      })
    })

    describe('under what is fetched', () => {
      const url = new URL('https://localhost/circuit.zkey')
      let sha256: string
      let downloads: number
      const platform = (pieces: () => AsyncIterable<Uint8Array>): ArtefactPlatform => ({
        store,
        download: () => {
          downloads++
          return pieces()
        },
      })
      async function* whole(size = 700_000): AsyncIterable<Uint8Array> {
        for (let at = 0; at < BYTES.length; at += size) yield BYTES.slice(at, at + size)
      }
      async function* broken(): AsyncIterable<Uint8Array> {
        yield BYTES.slice(0, 5_000_000)
        throw new CodexError('proving/cannot-download', 'the line broke')
      }
      const request = () => ({ url, sha256, field: 'zkey' })
      beforeEach(async () => {
        downloads = 0
        const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', BYTES))
        sha256 = Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')
      })

      it('fetches once', async () => {
        for (const size of [700_000, 4 * 2 ** 20, 10_000_000]) {
          const source = await fetchArtefact(
            request(),
            platform(() => whole(size)),
            { signal },
          )
          expect(equalBytes(await source.read(0, source.size, { signal }), BYTES)).toBe(true)
          await source.close()
        }
        expect(downloads).toBe(1)
      })

      it('keeps no more than it may', async () => {
        for (const name of ['old.zkey', 'older.zkey']) await (await store.create(name, { signal })).keep('')
        clock.advance(100)
        const limits = { maxBytes: 2 ** 30, maxFiles: 2, maxRecords: 0 }
        await (await fetchArtefact(request(), { ...platform(whole), limits }, { signal })).close()
        const kept = (await store.list({ signal })).map(({ name }) => name)
        expect([kept.length, kept.includes(`${sha256}.zkey`)]).toEqual([2, true])
      })

      it('keeps nothing of a download that broke off, or is another file', async () => {
        await expect(fetchArtefact(request(), platform(broken), { signal })).rejects.toMatchObject({
          code: 'proving/cannot-download',
        })
        async function* other(): AsyncIterable<Uint8Array> {
          yield concatBytes(BYTES, Uint8Array.of(1))
        }
        await expect(fetchArtefact(request(), platform(other), { signal })).rejects.toMatchObject({
          code: 'proving/wrong-hash',
          detail: { field: 'zkey' },
        })
        expect(await names()).toEqual([])
        await (await fetchArtefact(request(), platform(whole), { signal })).close()
        expect(downloads).toBe(3)
      })

      it('fetches anew what went bad where it was kept', async () => {
        await (await fetchArtefact(request(), platform(whole), { signal })).close()
        await damage(`${sha256}.zkey`)
        const source = await fetchArtefact(request(), platform(whole), { signal })
        expect(equalBytes(await source.read(0, source.size, { signal }), BYTES)).toBe(true)
        await source.close()
        expect(downloads).toBe(2)
      })

      it.each(['null', 'no JSON'])('nor stumbles over the record %s', async (record) => {
        const draft = await store.create(`${sha256}.zkey`, { signal })
        await draft.keep(record)
        let closed = 0
        const watched: ArtefactStore = {
          create: (...asked) => store.create(...asked),
          remove: (name) => store.remove(name),
          list: (...asked) => store.list(...asked),
          drop: (name) => store.drop(name),
          open: async (...asked) => {
            const kept = await store.open(...asked)
            return (
              kept && {
                ...kept,
                source: { ...bound(kept.source), close: async () => (closed++, kept.source.close()) },
              }
            )
          },
        }
        const source = await fetchArtefact(request(), { ...platform(whole), store: watched }, { signal })
        expect([source.size, downloads, closed]).toEqual([BYTES.length, 1, 1])
        await source.close()
      })

      it('keeps nothing that is not pinned, and fetches it each time', async () => {
        for (let i = 0; i < 2; i++) {
          const source = await fetchArtefact({ url, field: 'zkey' }, platform(whole), { signal })
          expect(await source.read(5, 10, { signal })).toEqual(BYTES.subarray(5, 15))
        }
        expect(downloads).toBe(2)
        expect(await names()).toEqual([])
      })
    })
  })
}

function bound(source: OpenSource): Pick<OpenSource, 'size' | 'read'> {
  return { size: source.size, read: (...range) => source.read(...range) }
}
