// MemoryDatastore and namespaces of it, held to the law of the seam.

import { expect, test } from 'vitest'

import { MAX_KEY_BYTES } from '../../src/storage/datastore.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { namespace } from '../../src/storage/namespace.ts'
import { textKey } from '../../src/storage/storagekey.ts'
import { datastoreSuite } from '../suites/datastore.ts'

datastoreSuite('MemoryDatastore', {
  features: { keeps: false },
  open: async () => {
    const store = new MemoryDatastore()
    return { store, teardown: () => store.close() }
  },
})

const PREFIX = Uint8Array.of(0x6e, 0x2f, 0xff)

datastoreSuite('namespace(MemoryDatastore)', {
  features: { maxKeyBytes: MAX_KEY_BYTES - PREFIX.length, closes: false },
  open: async () => {
    const parent = new MemoryDatastore()
    // Neighbours on both sides that no walk may meet.
    await parent.commit([
      { put: Uint8Array.of(0x6e, 0x2f, 0xfe, 0xff), value: Uint8Array.of(1) },
      { put: Uint8Array.of(0x6e, 0x30), value: Uint8Array.of(2) },
      { put: PREFIX.slice(0, 2), value: Uint8Array.of(3) },
    ])
    return { store: namespace(parent, PREFIX), teardown: () => parent.close() }
  },
})

test('closing a namespace leaves the datastore open, closing the datastore ends the namespace', async () => {
  const parent = new MemoryDatastore()
  const part = namespace(parent, textKey('part/'))
  await part.commit([{ put: textKey('key'), value: Uint8Array.of(1) }])
  await part.close()
  expect(await parent.get(textKey('part/key'))).toStrictEqual(Uint8Array.of(1))
  expect(await part.get(textKey('key'))).toStrictEqual(Uint8Array.of(1))
  await parent.close()
  await expect(part.get(textKey('key'))).rejects.toMatchObject({ code: 'datastore/closed' })
})

test('a namespace within a namespace adds its prefix to the other', async () => {
  const parent = new MemoryDatastore()
  const inner = namespace(namespace(parent, textKey('a/')), textKey('b/'))
  await inner.commit([{ put: textKey('c'), value: Uint8Array.of(1) }])
  expect(await parent.get(textKey('a/b/c'))).toStrictEqual(Uint8Array.of(1))
})
