// A node in a process of its own, for others to want blocks of: it says where it is, and whenever it is asked what that costs it.

import { monitorEventLoopDelay } from 'node:perf_hooks'

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
  /** Of the event loop since it began, p99. */
  readonly delayMs: number
}

const node = await networkNode()
const { treeCid, leafCount } = await giveDataset(node as never, 400, 1)
const delay = monitorEventLoopDelay({ resolution: 5 })
delay.enable()

function say(): void {
  const says: WantedFromSays = {
    addresses: node.network.addresses(),
    peerId: node.id,
    treeCid: String(treeCid),
    leafCount,
    residentBytes: process.memoryUsage.rss(),
    wanted: Math.max(0, ...node.exchange.peers().map(({ wanted }) => wanted)),
    delayMs: delay.percentile(99) / 1e6,
  }
  process.send?.(says)
}

process.on('message', say)
process.on('disconnect', () => process.exit())
say()
