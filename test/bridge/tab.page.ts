// The tab of bridge.nodejs.test.ts: a node as the page opens it, which reaches others over a bridge. It does what the test asks of it.

import type { TabNode } from '../../src/browser.ts'
import { openNode } from '../../src/browser.ts'
import { toHex } from '../../src/lib/bytes.ts'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { SystemClock } from '../../src/lib/systemclock.ts'
import { parseCid } from '../../src/protocol/cid.ts'
import type { FetchedSlot, SlotOrder } from '../exchange/slotfetch.ts'
import { fetchSlot } from '../exchange/slotfetch.ts'

const { signal } = new AbortController()
const clock = new SystemClock()
const log = new Log({ clock, levels: new LogLevels('off'), sinks: [] })

let node: TabNode | undefined
const told: number[] = []

const tab = {
  /** @param bridge multiaddr with peer id @returns this tab's peer id */
  async join(bridge: string): Promise<string> {
    node = await openNode({ name: 'bridged', clock, log, signal })
    await node.start({ signal })
    const network = await node.join({ bootstrap: [bridge] }, { signal })
    return network.peerId
  },

  /** Whether a connection comes to be. */
  async connects(bridge: string): Promise<boolean> {
    try {
      await node?.network?.connect(bridge, { signal })
      return true
    } catch {
      return false
    }
  },

  /** Fetches a dataset. @returns sha256 of its bytes as hex, and how many bytes came */
  async fetch(cid: string): Promise<{ sha256: string; fetchedBytes: number; peers: string[] }> {
    const network = node?.network
    if (node === undefined || network === undefined) throw new Error('the tab has not joined')
    let fetchedBytes = 0
    await network.fetch(parseCid(cid), {
      signal,
      stallSeconds: 30,
      progress: (progress) => {
        fetchedBytes = progress.fetchedBytes
      },
    })
    const parts: Uint8Array<ArrayBuffer>[] = []
    for await (const piece of node.datasets.read(parseCid(cid), { signal })) parts.push(new Uint8Array(piece))
    const bytes = await new Blob(parts).arrayBuffer()
    const sha256 = toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
    return { sha256, fetchedBytes, peers: network.peers().map(({ peerId }) => peerId) }
  },

  /** Fetches a slot as a provider does. */
  async fetchSlot(order: SlotOrder): Promise<FetchedSlot> {
    if (node === undefined) throw new Error('the tab has not joined')
    return fetchSlot(node, order, log, (doneBytes) => told.push(doneBytes))
  },

  /** How much of the slot was here, as often as that changed. */
  told(): readonly number[] {
    return told
  },

  /** From all peers it is connected to. */
  receivedBytes(): number {
    return node?.network?.peers().reduce((sum, peer) => sum + peer.receivedBytes, 0) ?? 0
  },
}

export type Tab = typeof tab
;(globalThis as unknown as { codexLightTab: Tab }).codexLightTab = tab
