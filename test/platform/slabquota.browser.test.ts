// Slab files of a tab whose quota runs out.

import { afterEach, expect, test } from 'vitest'
import { cdp } from 'vitest/browser'
import { IdbDatastore } from '../../src/platform/browser/idbdatastore.ts'
import { OpfsSlabFile } from '../../src/platform/browser/opfsslabfile.ts'
import { DatastoreSlabFile } from '../../src/storage/datastoreslabfile.ts'
import type { SlabFile } from '../../src/storage/slabfile.ts'
import { pattern } from '../suites/slabfile.ts'

interface Devtools {
  send(method: string, parameters: Record<string, unknown>): Promise<unknown>
}

/** Leaves `quotaSize` bytes for this origin, or the real quota when undefined. */
async function setQuota(quotaSize?: number): Promise<void> {
  const parameters = quotaSize === undefined ? {} : { quotaSize: Math.ceil(quotaSize) }
  await (cdp() as unknown as Devtools).send('Storage.overrideQuotaForOrigin', {
    origin: location.origin,
    ...parameters,
  })
}

afterEach(() => setQuota())

const BLOCK_BYTES = 65_536
const ROOM_BYTES = 4 << 20

/** A bucket of its own, because Chromium remembers for half a minute how much room it found in one. */
interface Buckets {
  open(name: string): Promise<{ readonly indexedDB: IDBFactory }>
  delete(name: string): Promise<void>
}
const buckets = (navigator as unknown as { readonly storageBuckets: Buckets }).storageBuckets

/** Writes until there is no room; the first block must stay whole and the file usable once there is room again. */
async function fillUp(open: () => Promise<SlabFile>): Promise<SlabFile> {
  const { usage = 0 } = await navigator.storage.estimate()
  await setQuota(usage + ROOM_BYTES)
  const file = await open()
  await file.write([{ offset: 0, bytes: pattern(BLOCK_BYTES) }])
  await file.flush()
  const fill = async (): Promise<void> => {
    for (let block = 1; block < 1000; block += 32) {
      await file.write(
        Array.from({ length: 32 }, (_, i) => ({ offset: (block + i) * BLOCK_BYTES, bytes: pattern(BLOCK_BYTES, i) })),
      )
      await file.flush()
    }
  }
  await expect(fill()).rejects.toMatchObject({ code: 'slab/full' })
  expect(await file.read([{ offset: 0, length: BLOCK_BYTES }])).toEqual([pattern(BLOCK_BYTES)])
  await setQuota()
  await file.truncate(BLOCK_BYTES)
  await file.write([{ offset: BLOCK_BYTES, bytes: pattern(BLOCK_BYTES, 2) }])
  await file.flush()
  expect(await file.read([{ offset: BLOCK_BYTES, length: BLOCK_BYTES }])).toEqual([pattern(BLOCK_BYTES, 2)])
  return file
}

test('OPFS: a used up quota is slab/full', async () => {
  const name = `${crypto.randomUUID()}.slab`
  await (await fillUp(() => OpfsSlabFile.open(name))).close()
  await (await navigator.storage.getDirectory()).removeEntry(name)
})

test('IndexedDB: a used up quota is slab/full', async () => {
  const name = 'slab-quota'
  const { indexedDB: factory } = await buckets.open(name)
  const file = await fillUp(async () => {
    const store = await IdbDatastore.open(name, { signal: new AbortController().signal, factory })
    return DatastoreSlabFile.open(store, { release: () => store.close() })
  })
  await file.close()
  await buckets.delete(name)
})
