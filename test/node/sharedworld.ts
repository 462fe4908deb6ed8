// One world for all tests of a file: its chain, contracts and circuit are made once, and put back before each test but the first. Not a test.

import { afterAll, beforeEach } from 'vitest'
import type { MarketplaceConfiguration } from '../../src/devnet/configuration.ts'
import { NodeWorld } from './nodeworld.ts'

const HOOK_MS = 120_000

/** To be called once in a file. @returns the world of the test that runs, without any node in it */
export function sharedWorld(configuration: Partial<MarketplaceConfiguration> = {}): () => NodeWorld {
  let world: NodeWorld | undefined
  beforeEach(async () => {
    if (world === undefined) world = await NodeWorld.start(configuration)
    else await world.renew()
  }, HOOK_MS)
  afterAll(() => world?.stop(), HOOK_MS)
  return () => {
    if (world === undefined) throw new Error('a world is there while a test runs')
    return world
  }
}
