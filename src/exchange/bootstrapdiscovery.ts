// Discovery by a fixed list: the peers a person named. Each of them may have anything.

import type { Discovery } from './discovery.ts'
import type { PeerAddress } from './peeraddress.ts'

export class BootstrapDiscovery implements Discovery {
  readonly #peers: readonly PeerAddress[]

  constructor(peers: readonly PeerAddress[]) {
    this.#peers = peers
  }

  async *providers(): AsyncGenerator<PeerAddress, void> {
    yield* this.#peers
  }
}
