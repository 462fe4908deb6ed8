import { expect, test } from 'vitest'

import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { readOnlyDatastore } from '../../src/storage/readonlydatastore.ts'
import { textKey } from '../../src/storage/storagekey.ts'

test('reads pass through, changes are refused, closing leaves the owner its datastore', async () => {
  const store = new MemoryDatastore()
  const key = textKey('a')
  await store.commit([{ put: key, value: Uint8Array.of(1) }])
  const view = readOnlyDatastore(store)
  expect(await view.get(key)).toEqual(Uint8Array.of(1))
  expect(await view.getMany([key, textKey('b')])).toEqual([Uint8Array.of(1), undefined])
  const seen: (readonly [Uint8Array, Uint8Array])[] = []
  for await (const entry of view.entries(textKey(''), { signal: new AbortController().signal })) seen.push(entry)
  expect(seen).toEqual([[key, Uint8Array.of(1)]])
  await expect(view.commit([{ drop: key }])).rejects.toMatchObject({ code: 'datastore/read-only' })
  await view.close()
  expect(await store.get(key)).toEqual(Uint8Array.of(1))
})
