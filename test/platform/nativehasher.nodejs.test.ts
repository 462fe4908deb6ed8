import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import type { HashApi } from '../../src/platform/nodejs/hashapi.ts'
import { NativeHasher } from '../../src/platform/nodejs/nativehasher.ts'
import { ThreadWorkers } from '../../src/platform/nodejs/threadworkers.ts'
import type { WorkerHandle } from '../../src/workers/workersource.ts'
import { bundleModule } from '../bundlemodule.ts'
import { hasherSuite } from '../suites/hasher.ts'

const script = await bundleModule(fileURLToPath(new URL('../../src/platform/nodejs/hashworker.ts', import.meta.url)))
const hashers: NativeHasher[] = []
const spawned: WorkerHandle<HashApi>[] = []

/** Counts its threads and keeps hold of them. */
class KeptThreads extends ThreadWorkers<HashApi> {
  override spawn(): WorkerHandle<HashApi> {
    const thread = super.spawn()
    spawned.push(thread)
    return thread
  }
}

function make(): NativeHasher {
  const hasher = new NativeHasher(new KeptThreads({ script }))
  hashers.push(hasher)
  return hasher
}

afterAll(() => hashers.forEach((hasher) => hasher.close()))

hasherSuite('NativeHasher with its thread', make)
// The source is no script that Node can run here: this thread does the work then.
hasherSuite('NativeHasher without a thread', () => new NativeHasher())

describe('the hashing thread', () => {
  const bulk = (hasher: NativeHasher): Uint8Array[] => {
    const memory = hasher.memory(4 * 1024 * 1024)
    return Array.from({ length: 64 }, (_, i) => memory.subarray(i * 65_536, (i + 1) * 65_536))
  }

  test('is started by the first bulk and no sooner, once', async () => {
    const before = spawned.length
    const hasher = make()
    await hasher.sha256([new Uint8Array(100), new Uint8Array(4_000_000)])
    expect(spawned.length).toBe(before)
    await Promise.all([hasher.sha256(bulk(hasher)), hasher.sha256(bulk(hasher))])
    expect(spawned.length).toBe(before + 1)
  })

  test('may die at any moment: the digests come all the same', async () => {
    const hasher = make()
    const expected = await hasher.sha256(bulk(hasher))
    const hashing = hasher.sha256(bulk(hasher))
    spawned.at(-1)?.end()
    expect(await hashing).toEqual(expected)
    expect(await hasher.sha256(bulk(hasher))).toEqual(expected)
  })

  test('is gone after close', async () => {
    const hasher = make()
    await hasher.sha256(bulk(hasher))
    hasher.close()
    await spawned.at(-1)?.closed
    expect(await hasher.sha256(bulk(hasher))).toHaveLength(64)
  })
})
