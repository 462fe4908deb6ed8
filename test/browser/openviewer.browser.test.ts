import { expect, test } from 'vitest'

import type { TabOptions, Viewer } from '../../src/browser.ts'
import { openNode, openViewer } from '../../src/browser.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { pieces, sampleFile, startNode, tabOptions } from './opentab.ts'

async function cidsIn(viewer: Viewer, { signal }: TabOptions): Promise<string[]> {
  const cids: string[] = []
  for await (const { cid } of viewer.list({ signal })) cids.push(String(cid))
  return cids
}

test('a viewer sees what the node stores, hears of it, and holds nothing that the node needs', async () => {
  const clock = new ManualClock(1_700_000_000)
  const options = { ...tabOptions(), clock }
  const { signal } = options
  const node = await startNode(options)
  const viewer = await openViewer(options)
  expect(await cidsIn(viewer, options)).toEqual([])
  const changes = viewer.changes({ signal })[Symbol.asyncIterator]()
  const heard = changes.next()
  const { cid } = await node.datasets.upload(pieces(sampleFile(200_000)), { filename: 'seen.bin', signal })
  // The last commit shares a message with those just before it.
  await clock.play(2)
  await heard
  expect(await cidsIn(viewer, options)).toEqual([String(cid)])
  const { quotaUsedBytes, totalBlocks } = await node.repo.space()
  expect(await viewer.space()).toMatchObject({ quotaUsedBytes, totalBlocks })

  await node.datasets.remove(cid, { signal })
  expect(await cidsIn(viewer, options)).toEqual([])
  expect((await viewer.space()).quotaUsedBytes).toBe(0)

  const next = openNode({ ...options, inLine: true })
  await node.stop()
  await (await next).stop()
  await viewer.close()
})

test('several viewers and a node come and go in any order', async () => {
  const options = tabOptions()
  const early = await openViewer(options)
  const node = await startNode(options)
  const late = await openViewer(options)
  await early.close()
  await node.datasets.upload(pieces(sampleFile(70_000)), { signal: options.signal })
  expect(await cidsIn(late, options)).toHaveLength(1)
  await node.stop()
  expect(await cidsIn(late, options)).toHaveLength(1)
  await late.close()
  await expect(late.space()).rejects.toMatchObject({ code: 'datastore/closed' })
})
