// What this node has is said to whoever listens: when it is stored, and again and again.

import { expect, test } from 'vitest'

import { ANNOUNCE_SECONDS, Announcer } from '../../src/exchange/announcer.ts'
import { CodexError } from '../../src/lib/errors.ts'
import { memoryStore, NEVER, seededBytes, streamOf } from '../fakes/memorystore.ts'

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
