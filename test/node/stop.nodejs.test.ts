// A provider that is stopped with sales under way leaves nothing running: its process has nothing more to wait for, and ends by itself.

import { afterEach, expect, test } from 'vitest'
import { buy, NodeWorld, upload } from './nodeworld.ts'
import { SellingProcess } from './sellingprocess.ts'

let world: NodeWorld
let provider: SellingProcess | undefined
afterEach(async () => {
  await provider?.kill()
  await world.stop()
}, 60_000)

test('a node that stops in the middle of sales waits for no time, and leaves no handle and no timer behind (T29)', async () => {
  world = await NodeWorld.start()
  const client = await world.node('client', { account: 1, roles: ['client'] })
  const running = await SellingProcess.inWorld(world, { account: 2, client })
  provider = running
  await buy(client, await upload(client, 5 * 65_536), { duration: 410, expiry: 400 })
  await world.until('selling', () => running.isRunning && running.states.includes('SaleDownloading'))
  // No block comes and no timer rings meanwhile: what it needs for that is work alone.
  expect(await world.time.holdDuring(() => running.stop())).toBe(0)
  expect(running.failure).toBe('')
}, 300_000)
