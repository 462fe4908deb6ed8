// The parts of the exchange benchmarks that run in Node: who serves a slot, who fetches it, and the raw stream of js-libp2p that it is compared with.
// Whoever serves has a process of its own.

import { spawn } from 'node:child_process'
import { randomFillSync, webcrypto } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
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
import type { Bytes } from '../../src/lib/units.ts'
import { KiB, MiB } from '../../src/lib/units.ts'
import { openNode } from '../../src/nodejs.ts'
import { nodeTransports } from '../../src/platform/nodejs/nodetransports.ts'
import { parseCid } from '../../src/protocol/cid.ts'
import type { Figure, Place, Sample } from './harness.ts'
import { peakRssMiB } from './peakmemory.js'
import { NEVER, quietParts } from './quietparts.ts'

export const BLOCK_BYTES: Bytes = 64 * KiB
export const RAW_PROTOCOL = '/codex-light/bench/raw'
export const TCP = '/ip4/127.0.0.1/tcp/0'
export const WEBSOCKET = '/ip4/127.0.0.1/tcp/0/ws'
const QUICK_BYTES: Bytes = 64 * MiB
export const FETCH_FIGURES: readonly Figure[] = [
  { key: 'mibPerSecond', unit: 'MiB/s', title: 'speed', goal: { of: 'ratio', atLeast: 0.5 } },
  // Says the same on a machine that has more to do.
  { key: 'cpuMs', unit: 'ms', title: 'processor time of both sides', goal: { of: 'ratio', atMost: 2 } },
  { key: 'delayMs', unit: 'ms', title: 'event-loop delay of the fetching side, p99', goal: { of: 'ours', atMost: 50 } },
  {
    key: 'providerDelayMs',
    unit: 'ms',
    title: 'event-loop delay of the serving side, p99',
    goal: { of: 'ours', atMost: 50 },
  },
  { key: 'peakRssMiB', unit: 'MiB', title: 'peak memory of the fetching side', goal: { of: 'ours', atMost: 250 } },
  { key: 'providerRssMiB', unit: 'MiB', title: 'peak memory of the serving side', goal: { of: 'ours', atMost: 250 } },
]
/** Of what is served from: see src/platform/nodejs/datafolder.ts. */
const SLAB = 'blocks.slab'
/** What one write of the raw stream has: as much as a message of the exchange with its 20 blocks. */
const RAW_WRITE_BYTES: Bytes = 20 * BLOCK_BYTES

/** What is fetched, and how. Plain data, because it travels to another process. */
export interface Course {
  /** URL of the bench's own module, which exports what {@link startChild} calls: where this one ends up in a bundle is not known. */
  readonly module: string
  readonly folder: string
  readonly listen: string
  readonly blocks: number
}

/** @param bytes of the slot, unless all is to be small */
export function courseOf({ folder, quick }: Place, module: string, listen: string, bytes: Bytes): Course {
  return { module, folder, listen, blocks: (quick ? QUICK_BYTES : bytes) / BLOCK_BYTES }
}

/** Random blocks into a store, which {@link provide} serves from; the tree is named in a file. */
export async function upload({ folder, blocks }: Course): Promise<void> {
  const node = await openNode({ dataDir: join(folder, 'source'), ...quietParts() })
  const source = async function* (): AsyncGenerator<Uint8Array> {
    for (let block = 0; block < blocks; block++) yield randomFillSync(new Uint8Array(BLOCK_BYTES))
  }
  const { manifest } = await node.datasets.upload(source(), { signal: NEVER })
  await node.stop()
  writeFileSync(join(folder, 'tree'), String(manifest.treeCid))
}

export function treeOf({ folder }: Course): string {
  return readFileSync(join(folder, 'tree'), 'utf8')
}

/** Fetches all of it into a new store. */
export async function fetch(course: Course): Promise<Sample> {
  const provider = await startChild('provide', course)
  const dataDir = join(course.folder, 'fetched')
  const node = await openNode({ dataDir, ...quietParts() })
  const parts = quietParts()
  const exchange = new BlockExchange({ repo: node.repo, ...parts, random: Math.random })
  exchange.start()
  const identity = freshIdentity()
  const network = new Network({ libp2p: await openNetwork(identity, [], exchange), identity, exchange, ...parts })
  await network.start()
  await network.connect(parsePeerAddress(provider.address), { signal: NEVER })
  const treeCid = parseCid(treeOf(course))
  const leafCount = course.blocks
  const indices = Array.from({ length: leafCount }, (_, i) => i)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const begin = performance.now()
  const cpu = process.cpuUsage()
  const sink = storeLeaves(node.repo, treeCid, leafCount, { durability: 'relaxed' })
  const { fetchedBytes } = await fetchLeaves(exchange, { treeCid, leafCount, indices, sink, signal: NEVER })
  // As after a download: the one strict commit that makes all before it durable.
  await node.repo.reserve(0, [{ put: new Uint8Array(1), value: new Uint8Array(1) }])
  const seconds = (performance.now() - begin) / 1000
  const cpuMs = cpuMsSince(cpu)
  delay.disable()
  if (fetchedBytes !== leafCount * BLOCK_BYTES) throw new Error(`fetched ${fetchedBytes} bytes`)
  await exchange.stop()
  await network.stop()
  await node.stop()
  rmSync(dataDir, { recursive: true })
  const { rssMiB, delayMs, cpuMs: providerCpuMs } = await provider.end()
  return {
    mibPerSecond: fetchedBytes / MiB / seconds,
    cpuMs: cpuMs + providerCpuMs,
    peakRssMiB: peakRssMiB(),
    delayMs: delay.percentile(99) / 1e6,
    providerRssMiB: rssMiB,
    providerDelayMs: delayMs,
  }
}

/** The same bytes over one stream. */
export async function raw(course: Course): Promise<Sample> {
  const sender = await startChild('sendRaw', course)
  const libp2p = await plainLibp2p([])
  const { multiaddr } = await import('@multiformats/multiaddr')
  await libp2p.start()
  const connection = await libp2p.dial(multiaddr(sender.address))
  // As on our side, because it costs something.
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const begin = performance.now()
  const cpu = process.cpuUsage()
  const wanted = course.blocks * BLOCK_BYTES
  await receiveRaw(await connection.newStream(RAW_PROTOCOL), wanted)
  const seconds = (performance.now() - begin) / 1000
  const cpuMs = cpuMsSince(cpu)
  delay.disable()
  await libp2p.stop()
  const { cpuMs: senderCpuMs } = await sender.end()
  return { mibPerSecond: wanted / MiB / seconds, cpuMs: cpuMs + senderCpuMs }
}

/** Settles when so many bytes have come. */
export async function receiveRaw(stream: Stream, wanted: Bytes): Promise<void> {
  let received = 0
  await new Promise<void>((resolve, reject) => {
    stream.addEventListener('message', ({ data }) => {
      received += data.byteLength
      if (received === wanted) resolve()
    })
    stream.addEventListener('close', () => reject(new Error(`the stream ended after ${received} bytes`)))
  })
}

/** Runs in a process of its own. @returns its address */
export async function provide({ folder, listen }: Course): Promise<string> {
  const node = await openNode({ dataDir: join(folder, 'source'), ...quietParts() })
  const parts = quietParts()
  const exchange = new BlockExchange({ repo: node.repo, ...parts, random: Math.random })
  exchange.start()
  const identity = freshIdentity()
  const network = new Network({ libp2p: await openNetwork(identity, [listen], exchange), identity, exchange, ...parts })
  await network.start()
  return `${network.addresses()[0]}/p2p/${identity.peerId}`
}

/**
 * Runs in a process of its own. It sends the very bytes that the other side serves, each once, as they come from the file: a piece that is sent again and
 * again is never out of the caches, and no bytes of a slot are. They are not looked for by block nor checked: that is what is compared.
 * @returns its address
 */
export async function sendRaw({ folder, listen, blocks }: Course): Promise<string> {
  const libp2p = await plainLibp2p([listen])
  const slab = await open(join(folder, 'source', SLAB))
  const send = async (stream: Stream): Promise<void> => {
    for (let at = 0; at < blocks * BLOCK_BYTES; at += RAW_WRITE_BYTES) {
      // The stream may hold it for as long as it likes.
      const piece = Buffer.allocUnsafe(Math.min(RAW_WRITE_BYTES, blocks * BLOCK_BYTES - at))
      const { bytesRead } = await slab.read(piece, 0, piece.length, at)
      if (bytesRead !== piece.length) throw new Error(`the slab has ${at + bytesRead} bytes`)
      if (!stream.send(piece) && stream.writableNeedsDrain)
        await new Promise((resolve) => stream.addEventListener('drain', resolve, { once: true }))
    }
  }
  await libp2p.handle(RAW_PROTOCOL, (stream) => void send(stream))
  await libp2p.start()
  return String(libp2p.getMultiaddrs()[0])
}

/** What a child tells of itself at its end: its peak of memory, the processor time it took since it listened, and how late its event loop was at worst in 99 of 100 turns. */
export interface ChildReport {
  readonly rssMiB: number
  readonly cpuMs: number
  readonly delayMs: number
}

/** Runs in a process of its own. @returns asked at the end */
export function watchChild(): () => ChildReport {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const cpu = process.cpuUsage()
  return () => ({ rssMiB: peakRssMiB(), cpuMs: cpuMsSince(cpu), delayMs: delay.percentile(99) / 1e6 })
}

function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

export interface Child {
  readonly address: string
  end(): Promise<ChildReport>
}

/** Calls an export of the bench's module in a process of its own, which tells an address and lives until it is ended. */
export async function startChild(name: 'provide' | 'sendRaw', course: Course): Promise<Child> {
  const script = `
    const module = await import(${JSON.stringify(course.module)})
    console.log(await module[${JSON.stringify(name)}](${JSON.stringify(course)}))
    const report = module.watchChild()
    process.stdin.resume().on('end', () => {
      console.log(JSON.stringify(report()))
      process.exit()
    })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const { value: address } = await lines.next()
  if (typeof address !== 'string') throw new Error(`the process for ${name} ended at once`)
  const end = async (): Promise<ChildReport> => {
    const over = once(child, 'close')
    child.stdin.end()
    const { value } = await lines.next()
    await over
    return JSON.parse(String(value)) as ChildReport
  }
  return { address, end }
}

function freshIdentity(): Identity {
  return identityOf(webcrypto.getRandomValues(new Uint8Array(32)))
}

/** As its documentation makes one: the same transports and protocols as ours, and all settings as they come but one. */
async function plainLibp2p(listen: readonly string[]): Promise<Libp2p> {
  // Polyfills of this runtime come with it.
  await nodeTransports()
  const [{ createLibp2p }, { tcp }, { webSockets }, { noise }, { yamux }] = await Promise.all([
    import('libp2p'),
    import('@libp2p/tcp'),
    import('@libp2p/websockets'),
    import('@libp2p/noise'),
    import('@libp2p/yamux'),
  ])
  return createLibp2p({
    start: false,
    addresses: { listen: [...listen] },
    transports: [tcp(), webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // Its pings queue behind the bytes, and would end a connection that is merely busy.
    connectionMonitor: { enabled: false },
  })
}

async function openNetwork(identity: Identity, listen: readonly string[], exchange?: BlockExchange): Promise<Libp2p> {
  const isBarred = (peerId: string): boolean => exchange?.isBarred(peerId) ?? false
  return openLibp2p({ identity, listen, isBarred }, await nodeTransports())
}
