// When blocks go: by the store's time, which a machine's clock that is set ahead does not reach.

import { expect, it } from 'vitest'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { nextTask } from '../../src/lib/nexttask.ts'
import { Maintenance } from '../../src/storage/maintenance.ts'
import { memoryStore, NEVER, TEST_HASHER } from '../fakes/memorystore.ts'
import { verifyBlocks } from '../../src/storage/verifiedblock.ts'
import { blockCid } from '../../src/protocol/block.ts'

async function withBlock(expiresIn: number) {
  const store = memoryStore()
  const bytes = new Uint8Array(100).fill(7)
  const cid = blockCid(bytes)
  const [block] = await verifyBlocks(TEST_HASHER, [{ cid, bytes }])
  if (block !== undefined) await store.repo.put(block, { expiry: store.clock.now() + expiresIn })
  return { ...store, cid }
}

it('holds expiries against the time of the store, not of the machine', async () => {
  const store = await withBlock(1000)
  const machine = new ManualClock(store.clock.now() + 30 * 24 * 3600)
  const maintenance = new Maintenance({ ...store, clock: machine, log: store.repo.parts.log })
  expect(await maintenance.run({ signal: NEVER })).toBe(0)
  expect(await store.repo.has(store.cid)).toBe(true)
  store.clock.advance(1001)
  expect(await maintenance.run({ signal: NEVER })).toBe(1)
})

it('runs at the start, or once it may', async () => {
  const store = await withBlock(1)
  store.clock.advance(100)
  let allow = (): void => undefined
  const ready = () => new Promise<void>((resolve) => (allow = resolve))
  store.maintenance.start({ signal: NEVER, ready })
  store.clock.advance(30 * 24 * 3600)
  await nextTask()
  expect(await store.repo.has(store.cid)).toBe(true)
  allow()
  await expect.poll(() => store.repo.has(store.cid)).toBe(false)
  await store.maintenance.stop()
  const other = await withBlock(1)
  other.clock.advance(100)
  other.maintenance.start({ signal: NEVER })
  await expect.poll(() => other.repo.has(other.cid)).toBe(false)
  await other.maintenance.stop()
})
