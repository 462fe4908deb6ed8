// Who this node is connected to, folded away: short ids, how each is reached, and what went to and fro.

import { formatBytes, formatCount } from '../src/lib/format.ts'
import type { ViewedPeer } from './sellerview.ts'

/** A page full of them helps nobody. */
const SHOWN = 50

export function PeerList({ peers }: { readonly peers: readonly ViewedPeer[] }) {
  return (
    <details class="fact" data-testid="peers">
      <summary>Connected to {formatCount(peers.length, 'peer')}</summary>
      {peers.length === 0 && <p class="quiet">Nobody is connected: no slot can be downloaded until somebody is.</p>}
      <ul class="files">
        {peers.slice(0, SHOWN).map(({ peerId, kind, direction, receivedBytes, sentBytes }) => (
          <li key={peerId}>
            <code title={peerId}>…{peerId.slice(-8)}</code>
            <span class="grow">
              {kind}, {direction === 'inbound' ? 'it came to us' : 'we went to it'}
            </span>
            <span class="quiet">
              {formatBytes(receivedBytes)} received, {formatBytes(sentBytes)} sent
            </span>
          </li>
        ))}
      </ul>
      {peers.length > SHOWN && <p class="quiet">And {peers.length - SHOWN} more.</p>}
    </details>
  )
}
