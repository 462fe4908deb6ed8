// A slot fetched from a peer in another process over TCP, verified and stored, beside the same bytes over one raw stream of the same libp2p.

import { spawn } from 'node:child_process'
import { randomFillSync, webcrypto } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import type { Libp2p, Stream } from '@libp2p/interface'

import { BlockExchange } from '../../src/exchange/blockexchange.ts'
import { fetchLeaves } from '../../src/exchange/fetchleaves.ts'
import type { Identity } from '../../src/exchange/identity.ts'
import { identityOf } from '../../src/exchange/identity.ts'
import { Network } from '../../src/exchange/network.ts'
import { openLibp2p } from '../../src/exchange/openlibp2p.ts'
import { parsePeerAddress } from '../../src/exchange/peeraddress.ts'
import { storeLeaves } from '../../src/exchange/storeleaves.ts'
import { KiB, MiB } from '../../src/lib/units.ts'
import { openNode } from '../../src/nodejs.ts'
import { nodeTransports } from '../../src/platform/nodejs/nodetransports.ts'
import { parseCid } from '../../src/protocol/cid.ts'
import type { Bench, Place, Sample } from './harness.ts'
import { peakRssMiB } from './peakmemory.js'
import { NEVER, quietParts } from './quietparts.ts'

const BLOCK_BYTES = 64 * KiB
const RAW_PROTOCOL = '/codex-light/bench/raw'
const LISTEN = ['/ip4/127.0.0.1/tcp/0']
/** What one write of the raw stream has: as much as a message of the exchange with its 20 blocks. */
const RAW_WRITE_BYTES = 20 * BLOCK_BYTES

export const bench: Bench = {
  name: 'exchange',
  title: 'Fetch of a slot over TCP, Node to Node',
  peerTitle: 'raw js-libp2p stream',
  rounds: 5,
  figures: [
    { key: 'mibPerSecond', unit: 'MiB/s', title: 'speed', goal: { of: 'ratio', atLeast: 0.5 } },
    { key: 'peakRssMiB', unit: 'MiB', title: 'peak memory of the fetching side', goal: { of: 'ours', atMost: 250 } },
    { key: 'providerRssMiB', unit: 'MiB', title: 'peak memory of the serving side', goal: { of: 'ours', atMost: 250 } },
  ],
  prepare: upload,
  sides: { ours: fetch, peer: raw },
}

function blocksOf({ quick }: Place): number {
  return ((quick ? 64 : 256) * MiB) / BLOCK_BYTES
}

async function upload(place: Place): Promise<void> {
  const node = await openNode({ dataDir: join(place.folder, 'source'), ...quietParts() })
  const source = async function* (): AsyncGenerator<Uint8Array> {
    for (let block = 0; block < blocksOf(place); block++) yield randomFillSync(new Uint8Array(BLOCK_BYTES))
  }
  const { manifest } = await node.datasets.upload(source(), { signal: NEVER })
  await node.stop()
  writeFileSync(join(place.folder, 'tree'), String(manifest.treeCid))
}

async function fetch(place: Place): Promise<Sample> {
  const provider = await startChild('provide', place)
  const dataDir = join(place.folder, 'fetched')
  const node = await openNode({ dataDir, ...quietParts() })
  const parts = quietParts()
  const exchange = new BlockExchange({ repo: node.repo, ...parts, random: Math.random })
  exchange.start()
  const identity = freshIdentity()
  const network = new Network({ libp2p: await openNetwork(identity, exchange), identity, exchange, ...parts })
  await network.start()
  await network.connect(parsePeerAddress(provider.address), { signal: NEVER })
  const treeCid = parseCid(readFileSync(join(place.folder, 'tree'), 'utf8'))
  const leafCount = blocksOf(place)
  const indices = Array.from({ length: leafCount }, (_, i) => i)
  const begin = performance.now()
  const sink = storeLeaves(node.repo, treeCid, leafCount, { durability: 'relaxed' })
  const { fetchedBytes } = await fetchLeaves(exchange, { treeCid, leafCount, indices, sink, signal: NEVER })
  // As after a download: the one strict commit that makes all before it durable.
  await node.repo.reserve(0, [{ put: new Uint8Array(1), value: new Uint8Array(1) }])
  const seconds = (performance.now() - begin) / 1000
  if (fetchedBytes !== leafCount * BLOCK_BYTES) throw new Error(`fetched ${fetchedBytes} bytes`)
  await exchange.stop()
  await network.stop()
  await node.stop()
  rmSync(dataDir, { recursive: true })
  return { mibPerSecond: fetchedBytes / MiB / seconds, providerRssMiB: await provider.end(), peakRssMiB: peakRssMiB() }
}

/** Runs in a process of its own. */
export async function provide(place: Place): Promise<string> {
  const node = await openNode({ dataDir: join(place.folder, 'source'), ...quietParts() })
  const parts = quietParts()
  const exchange = new BlockExchange({ repo: node.repo, ...parts, random: Math.random })
  exchange.start()
  const identity = freshIdentity()
  const network = new Network({ libp2p: await openNetwork(identity, exchange), identity, exchange, ...parts })
  await network.start()
  return `${network.addresses()[0]}/p2p/${identity.peerId}`
}

async function raw(place: Place): Promise<Sample> {
  const sender = await startChild('sendRaw', place)
  const libp2p = await openNetwork(freshIdentity())
  const { multiaddr } = await import('@multiformats/multiaddr')
  await libp2p.start()
  const connection = await libp2p.dial(multiaddr(sender.address))
  const begin = performance.now()
  const stream = await connection.newStream(RAW_PROTOCOL)
  const wanted = blocksOf(place) * BLOCK_BYTES
  let received = 0
  await new Promise<void>((resolve, reject) => {
    stream.addEventListener('message', ({ data }) => {
      received += data.byteLength
      if (received === wanted) resolve()
    })
    stream.addEventListener('close', () => reject(new Error(`the stream ended after ${received} bytes`)))
  })
  const seconds = (performance.now() - begin) / 1000
  await libp2p.stop()
  await sender.end()
  return { mibPerSecond: wanted / MiB / seconds }
}

/** Runs in a process of its own. */
export async function sendRaw(place: Place): Promise<string> {
  const identity = freshIdentity()
  const libp2p = await openNetwork(identity)
  const piece = randomFillSync(new Uint8Array(RAW_WRITE_BYTES))
  const send = async (stream: Stream): Promise<void> => {
    for (let left = blocksOf(place) * BLOCK_BYTES; left > 0; left -= piece.length)
      if (!stream.send(piece.subarray(0, left)) && stream.writableNeedsDrain)
        await new Promise((resolve) => stream.addEventListener('drain', resolve, { once: true }))
  }
  await libp2p.handle(RAW_PROTOCOL, (stream) => void send(stream))
  await libp2p.start()
  return String(libp2p.getMultiaddrs()[0])
}

export { peakRssMiB }

function freshIdentity(): Identity {
  return identityOf(webcrypto.getRandomValues(new Uint8Array(32)))
}

async function openNetwork(identity: Identity, exchange?: BlockExchange): Promise<Libp2p> {
  const isBarred = (peerId: string): boolean => exchange?.isBarred(peerId) ?? false
  return openLibp2p({ identity, listen: LISTEN, isBarred }, await nodeTransports())
}

interface Child {
  readonly address: string
  /** @returns its peak of memory, MiB */
  end(): Promise<number>
}

/** Calls an export of this module in a process of its own, which tells an address and lives until it is ended. */
async function startChild(name: 'provide' | 'sendRaw', place: Place): Promise<Child> {
  const script = `
    const module = await import(${JSON.stringify(import.meta.url)})
    console.log(await module[${JSON.stringify(name)}](${JSON.stringify(place)}))
    process.stdin.resume().on('end', () => {
      console.log(module.peakRssMiB())
      process.exit()
    })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const { value: address } = await lines.next()
  if (typeof address !== 'string') throw new Error(`the process for ${name} ended at once`)
  const end = async (): Promise<number> => {
    const over = once(child, 'close')
    child.stdin.end()
    const { value: rss } = await lines.next()
    await over
    return Number(rss)
  }
  return { address, end }
}
