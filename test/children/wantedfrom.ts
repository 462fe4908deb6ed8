// A node in a process of its own, for others to want blocks of: it says where it is, and whenever it is asked what that costs it.

import { createHistogram, monitorEventLoopDelay } from 'node:perf_hooks'

import { giveDataset } from '../fakes/exchangepeers.ts'
import { networkNode } from '../fakes/networknodes.ts'

export interface WantedFromSays {
  /** Multiaddrs, without the peer id. */
  readonly addresses: readonly string[]
  readonly peerId: string
  /** Text, of the tree of what it has. */
  readonly treeCid: string
  readonly leafCount: number
  readonly residentBytes: number
  /** Highest of one peer now. */
  readonly wanted: number
  /** By which its event loop was late since it began, p99, in processor time: what others do on the machine is no delay of its own. */
  readonly delayMs: number
  /** The same in all, whatever else the machine does. */
  readonly wallDelayMs: number
  /** The first at worst: of its first seconds, in which nothing is compiled yet. */
  readonly worstDelayMs: number
}

const node = await networkNode()
const { treeCid, leafCount } = await giveDataset(node as never, 400, 1)
/** How often it is looked how late the event loop is. */
const LOOK_MS = 5
const delaysUs = createHistogram()
let before = process.cpuUsage()
setInterval(() => {
  const { user, system } = process.cpuUsage(before)
  before = process.cpuUsage()
  delaysUs.record(Math.max(1, Math.round(user + system - 1000 * LOOK_MS)))
}, LOOK_MS)

const wall = monitorEventLoopDelay({ resolution: 1 })
wall.enable()

function say(): void {
  const says: WantedFromSays = {
    addresses: node.network.addresses(),
    peerId: node.id,
    treeCid: String(treeCid),
    leafCount,
    residentBytes: process.memoryUsage.rss(),
    wanted: Math.max(0, ...node.exchange.peers().map(({ wanted }) => wanted)),
    delayMs: delaysUs.percentile(99) / 1000,
    wallDelayMs: wall.percentile(99) / 1e6,
    worstDelayMs: delaysUs.max / 1000,
  }
  process.send?.(says)
}

process.on('message', say)
process.on('disconnect', () => process.exit())
say()
