// A peer with Slots upon its store, over memory. Not a test.

import { onTestFinished } from 'vitest'
import { BlockExchange } from '../../src/exchange/blockexchange.ts'
import type { ManualClock } from '../../src/lib/manualclock.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { CrashingSlabFile } from './crashingslabfile.ts'
import type { TestPeer } from './exchangepeers.ts'
import { seededRandom } from './memorystore.ts'
import type { SlotsStore } from './slotsstore.ts'
import { slotsStore } from './slotsstore.ts'

export interface SlotsPeer extends SlotsStore<CrashingSlabFile>, TestPeer {}

/** It exchanges until the test is over. */
export function slotsPeer(id: string, clock: ManualClock): SlotsPeer {
  const store = slotsStore({ datastore: new MemoryDatastore(), slab: new CrashingSlabFile(), clock })
  const { repo } = store
  const exchange = new BlockExchange({ repo, clock, log: repo.parts.log, random: seededRandom(id.length) })
  exchange.start()
  onTestFinished(() => exchange.stop())
  return { ...store, id, exchange }
}
