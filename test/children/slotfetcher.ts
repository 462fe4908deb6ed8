// A provider in a process of its own that fetches one slot over TCP and says how far it is, to be killed at any moment. Usage: `slotfetcher` with the folder, the
// bootstrap peer and the order as JSON in the environment.

import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { SystemClock } from '../../src/lib/systemclock.ts'
import { openNode } from '../../src/nodejs.ts'
import type { FetchedSlot, SlotOrder } from '../exchange/slotfetch.ts'
import { fetchSlot } from '../exchange/slotfetch.ts'

export interface SlotFetcherOptions {
  readonly dataDir: string
  readonly bootstrap: string
  readonly order: SlotOrder
}

export type SlotFetcherSays = { readonly doneBytes: number } | { readonly fetched: FetchedSlot }

const { dataDir, bootstrap, order } = JSON.parse(process.env['SLOT_FETCHER'] ?? '{}') as SlotFetcherOptions
const clock = new SystemClock()
const log = new Log({ clock, levels: new LogLevels('off'), sinks: [] })
const { signal } = new AbortController()
const say = (words: SlotFetcherSays): void => void process.send?.(words)

const node = await openNode({ dataDir, clock, log })
await node.start({ signal })
await node.join({ bootstrap: [bootstrap] }, { signal })
const fetched = await fetchSlot(node, order, log, (doneBytes) => say({ doneBytes }))
await node.stop()
say({ fetched })
process.disconnect()
