// The tab of tab.nodejs.test.ts: a store over memory, an exchange, libp2p over WebSocket. It does what the test asks of it.

import { BlockExchange } from '../../src/exchange/blockexchange.ts'
import { fetchLeaves } from '../../src/exchange/fetchleaves.ts'
import { loadIdentity } from '../../src/exchange/identity.ts'
import { Network } from '../../src/exchange/network.ts'
import { openLibp2p } from '../../src/exchange/openlibp2p.ts'
import { parsePeerAddress } from '../../src/exchange/peeraddress.ts'
import { storeLeaves } from '../../src/exchange/storeleaves.ts'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { SystemClock } from '../../src/lib/systemclock.ts'
import { tabTransports } from '../../src/platform/browser/tabtransports.ts'
import { WebCryptoHasher } from '../../src/platform/browser/webcryptohasher.ts'
import { blockCid } from '../../src/protocol/block.ts'
import { parseCid } from '../../src/protocol/cid.ts'
import { merkleRoot } from '../../src/protocol/merkletree.ts'
import { Datasets } from '../../src/storage/datasets.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { MemorySlabFile } from '../../src/storage/memoryslabfile.ts'
import { RepoStore } from '../../src/storage/repostore.ts'

const signal = new AbortController().signal
const clock = new SystemClock()
const log = new Log({ clock, levels: new LogLevels('off'), sinks: [] })
const datastore = new MemoryDatastore()
const repo = new RepoStore({ datastore, slab: new MemorySlabFile(), hasher: new WebCryptoHasher(), clock, log })
const exchange = new BlockExchange({ repo, clock, log, random: Math.random })

const tab = {
  /** Connects to a peer. @returns this tab's peer id */
  async connect(address: string): Promise<string> {
    const identity = await loadIdentity(datastore, (count) => crypto.getRandomValues(new Uint8Array(count)))
    const isBarred = (peerId: string): boolean => exchange.isBarred(peerId)
    const libp2p = await openLibp2p({ identity, listen: [], isBarred }, await tabTransports())
    const network = new Network({ libp2p, identity, exchange, clock, log })
    exchange.start()
    await network.start()
    await network.connect(parsePeerAddress(address), { signal })
    return network.peerId
  },

  /** Fetches a whole tree. @returns the root of what is in the store then, as text, and the bytes that came */
  async fetch(tree: string, leafCount: number): Promise<{ root: string; bytes: number }> {
    const treeCid = parseCid(tree)
    const indices = Array.from({ length: leafCount }, (_, i) => i)
    const sink = storeLeaves(repo, treeCid, leafCount)
    const { fetchedBytes } = await fetchLeaves(exchange, { treeCid, leafCount, indices, sink, signal })
    const blocks = await repo.getAt(treeCid, indices)
    const root = merkleRoot(blocks.map((block) => blockCid(block ?? new Uint8Array(0)).digest))
    return { root: String(root), bytes: fetchedBytes }
  },

  /** Stores a dataset of its own. @returns the CID of its tree */
  async give(bytes: number): Promise<string> {
    const content = new Uint8Array(bytes).map((_, i) => (i * 31) >> 7)
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield content
    }
    const { manifest } = await new Datasets(repo, log).upload(source(), { signal })
    return String(manifest.treeCid)
  },
}

export type Tab = typeof tab
;(globalThis as unknown as { codexLightTab: Tab }).codexLightTab = tab
