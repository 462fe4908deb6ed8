// The seam to whatever knows who may have some content: a list of peers today, the network's DHT in Node later. Nothing above it changes then.

import type { AbortOptions } from '../lib/abort.ts'
import type { Cid } from '../protocol/cid.ts'
import type { PeerAddress } from './peeraddress.ts'

export interface Discovery {
  /** Peers that may have what `cid` names (a manifest or a tree), as they are found; ends when no more are known for now. Rejects with `signal.reason`. */
  providers(cid: Cid, options: AbortOptions): AsyncIterable<PeerAddress>
  /** Lets others find this node for these; settles when said to whoever listens. Missing where nobody does. */
  readonly announce?: (cids: readonly Cid[], options: AbortOptions) => Promise<void>
}
