// Discovery by a fixed list: the peers a person named. Each of them may have anything.

import type { Discovery } from './discovery.ts'
import type { PeerAddress } from './peeraddress.ts'
import { parsePeerAddress } from './peeraddress.ts'

export class BootstrapDiscovery implements Discovery {
  readonly #peers: readonly PeerAddress[]

  /** @param peers each as {@link parsePeerAddress} reads it. @throws CodexError as that does */
  constructor(peers: readonly string[]) {
    this.#peers = peers.map(parsePeerAddress)
  }

  async *providers(): AsyncGenerator<PeerAddress, void> {
    yield* this.#peers
  }
}
