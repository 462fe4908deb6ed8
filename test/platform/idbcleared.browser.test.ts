// IdbDatastore when a person clears the site's data while it is open.

import { expect, test, vi } from 'vitest'
import { cdp } from 'vitest/browser'

import { IdbDatastore } from '../../src/platform/browser/idbdatastore.ts'
import { textKey } from '../../src/storage/storagekey.ts'
import { deleteDatabase, freshName } from '../suites/idbdatastore.ts'

/** What vitest's type of the session leaves to the provider. */
interface Session {
  send(method: 'Storage.clearDataForOrigin', options: { origin: string; storageTypes: string }): Promise<void>
}

test('cleared data are reported as lost, not replaced by an empty database', async () => {
  const name = freshName()
  const { signal } = new AbortController()
  const onLost = vi.fn()
  const store = await IdbDatastore.open(name, { signal, onLost })
  const change = { put: textKey('key'), value: Uint8Array.of(1) }
  await store.commit([change])
  const session = cdp() as unknown as Session
  await session.send('Storage.clearDataForOrigin', { origin: location.origin, storageTypes: 'indexeddb' })
  const lost = expect.objectContaining({ code: 'datastore/lost' })
  await expect(store.get(textKey('key'))).rejects.toEqual(lost)
  await expect(store.commit([change])).rejects.toEqual(lost)
  expect(onLost.mock.calls).toEqual([[lost]])
  await store.close()
  const again = await IdbDatastore.open(name, { signal })
  expect(again.created).toBe(true)
  await again.close()
  await deleteDatabase(name)
})
