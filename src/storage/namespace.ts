// A part of a Datastore as a Datastore of its own: keys get a prefix on the way in and lose it on the way out. It owns nothing.

import { assert } from '../lib/errors.ts'
import { concatBytes } from '../lib/bytes.ts'
import { MAX_KEY_BYTES } from './datastore.ts'
import type { Datastore, EntriesOptions, Key } from './datastore.ts'
import { assertKey } from './storagekey.ts'
import type { Entry } from './walkentries.ts'

/**
 * Everything under `prefix` in `datastore`. The prefix takes its bytes from {@link MAX_KEY_BYTES}. Prefixes of two namespaces must not
 * begin one with the other (end them with `/`), or they see each other's records. `close` is a no-op: whoever opened the datastore
 * closes it, and then the verbs here reject as its own do. A commit over several namespaces is one commit of the datastore itself.
 */
export function namespace(datastore: Datastore, prefix: Key): Datastore {
  const before = prefix.slice()
  const room = MAX_KEY_BYTES - before.length
  assert(before.length >= 1 && room >= 1, `a namespace has 1 to ${MAX_KEY_BYTES - 1} bytes, found ${before.length}`)
  const inside = (key: Key): Key => {
    assertKey(key, room)
    return concatBytes(before, key)
  }
  return {
    async get(key) {
      return datastore.get(inside(key))
    },
    async getMany(keys) {
      return datastore.getMany(keys.map(inside))
    },
    async commit(changes, options) {
      await datastore.commit(
        changes.map((change) =>
          'put' in change ? { put: inside(change.put), value: change.value } : { drop: inside(change.drop) },
        ),
        options,
      )
    },
    async *entries(part: Key, { after, signal }: EntriesOptions): AsyncGenerator<Entry, void, void> {
      const behind = after === undefined ? {} : { after: concatBytes(before, after) }
      for await (const [key, value] of datastore.entries(concatBytes(before, part), { signal, ...behind }))
        yield [key.slice(before.length), value]
    },
    async close() {},
  }
}
