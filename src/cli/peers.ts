// peers: who the running node talks to, and where it is reached itself.

import { formatBytes, formatCount, formatDuration } from '../lib/format.ts'
import { SystemClock } from '../lib/systemclock.ts'
import { table } from './table.ts'
import { defineVerb } from './verb.ts'
import { withAccess } from './withnode.ts'

const HEADER = ['PEER', 'ADDRESS', 'DIALLED BY', 'SINCE', 'RATE', 'RECEIVED', 'SENT', 'ASKED', 'WANTS']
/** RATE to WANTS. */
const NUMBERS = [4, 5, 6, 7, 8]

export const peers = defineVerb({
  about: `Lists the peers that the running node of the data folder is connected to: how fast they deliver, what they delivered and got, blocks
that they were asked for and that they want. Without a running node there are none.`,
  options: {},
  examples: ['codex-light peers'],
  document: `{ peerId, addresses: [multiaddr], spr (of this node), peers: [{ peerId, address, direction: "inbound" | "outbound", connectedSince
(seconds since 1970), bytesPerSecond, receivedBytes, sentBytes, asked, wanted (blocks) }] }`,
  async run(_, call) {
    const report = await withAccess(call, 'look', (node) => node.peers(call))
    const now = new SystemClock().now()
    const rows = report.peers.map((peer) => [
      peer.peerId,
      peer.address,
      peer.direction === 'inbound' ? 'them' : 'us',
      formatDuration(Math.max(0, now - peer.connectedSince)),
      `${formatBytes(Math.round(peer.bytesPerSecond))}/s`,
      formatBytes(peer.receivedBytes),
      formatBytes(peer.sentBytes),
      String(peer.asked),
      String(peer.wanted),
    ])
    const own = [`this node: ${report.peerId}`, ...report.addresses.map((address) => `${address}/p2p/${report.peerId}`)]
    const list = rows.length === 0 ? formatCount(0, 'peer') : table([HEADER, ...rows], NUMBERS)
    await call.terminal.answer(report, [...own, '', list].join('\n'))
    return undefined
  },
})
