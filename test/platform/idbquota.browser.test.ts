// IdbDatastore when the browser's quota is used up: a real one, made small through the DevTools protocol.

import { afterEach, expect, test } from 'vitest'
import { cdp } from 'vitest/browser'

import { KiB, MiB } from '../../src/lib/units.ts'
import { IdbDatastore } from '../../src/platform/browser/idbdatastore.ts'
import type { Change, Key } from '../../src/storage/datastore.ts'
import { indexKey, joinKey, textKey } from '../../src/storage/storagekey.ts'

/** What vitest's type of the session leaves to the provider. */
interface Session {
  send(method: 'Storage.overrideQuotaForOrigin', options: { origin: string; quotaSize?: number }): Promise<void>
}

/** A bucket of its own, because Chromium remembers for half a minute how much room it found in one. */
interface Buckets {
  open(name: string): Promise<{ readonly indexedDB: IDBFactory }>
  delete(name: string): Promise<void>
}
const buckets = (navigator as unknown as { readonly storageBuckets: Buckets }).storageBuckets

const ROOM_BYTES = 4 * MiB
const GROUP_KEYS = 4
const VALUE_BYTES = 128 * KiB
/** Far more than there is room for. */
const MOST_GROUPS = 500

async function setQuota(quotaSize?: number): Promise<void> {
  const session = cdp() as unknown as Session
  await session.send('Storage.overrideQuotaForOrigin', {
    origin: location.origin,
    ...(quotaSize !== undefined && { quotaSize }),
  })
}

const groupKeys = (group: number): Key[] =>
  Array.from({ length: GROUP_KEYS }, (_, index) => joinKey('group/', indexKey(group), indexKey(index)))

const changesOf = (group: number): Change[] =>
  groupKeys(group).map((put) => {
    const value = new Uint8Array(VALUE_BYTES)
    for (let at = 0; at < VALUE_BYTES; at += 64 * KiB) crypto.getRandomValues(value.subarray(at, at + 64 * KiB))
    return { put, value }
  })

afterEach(() => setQuota())

test.each(['strict', 'relaxed'] as const)(
  'a %s commit over the quota is one typed error, writes nothing, and the store goes on',
  async (durability) => {
    const { usage = 0 } = await navigator.storage.estimate()
    await setQuota(usage + ROOM_BYTES)
    const name = `quota-${durability}`
    const { indexedDB: factory } = await buckets.open(name)
    const store = await IdbDatastore.open(name, { signal: new AbortController().signal, factory })
    await store.commit([{ put: textKey('first'), value: Uint8Array.of(1) }])

    let groups = 0
    let failure: unknown
    while (failure === undefined && groups < MOST_GROUPS) {
      await store.commit(changesOf(groups), { durability }).then(
        () => groups++,
        (error: unknown) => (failure = error),
      )
    }
    expect(failure).toMatchObject({ code: 'datastore/full' })
    expect(groups).toBeGreaterThan(0)
    const present = async (group: number) =>
      (await store.getMany(groupKeys(group))).filter((value) => value?.length === VALUE_BYTES).length
    for (let group = 0; group < groups; group++) expect(await present(group)).toBe(GROUP_KEYS)
    expect(await present(groups)).toBe(0)

    await setQuota()
    await store.commit(changesOf(groups), { durability })
    expect(await present(groups)).toBe(GROUP_KEYS)
    expect(await store.get(textKey('first'))).toStrictEqual(Uint8Array.of(1))
    await store.close()
    await buckets.delete(name)
  },
)
