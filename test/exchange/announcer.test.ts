// What this node has is said to whoever listens: when it is stored, and again and again.

import { expect, test } from 'vitest'

import { ANNOUNCE_SECONDS, Announcer } from '../../src/exchange/announcer.ts'
import { CodexError } from '../../src/lib/errors.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { MemorySlabFile } from '../../src/storage/memoryslabfile.ts'
import { FaultyDatastore } from '../fakes/faultydatastore.ts'
import { memoryStore, NEVER, seededBytes, streamOf, testStore } from '../fakes/memorystore.ts'

test('every dataset is announced when it is stored, and all of them every half hour', async () => {
  const { datasets, repo, clock } = memoryStore()
  const said: string[][] = []
  let fails = false
  const announcer = new Announcer({
    announce: async (cids) => {
      said.push(cids.map(String))
      if (fails) throw new CodexError('network/cannot-connect', 'nobody there')
    },
    datasets,
    clock,
    log: repo.parts.log,
  })
  const upload = async (seed: number): Promise<string[]> => {
    const { cid, manifest } = await datasets.upload(streamOf(seededBytes(1000, seed)), { signal: NEVER })
    return [String(cid), String(manifest.treeCid)]
  }
  const before = await upload(1)
  announcer.start()
  await expect.poll(() => said).toEqual([before])
  fails = true
  const after = await upload(2)
  await expect.poll(() => said).toEqual([before, after])
  fails = false
  await clock.play(ANNOUNCE_SECONDS)
  await expect.poll(() => said.at(-1)?.toSorted()).toEqual([...before, ...after].toSorted())
  await announcer.stop()
})

test('a store that cannot be read once does not end the announcements', async () => {
  let fails = false
  const failing = new FaultyDatastore(new MemoryDatastore(), async (what, call) => {
    if (fails && what === 'datastore.entries') throw new CodexError('datastore/failed', 'once, as the test asked for')
    return call()
  })
  const { datasets, repo, clock, logged } = testStore({ datastore: failing, slab: new MemorySlabFile() })
  const { cid } = await datasets.upload(streamOf(seededBytes(1000, 1)), { signal: NEVER })
  const said: string[] = []
  const announcer = new Announcer({
    announce: async (cids) => void said.push(...cids.map(String)),
    datasets,
    clock,
    log: repo.parts.log,
  })
  fails = true
  announcer.start()
  await expect.poll(() => logged.map(({ level }) => level)).toContain('warn')
  fails = false
  await clock.play(ANNOUNCE_SECONDS)
  await expect.poll(() => said).toContain(String(cid))
  expect(logged.filter(({ level }) => level === 'error')).toEqual([])
  await announcer.stop()
})
