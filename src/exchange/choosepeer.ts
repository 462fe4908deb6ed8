// Which of the peers that have a block to ask for it: who would have delivered it first, by what it owes already and how fast it is.

import type { Bytes } from '../lib/units.ts'

export interface PeerLoad {
  readonly askedBytes: Bytes
  readonly rate: { readonly bytesPerSecond: number }
}

/** Below this difference two peers count as equally near, and chance decides: no peer gets all the load of a quiet network. */
const NEAR_SECONDS = 0.01

/** @param random evenly from 0 to below 1 */
export function choosePeer<P extends PeerLoad>(peers: Iterable<P>, bytes: Bytes, random: () => number): P | undefined {
  let best: P | undefined
  let bestSeconds = Infinity
  let near = 0
  for (const peer of peers) {
    const seconds = (peer.askedBytes + bytes) / Math.max(peer.rate.bytesPerSecond, 1)
    if (seconds > bestSeconds + NEAR_SECONDS) continue
    near = seconds < bestSeconds - NEAR_SECONDS ? 1 : near + 1
    // Each of those near gets the same chance, without a list of them.
    if (near === 1 || random() * near < 1) best = peer
    bestSeconds = Math.min(bestSeconds, seconds)
  }
  return best
}
