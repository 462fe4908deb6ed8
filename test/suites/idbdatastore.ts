// What IdbDatastore promises beyond the law of Datastore: connections that drop, other tabs, other versions. Runs on the real IndexedDB and
// on the fake one.

import { describe, expect, test, vi } from 'vitest'

import { IdbDatastore } from '../../src/platform/browser/idbdatastore.ts'
import { RECORDS, SCHEMA_VERSION } from '../../src/platform/browser/idbconnection.ts'
import { textKey } from '../../src/storage/storagekey.ts'

let nextName = 0
const KEY = textKey('key')
const VALUE = Uint8Array.of(1, 2, 3)
const OTHER = Uint8Array.of(4)
const never = (): AbortSignal => new AbortController().signal

export function freshName(): string {
  return `codex-light-test-${performance.timeOrigin}-${nextName++}`
}

/** Deletes a database that nobody holds. */
export function deleteDatabase(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name)
    request.onsuccess = () => resolve()
    request.onerror = () => reject(request.error ?? new Error('deleting failed'))
  })
}

/** A factory that remembers the connections it made and may open another version than asked. */
function watchedFactory(versionsAhead = 0) {
  const connections: IDBDatabase[] = []
  let failures = 0
  const factory = {
    open(name: string, version: number) {
      if (failures > 0) {
        failures--
        throw new DOMException(
          'Connection to Indexed Database server lost. Refresh the page to try again',
          'UnknownError',
        )
      }
      const request = indexedDB.open(name, version + versionsAhead)
      request.addEventListener('success', () => connections.push(request.result))
      return request
    },
  } as unknown as IDBFactory
  const last = (): IDBDatabase => {
    const connection = connections.at(-1)
    if (connection === undefined) throw new Error('nothing was opened')
    return connection
  }
  return { factory, connections, last, failOpening: (times: number) => void (failures = times) }
}

/** Makes the next `times` transactions for writing abort when all requests have been issued, with the given error. */
function abortWrites(db: IDBDatabase, times: number, error: DOMException | null): void {
  const original = db.transaction.bind(db)
  let left = times
  db.transaction = (names: string | string[], mode?: IDBTransactionMode, options?: IDBTransactionOptions) => {
    const transaction = original(names, mode, options)
    if (mode !== 'readwrite' || left-- <= 0) return transaction
    if (error !== null) Object.defineProperty(transaction, 'error', { get: () => error })
    transaction.commit = () => transaction.abort()
    return transaction
  }
}

function rawOpen(name: string, version: number): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, version)
    request.onupgradeneeded = (event) => {
      if (event.oldVersion === 0) request.result.createObjectStore(RECORDS)
    }
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('opening failed'))
  })
}

export function idbDatastoreSuite(name: string): void {
  describe(`${name} survives what browsers do to connections`, () => {
    test('it says whether it made the database', async () => {
      const database = freshName()
      for (const created of [true, false]) {
        const store = await IdbDatastore.open(database, { signal: never() })
        expect(store.created).toBe(created)
        await store.close()
      }
    })

    test('a connection that refuses is opened again, for reads, walks and writes', async () => {
      const { factory, connections, last } = watchedFactory()
      const store = await IdbDatastore.open(freshName(), { signal: never(), factory })
      await store.commit([{ put: KEY, value: VALUE }])
      last().close()
      expect(await store.get(KEY)).toStrictEqual(VALUE)
      last().close()
      await store.commit([{ put: KEY, value: OTHER }])
      last().close()
      const found: Uint8Array[] = []
      for await (const [, value] of store.entries(KEY, { signal: never() })) found.push(value)
      expect(found).toStrictEqual([OTHER])
      expect(connections).toHaveLength(4)
      await store.close()
    })

    test('verbs that wait for the same reopening share it', async () => {
      const { factory, connections, last } = watchedFactory()
      const store = await IdbDatastore.open(freshName(), { signal: never(), factory })
      last().close()
      await Promise.all([store.get(KEY), store.getMany([KEY]), store.commit([{ put: KEY, value: VALUE }])])
      expect(connections).toHaveLength(2)
      await store.close()
    })

    test('a server that is gone for two openings is waited for, one that stays gone is an error, and a later call tries again', async () => {
      const { factory, last, failOpening } = watchedFactory()
      const store = await IdbDatastore.open(freshName(), { signal: never(), factory })
      await store.commit([{ put: KEY, value: VALUE }])
      last().close()
      failOpening(2)
      expect(await store.get(KEY)).toStrictEqual(VALUE)
      last().close()
      failOpening(1000)
      await expect(store.get(KEY)).rejects.toMatchObject({ code: 'datastore/failed' })
      failOpening(0)
      expect(await store.get(KEY)).toStrictEqual(VALUE)
      await store.close()
    })

    test('a write that aborts without a cause is repeated once, on a new connection', async () => {
      const { factory, connections, last } = watchedFactory()
      const store = await IdbDatastore.open(freshName(), { signal: never(), factory })
      abortWrites(last(), 1, null)
      await store.commit([{ put: KEY, value: VALUE }])
      expect(await store.get(KEY)).toStrictEqual(VALUE)
      expect(connections).toHaveLength(2)
      await store.close()
    })

    test.each([
      ['by name', new DOMException('', 'QuotaExceededError')],
      [
        'as a cause',
        Object.assign(new DOMException('aborted', 'AbortError'), { cause: new DOMException('', 'QuotaExceededError') }),
      ],
    ])('a full disk, told %s when committing, is one typed error and leaves nothing behind', async (_, error) => {
      const { factory, last } = watchedFactory()
      const store = await IdbDatastore.open(freshName(), { signal: never(), factory })
      await store.commit([{ put: KEY, value: VALUE }])
      abortWrites(last(), 1, error)
      const changes = [{ put: textKey('a'), value: VALUE }, { drop: KEY }]
      await expect(store.commit(changes)).rejects.toMatchObject({ code: 'datastore/full', cause: error })
      expect(await store.getMany([textKey('a'), KEY])).toStrictEqual([undefined, VALUE])
      await store.commit(changes)
      expect(await store.getMany([textKey('a'), KEY])).toStrictEqual([VALUE, undefined])
      await store.close()
    })

    test('another tab that upgrades is let through, and this one says so from then on', async () => {
      const database = freshName()
      const onLost = vi.fn()
      const store = await IdbDatastore.open(database, { signal: never(), onLost })
      const underway = store.commit([{ put: KEY, value: VALUE }])
      const newer = await rawOpen(database, SCHEMA_VERSION + 1)
      await underway
      const outdated = expect.objectContaining({ code: 'datastore/outdated' })
      expect(onLost.mock.calls).toEqual([[outdated]])
      await expect(store.get(KEY)).rejects.toEqual(outdated)
      await expect(store.commit([{ drop: KEY }])).rejects.toEqual(outdated)
      await store.close()
      await expect(store.get(KEY)).rejects.toMatchObject({ code: 'datastore/closed' })
      newer.close()
      await expect(IdbDatastore.open(database, { signal: never() })).rejects.toMatchObject({
        code: 'datastore/outdated',
      })
    })

    test('an upgrade waits for a tab that does not let go, until the signal', async () => {
      const database = freshName()
      const older = await rawOpen(database, SCHEMA_VERSION)
      const { factory } = watchedFactory(1)
      const controller = new AbortController()
      const reason = new Error('long enough')
      older.addEventListener('versionchange', () => setTimeout(() => controller.abort(reason), 50))
      const blocked = IdbDatastore.open(database, { signal: controller.signal, factory })
      await expect(blocked).rejects.toMatchObject({ code: 'datastore/blocked', cause: reason })
      older.close()
      const store = await IdbDatastore.open(database, { signal: never(), factory })
      expect(await store.get(KEY)).toBeUndefined()
      await store.close()
    })

    test('an upgrade goes on as soon as the other tab lets go', async () => {
      const database = freshName()
      const older = await rawOpen(database, SCHEMA_VERSION)
      older.addEventListener('versionchange', () => setTimeout(() => older.close(), 10))
      const { factory } = watchedFactory(1)
      const store = await IdbDatastore.open(database, { signal: never(), factory })
      expect(store.created).toBe(false)
      await store.close()
    })

    test('an aborted signal opens nothing', async () => {
      const reason = new Error('no more')
      await expect(IdbDatastore.open(freshName(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    })

    test('a database that is deleted under us is reported, never made anew', async () => {
      const database = freshName()
      const onLost = vi.fn()
      const store = await IdbDatastore.open(database, { signal: never(), onLost })
      await store.commit([{ put: KEY, value: VALUE }])
      await deleteDatabase(database)
      const lost = expect.objectContaining({ code: 'datastore/lost' })
      expect(onLost.mock.calls).toEqual([[lost]])
      await expect(store.get(KEY)).rejects.toEqual(lost)
      await store.close()
    })

    test('a database found missing when opening again is reported, never made anew', async () => {
      const database = freshName()
      const { factory, last } = watchedFactory()
      const onLost = vi.fn()
      const store = await IdbDatastore.open(database, { signal: never(), factory, onLost })
      last().close()
      await deleteDatabase(database)
      const lost = expect.objectContaining({ code: 'datastore/lost' })
      await expect(store.commit([{ put: KEY, value: VALUE }])).rejects.toEqual(lost)
      await expect(store.get(KEY)).rejects.toEqual(lost)
      expect(onLost.mock.calls).toEqual([[lost]])
      await store.close()
      const again = await IdbDatastore.open(database, { signal: never() })
      expect(again.created).toBe(true)
      await again.close()
    })

    test('a value that is a view stores its own bytes only', async () => {
      const database = freshName()
      const store = await IdbDatastore.open(database, { signal: never() })
      await store.commit([{ put: KEY, value: new Uint8Array(100).subarray(10, 13) }])
      await store.close()
      const raw = await rawOpen(database, SCHEMA_VERSION)
      const stored = await new Promise<Uint8Array>((resolve) => {
        const request: IDBRequest<Uint8Array> = raw.transaction(RECORDS).objectStore(RECORDS).get(Uint8Array.from(KEY))
        request.onsuccess = () => resolve(request.result)
      })
      expect(stored.buffer.byteLength).toBe(3)
      raw.close()
    })
  })
}
