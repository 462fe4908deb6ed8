// The law of the Datastore seam, for every implementation of it, wrapper and fake included. It knows nothing of how one stores.

import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { compareBytes, toHex } from '../../src/lib/bytes.ts'
import { assert } from '../../src/lib/errors.ts'
import { KiB, MiB } from '../../src/lib/units.ts'
import { MAX_KEY_BYTES } from '../../src/storage/datastore.ts'
import type { Change, Datastore, Key } from '../../src/storage/datastore.ts'
import { indexKey, joinKey, textKey } from '../../src/storage/storagekey.ts'
import { PAGE_ENTRIES } from '../../src/storage/walkentries.ts'

export interface OpenedDatastore {
  readonly store: Datastore
  /** Called once `store` is closed: the same data again. */
  readonly reopen?: () => Promise<Datastore>
  /** Lets go of everything, whether the stores are closed or not. */
  readonly teardown: () => Promise<void>
}

export interface DatastoreFeatures {
  /** Longest key taken; {@link MAX_KEY_BYTES} when left out. */
  readonly maxKeyBytes?: number
  /** Whether `close` refuses later calls; true when left out. */
  readonly closes?: boolean
  /** Whether its data outlives `close`, so that {@link OpenedDatastore.reopen} is there; as `closes` when left out. */
  readonly keeps?: boolean
  /** Size of the large-store case; 10^5 when left out. */
  readonly manyKeys?: number
}

export interface DatastoreSetup {
  readonly open: () => Promise<OpenedDatastore>
  readonly features?: DatastoreFeatures
}

const LONG = Boolean(import.meta.env['LONG'])
const MANY_KEYS = LONG ? 100_000 : 'window' in globalThis ? 5_000 : 20_000
const MANY_KEYS_PER_COMMIT = 5_000
const MODEL_RUNS = 25
const MORE_THAN_A_PAGE = PAGE_ENTRIES * 2 + 7

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const put = (key: Key, value: Uint8Array): Change => ({ put: key, value })
const forever = (): AbortSignal => new AbortController().signal

export function datastoreSuite(name: string, { open, features = {} }: DatastoreSetup): void {
  const { maxKeyBytes = MAX_KEY_BYTES, closes = true, keeps = closes, manyKeys = MANY_KEYS } = features

  describe(`${name} keeps the law of Datastore`, () => {
    let opened: OpenedDatastore
    let store: Datastore

    beforeEach(async () => {
      opened = await open()
      store = opened.store
    })
    afterEach(() => opened.teardown())

    recordCases(() => store, maxKeyBytes)
    walkCases(() => store)
    concurrencyCases(() => store)
    modelCase(() => store)
    largeCase(() => store, manyKeys)
    if (closes) lifeCases(() => opened, keeps)
  })
}

function recordCases(store: () => Datastore, maxKeyBytes: number): void {
  test('an unknown key has no value, a put one has, a dropped one has none again', async () => {
    const key = textKey('meta/quota')
    expect(await store().get(key)).toBeUndefined()
    await store().commit([put(key, bytes(1, 2))])
    expect(await store().get(key)).toStrictEqual(bytes(1, 2))
    await store().commit([{ drop: key }])
    expect(await store().get(key)).toBeUndefined()
    await store().commit([{ drop: key }], { durability: 'relaxed' })
    await store().commit([])
  })

  test.each([0, 1, 255, 64 * KiB, MiB])('a value of %i bytes comes back byte for byte', async (size) => {
    const value = Uint8Array.from({ length: size }, (_, index) => (index * 31) & 0xff)
    await store().commit([put(textKey('value'), value)])
    const found = await store().get(textKey('value'))
    expect(found?.length).toBe(size)
    expect(compareBytes(found ?? bytes(0), value)).toBe(0)
  })

  test('a key of the longest length works, an empty or longer one is refused', async () => {
    const longest = new Uint8Array(maxKeyBytes).fill(0xff)
    await store().commit([put(longest, bytes(7))])
    expect(await store().get(longest)).toStrictEqual(bytes(7))
    for (const key of [new Uint8Array(0), new Uint8Array(maxKeyBytes + 1)]) {
      await expect(store().get(key)).rejects.toThrow('a key has 1 to')
      await expect(store().getMany([key])).rejects.toThrow('a key has 1 to')
      await expect(store().commit([put(key, bytes())])).rejects.toThrow('a key has 1 to')
      await expect(store().commit([{ drop: key }])).rejects.toThrow('a key has 1 to')
    }
  })

  test('a commit with a change that is refused changes nothing', async () => {
    await store().commit([put(textKey('old'), bytes(1))])
    const tooLong = new Uint8Array(maxKeyBytes + 1)
    const changes = [
      put(textKey('new'), bytes(2)),
      { drop: textKey('old') },
      put(tooLong, bytes(3)),
      put(textKey('last'), bytes()),
    ]
    await expect(store().commit(changes)).rejects.toThrow('a key has 1 to')
    expect(await texts(store())).toEqual(['old'])
  })

  test('the last change of a key wins', async () => {
    const [a, b] = [textKey('a'), textKey('b')]
    await store().commit([
      put(a, bytes(1)),
      put(b, bytes(1)),
      { drop: a },
      put(a, bytes(2)),
      put(b, bytes(2)),
      { drop: b },
    ])
    expect(await store().getMany([a, b])).toStrictEqual([bytes(2), undefined])
  })

  test('getMany answers in order, with holes and repetitions', async () => {
    await store().commit([put(textKey('a'), bytes(1)), put(textKey('c'), bytes())])
    const keys = ['c', 'b', 'a', 'c', 'd'].map(textKey)
    expect(await store().getMany(keys)).toStrictEqual([bytes(), undefined, bytes(1), bytes(), undefined])
    expect(await store().getMany([])).toEqual([])
  })

  test('what is handed in or out belongs to the caller', async () => {
    const large = new Uint8Array(64).fill(9)
    const [key, value] = [large.subarray(3, 5), large.subarray(10, 13)]
    await store().commit([put(key, value)])
    large.fill(0)
    const kept = bytes(9, 9)
    expect(await store().get(kept)).toStrictEqual(bytes(9, 9, 9))
    ;(await store().get(kept))?.fill(1)
    ;(await store().getMany([kept]))[0]?.fill(1)
    for await (const [foundKey, foundValue] of store().entries(bytes(9), { signal: forever() })) {
      foundKey.fill(1)
      foundValue.fill(1)
    }
    expect(await hexes(store())).toEqual(['0909:090909'])
  })
}

function walkCases(store: () => Datastore): void {
  test('entries come in the order of unsigned bytes, a prefix before what it begins', async () => {
    const keys = ['ff', '00', '0000', '00ff', '0100', '01', '7f', '80', 'fe', 'ffff', 'ff00', '61', '6161'].map((hex) =>
      Uint8Array.from(hex.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16)),
    )
    await store().commit(keys.map((key) => put(key, key)))
    const sorted = ['00', '0000', '00ff', '01', '0100', '61', '6161', '7f', '80', 'fe', 'ff', 'ff00', 'ffff']
    expect(await hexes(store())).toEqual(sorted.map((hex) => `${hex}:${hex}`))
  })

  test('a prefix takes what it begins and nothing else', async () => {
    const keys = [
      bytes(1),
      bytes(1, 0),
      bytes(1, 255),
      bytes(1, 255, 255),
      bytes(2),
      bytes(255),
      bytes(255, 255),
      bytes(255, 255, 1),
    ]
    await store().commit(keys.map((key) => put(key, bytes())))
    const walk = (prefix: Key) => hexes(store(), prefix)
    expect(await walk(bytes(1))).toEqual(['01:', '0100:', '01ff:', '01ffff:'])
    expect(await walk(bytes(1, 255))).toEqual(['01ff:', '01ffff:'])
    expect(await walk(bytes(255, 255))).toEqual(['ffff:', 'ffff01:'])
    expect(await walk(bytes(0))).toEqual([])
    expect(await walk(bytes(3))).toEqual([])
  })

  test('`after` starts behind a key, present or not, inside the prefix or not', async () => {
    await store().commit([1, 3, 5].map((index) => put(joinKey('p/', indexKey(index)), bytes(index))))
    await store().commit([put(textKey('o'), bytes()), put(textKey('q'), bytes())])
    const walk = async (after: Key) => {
      const found: number[] = []
      for await (const [, value] of store().entries(textKey('p/'), { signal: forever(), after }))
        found.push(value[0] ?? -1)
      return found
    }
    expect(await walk(joinKey('p/', indexKey(1)))).toEqual([3, 5])
    expect(await walk(joinKey('p/', indexKey(2)))).toEqual([3, 5])
    expect(await walk(joinKey('p/', indexKey(5)))).toEqual([])
    expect(await walk(textKey('p/'))).toEqual([1, 3, 5])
    expect(await walk(textKey('a'))).toEqual([1, 3, 5])
    expect(await walk(textKey('z'))).toEqual([])
  })

  test('a walk over several pages meets every record that stays, once, while others come and go', async () => {
    const key = (index: number) => joinKey('walk/', indexKey(index))
    const all = Array.from({ length: MORE_THAN_A_PAGE }, (_, index) => index)
    await store().commit(all.map((index) => put(key(index), bytes(index & 0xff))))
    const found: string[] = []
    for await (const [foundKey] of store().entries(textKey('walk/'), { signal: forever() })) {
      found.push(toHex(foundKey))
      // Odd records go, others come, before and behind the place of the walk.
      if (found.length % 100 === 1)
        await store().commit(
          [{ drop: key(found.length) }, put(joinKey('walk/', indexKey(found.length), 'x'), bytes())],
          {
            durability: 'relaxed',
          },
        )
    }
    expect(found).toEqual([...new Set(found)].sort())
    const met = new Set(found)
    const dropped = (index: number) => index % 100 === 1
    expect(all.filter((index) => !dropped(index) && !met.has(toHex(key(index))))).toEqual([])
  })

  test('records larger than a page are walked too', async () => {
    const size = 300 * KiB
    for (let index = 0; index < 20; index++)
      await store().commit([put(bytes(index), new Uint8Array(size).fill(index))], { durability: 'relaxed' })
    const found: number[] = []
    for await (const [key, value] of store().entries(bytes(), { signal: forever() })) {
      expect([value.length, value[0], value[size - 1]]).toEqual([size, key[0], key[0]])
      found.push(key[0] ?? -1)
    }
    expect(found).toEqual(Array.from({ length: 20 }, (_, index) => index))
  })

  test('an aborted walk rejects with the reason of the signal, and the store goes on', async () => {
    await store().commit(Array.from({ length: 10 }, (_, index) => put(bytes(index), bytes(index))))
    const controller = new AbortController()
    const reason = new Error('enough')
    let count = 0
    const walk = async () => {
      for await (const _ of store().entries(bytes(), { signal: controller.signal }))
        if (++count === 3) controller.abort(reason)
    }
    await expect(walk()).rejects.toBe(reason)
    expect(count).toBe(3)
    await expect(walk()).rejects.toBe(reason)
    expect(count).toBe(3)
    expect(await store().get(bytes(3))).toStrictEqual(bytes(3))
  })

  test('a walk left early leaves nothing behind', async () => {
    await store().commit([put(bytes(1), bytes(1)), put(bytes(2), bytes(2))])
    for await (const _ of store().entries(bytes(), { signal: forever() })) break
    await store().commit([put(bytes(3), bytes(3))])
    expect(await hexes(store())).toEqual(['01:01', '02:02', '03:03'])
  })
}

function concurrencyCases(store: () => Datastore): void {
  test('concurrent commits are whole each, and later calls win', async () => {
    const [commits, width] = [60, 5]
    const keys = Array.from({ length: width }, (_, index) => joinKey('row/', indexKey(index)))
    let torn = 0
    const watch = async () => {
      for (let round = 0; round < 20; round++) {
        const row = await store().getMany(keys)
        if (new Set(row.map((value) => value?.[0])).size > 1) torn++
      }
    }
    const writes = Array.from({ length: commits }, (_, index) =>
      store().commit(
        [...keys.map((key) => put(key, bytes(index))), put(joinKey('own/', indexKey(index)), bytes(index))],
        { durability: index % 3 === 0 ? 'strict' : 'relaxed' },
      ),
    )
    await Promise.all([...writes, watch()])
    expect(torn).toBe(0)
    expect(await store().getMany(keys)).toStrictEqual(keys.map(() => bytes(commits - 1)))
    expect(await hexes(store(), textKey('own/'))).toHaveLength(commits)
  })

  test('a refused commit does not harm those beside it', async () => {
    const results = await Promise.allSettled([
      store().commit([put(bytes(1), bytes(1))]),
      store().commit([put(bytes(2), bytes(2)), put(new Uint8Array(0), bytes())]),
      store().commit([put(bytes(3), bytes(3))]),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(await hexes(store())).toEqual(['01:01', '03:03'])
  })
}

function modelCase(store: () => Datastore): void {
  const byte = fc.constantFrom(0x00, 0x01, 0x61, 0xfe, 0xff)
  const key = fc
    .uint8Array({ minLength: 1, maxLength: 4 })
    .chain(({ length }) => fc.array(byte, { minLength: length, maxLength: length }))
    .map((values) => Uint8Array.from(values))
  const prefix = fc.array(byte, { maxLength: 2 }).map((values) => Uint8Array.from(values))
  const change = fc.oneof(
    { weight: 3, arbitrary: fc.record({ put: key, value: fc.uint8Array({ maxLength: 8 }) }) },
    { weight: 1, arbitrary: fc.record({ drop: key }) },
  )
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.array(change, { maxLength: 12 }).map((changes) => ({ changes })) },
    { weight: 1, arbitrary: fc.array(key, { maxLength: 6 }).map((keys) => ({ keys })) },
    { weight: 1, arbitrary: fc.record({ prefix, after: fc.option(key, { nil: undefined }) }) },
  )

  test('random commits, reads and walks agree with a sorted list', async () => {
    const run = async (steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[]) => {
      const left = await keysOf(store())
      await store().commit(
        left.map((drop) => ({ drop })),
        { durability: 'relaxed' },
      )
      const model = new Map<string, Uint8Array>()
      for (const one of steps) {
        if ('changes' in one) {
          await store().commit(one.changes, { durability: 'relaxed' })
          for (const each of one.changes) {
            if ('put' in each) model.set(toHex(each.put), each.value)
            else model.delete(toHex(each.drop))
          }
        } else if ('keys' in one) {
          const expected = one.keys.map((each) => model.get(toHex(each)))
          expect(await store().getMany(one.keys)).toStrictEqual(expected)
          expect(await Promise.all(one.keys.map((each) => store().get(each)))).toStrictEqual(expected)
        } else {
          const [begin, after] = [toHex(one.prefix), one.after && toHex(one.after)]
          const expected = [...model]
            .filter(([hex]) => hex.startsWith(begin) && (after === undefined || hex > after))
            .sort(([a], [b]) => (a < b ? -1 : 1))
          expect(await hexes(store(), one.prefix, one.after)).toEqual(
            expected.map(([hex, value]) => `${hex}:${toHex(value)}`),
          )
        }
      }
    }
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), run), { numRuns: MODEL_RUNS })
  })
}

function largeCase(store: () => Datastore, manyKeys: number): void {
  test(`${manyKeys} keys, put in random order, are found and walked in order`, async () => {
    // A step coprime to the count visits every index once, far from its neighbours.
    const step = 61_803
    const key = (index: number) => joinKey('many/', indexKey(index))
    for (let start = 0; start < manyKeys; start += MANY_KEYS_PER_COMMIT) {
      const changes: Change[] = []
      for (let at = start; at < Math.min(manyKeys, start + MANY_KEYS_PER_COMMIT); at++) {
        const index = (at * step) % manyKeys
        changes.push(put(key(index), indexKey(index)))
      }
      await store().commit(changes, { durability: 'relaxed' })
    }
    let count = 0
    let misplaced = 0
    for await (const [, value] of store().entries(textKey('many/'), { signal: forever() })) {
      if (compareBytes(value, indexKey(count++)) !== 0) misplaced++
    }
    expect({ count, misplaced }).toEqual({ count: manyKeys, misplaced: 0 })
    const last = manyKeys - 1
    expect(await hexes(store(), textKey('many/'), key(last - 2))).toHaveLength(2)
    expect(await store().getMany([key(0), key(last), key(manyKeys)])).toStrictEqual([
      indexKey(0),
      indexKey(last),
      undefined,
    ])
  })
}

function lifeCases(opened: () => OpenedDatastore, keeps: boolean): void {
  test('close waits for what is under way, may be repeated, and refuses later calls', async () => {
    const { store } = opened()
    await store.commit([put(bytes(1), bytes(1))])
    const walk = store.entries(bytes(), { signal: forever() })[Symbol.asyncIterator]()
    const underway = [store.commit([put(bytes(2), bytes(2))]), store.get(bytes(1)), store.getMany([bytes(1)])]
    const closing = [store.close(), store.close()]
    const settled = await Promise.allSettled(underway)
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled'])
    await Promise.all(closing)
    await store.close()
    const closed = expect.objectContaining({ name: 'CodexError', code: 'datastore/closed' })
    await expect(store.get(bytes(1))).rejects.toEqual(closed)
    await expect(store.getMany([bytes(1)])).rejects.toEqual(closed)
    await expect(store.commit([{ drop: bytes(1) }])).rejects.toEqual(closed)
    await expect(walk.next()).rejects.toEqual(closed)
    await expect(keysOf(store)).rejects.toEqual(closed)
  })

  if (!keeps) return

  test('what was committed is there after closing and opening again', async () => {
    const { store, reopen } = opened()
    assert(reopen !== undefined, 'a store that keeps its data can be opened again')
    await store.commit([put(bytes(0), bytes(1)), put(bytes(255), bytes())])
    await store.commit([{ drop: bytes(0) }, put(bytes(0, 0), new Uint8Array(MiB).fill(3))], { durability: 'relaxed' })
    await store.close()
    const again = await reopen()
    expect((await keysOf(again)).map(toHex)).toEqual(['0000', 'ff'])
    expect((await again.get(bytes(0, 0)))?.length).toBe(MiB)
    await again.close()
  })
}

async function keysOf(store: Datastore): Promise<Key[]> {
  const keys: Key[] = []
  for await (const [key] of store.entries(bytes(), { signal: forever() })) keys.push(key)
  return keys
}

async function texts(store: Datastore): Promise<string[]> {
  return (await keysOf(store)).map((key) => new TextDecoder().decode(key))
}

/** `key:value` of a walk, in hex. */
async function hexes(store: Datastore, prefix: Key = bytes(), after?: Key): Promise<string[]> {
  const found: string[] = []
  for await (const [key, value] of store.entries(prefix, { signal: forever(), ...(after && { after }) }))
    found.push(`${toHex(key)}:${toHex(value)}`)
  return found
}
