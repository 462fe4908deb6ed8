// The page of exchange.browser.bench.ts.

import { openNode } from '../../src/browser.ts'
import { BlockExchange } from '../../src/exchange/blockexchange.ts'
import { fetchLeaves } from '../../src/exchange/fetchleaves.ts'
import { identityOf } from '../../src/exchange/identity.ts'
import { Network } from '../../src/exchange/network.ts'
import { openLibp2p } from '../../src/exchange/openlibp2p.ts'
import { parsePeerAddress } from '../../src/exchange/peeraddress.ts'
import { storeLeaves } from '../../src/exchange/storeleaves.ts'
import { KiB, MiB } from '../../src/lib/units.ts'
import { tabTransports } from '../../src/platform/browser/tabtransports.ts'
import { parseCid } from '../../src/protocol/cid.ts'
import type { PageSides } from './inchromium.ts'
import { watchDelays } from './pagedelays.ts'
import { NEVER, quietParts } from './quietparts.ts'

/** What the page is told by a file beside it. */
export interface PageCourse {
  readonly address: string
  readonly tree: string
  readonly blocks: number
}

const BLOCK_BYTES = 64 * KiB
const RAW_PROTOCOL = '/codex-light/bench/raw'

const sides: PageSides = {
  async ours() {
    const { address, tree, blocks } = await readCourse()
    const parts = quietParts()
    const node = await openNode({ name: 'bench', signal: NEVER, ...parts })
    const exchange = new BlockExchange({ repo: node.repo, ...parts, random: Math.random })
    exchange.start()
    const identity = identityOf(crypto.getRandomValues(new Uint8Array(32)))
    const isBarred = (peerId: string): boolean => exchange.isBarred(peerId)
    const libp2p = await openLibp2p({ identity, listen: [], isBarred }, await tabTransports())
    const network = new Network({ libp2p, identity, exchange, ...parts })
    await network.start()
    await network.connect(parsePeerAddress(address), { signal: NEVER })
    const treeCid = parseCid(tree)
    const indices = Array.from({ length: blocks }, (_, i) => i)
    const sink = storeLeaves(node.repo, treeCid, blocks, { durability: 'relaxed' })
    const delays = watchDelays()
    const begin = performance.now()
    const { fetchedBytes } = await fetchLeaves(exchange, { treeCid, leafCount: blocks, indices, sink, signal: NEVER })
    // As after a download: the one strict commit that makes all before it durable.
    await node.repo.reserve(0, [{ put: new Uint8Array(1), value: new Uint8Array(1) }])
    const seconds = (performance.now() - begin) / 1000
    const delayMs = delays.percentile(0.99)
    if (fetchedBytes !== blocks * BLOCK_BYTES) throw new Error(`fetched ${fetchedBytes} bytes`)
    await exchange.stop()
    await network.stop()
    await node.stop()
    return { mibPerSecond: fetchedBytes / MiB / seconds, delayMs }
  },

  async peer() {
    const { address, blocks } = await readCourse()
    const [{ createLibp2p }, { webSockets }, { noise }, { yamux }, { multiaddr }] = await Promise.all([
      import('libp2p'),
      import('@libp2p/websockets'),
      import('@libp2p/noise'),
      import('@libp2p/yamux'),
      import('@multiformats/multiaddr'),
    ])
    const libp2p = await createLibp2p({
      transports: [webSockets()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionGater: { denyDialMultiaddr: () => false },
      // Its pings queue behind the bytes, and would end a connection that is merely busy.
      connectionMonitor: { enabled: false },
    })
    const connection = await libp2p.dial(multiaddr(address))
    const wanted = blocks * BLOCK_BYTES
    const begin = performance.now()
    const stream = await connection.newStream(RAW_PROTOCOL)
    await new Promise<void>((resolve, reject) => {
      let received = 0
      stream.addEventListener('message', ({ data }) => {
        received += data.byteLength
        if (received === wanted) resolve()
      })
      stream.addEventListener('close', () => reject(new Error(`the stream ended after ${received} bytes`)))
    })
    const seconds = (performance.now() - begin) / 1000
    await libp2p.stop()
    return { mibPerSecond: wanted / MiB / seconds }
  },
}

async function readCourse(): Promise<PageCourse> {
  return (await (await fetch('/course.json')).json()) as PageCourse
}

// As `PAGE_SIDES` of inchromium.ts, which cannot be imported here: it belongs to Node.
Object.assign(globalThis, { codexLightBenchSides: sides })
