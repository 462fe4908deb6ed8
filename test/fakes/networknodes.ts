// Nodes of a real network for tests in Node: js-libp2p on loopback, a store over memory, the machine's clock.

import { webcrypto } from 'node:crypto'
import type { Libp2p } from '@libp2p/interface'
import { BlockExchange } from '../../src/exchange/blockexchange.ts'
import type { Identity } from '../../src/exchange/identity.ts'
import { loadIdentity } from '../../src/exchange/identity.ts'
import { Network } from '../../src/exchange/network.ts'
import { openLibp2p } from '../../src/exchange/openlibp2p.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { SystemClock } from '../../src/lib/systemclock.ts'
import { nodeTransports } from '../../src/platform/nodejs/nodetransports.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import type { RepoStore } from '../../src/storage/repostore.ts'
import { CrashingSlabFile } from './crashingslabfile.ts'
import type { ManualClock } from '../../src/lib/manualclock.ts'
import { testStore } from './memorystore.ts'
import type { TestPeer } from './exchangepeers.ts'

export interface NetworkNode extends Omit<TestPeer, 'clock'> {
  readonly network: Network
  readonly identity: Identity
  readonly libp2p: Libp2p
  stop(): Promise<void>
}

export interface NetworkNodeOptions {
  readonly listen?: readonly string[]
  readonly datastore?: MemoryDatastore
  /** Of its exchange and network; the machine's by default. */
  readonly clock?: Clock
  readonly muxers?: readonly ('yamux' | 'mplex')[]
  /** The store as its exchange sees it, for peers that lie. */
  readonly seen?: (repo: RepoStore) => RepoStore
}

export async function networkNode({
  listen = ['/ip4/127.0.0.1/tcp/0'],
  datastore = new MemoryDatastore(),
  clock = new SystemClock(),
  muxers,
  seen = (repo) => repo,
}: NetworkNodeOptions = {}): Promise<NetworkNode> {
  const store = testStore({ datastore, slab: new CrashingSlabFile(), clock: clock as unknown as ManualClock })
  const identity = await loadIdentity(datastore, (count) => webcrypto.getRandomValues(new Uint8Array(count)))
  const { log } = store.repo.parts
  const exchange = new BlockExchange({ repo: seen(store.repo), clock, log, random: Math.random })
  exchange.start()
  const isBarred = (peerId: string): boolean => exchange.isBarred(peerId)
  const libp2p = await openLibp2p({ identity, listen, muxers, isBarred }, await nodeTransports())
  const network = new Network({ libp2p, identity, listen, exchange, clock, log })
  await network.start()
  const stop = async (): Promise<void> => {
    await exchange.stop()
    await network.stop()
    await store.repo.close()
  }
  return { ...store, id: identity.peerId, identity, libp2p, exchange, network, stop }
}

/** Connects `from` to the first address of `to`. */
export function connect(from: NetworkNode, to: NetworkNode): Promise<string> {
  const signal = new AbortController().signal
  return from.network.connect({ peerId: to.id, addresses: to.network.addresses() }, { signal })
}
