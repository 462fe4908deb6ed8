// Ten clients on WebSocket at one bridge, which is a process of its own: what they get, how it is shared, and what it costs the bridge. Of the long run only: for ten
// minutes, in which its memory must not grow.

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { afterEach, expect, test } from 'vitest'

import { fetchLeaves } from '../../src/exchange/fetchleaves.ts'
import { fetchManifest } from '../../src/exchange/fetchdataset.ts'
import { parsePeerAddress } from '../../src/exchange/peeraddress.ts'
import { parseCid } from '../../src/protocol/cid.ts'
import { blocksCount } from '../../src/protocol/manifest.ts'
import { document, noise, scratchFolder } from '../cli/command.ts'
import { startNode, stopWell } from '../cli/startednode.ts'
import { range } from '../fakes/exchangepeers.ts'
import { NEVER } from '../fakes/memorystore.ts'
import type { NetworkNode } from '../fakes/networknodes.ts'
import { networkNode } from '../fakes/networknodes.ts'

const LONG = (import.meta.env['LONG'] ?? '') !== ''
const CLIENTS = 10
const BLOCKS_EACH = 200
const MS = 600_000
const MiB = 2 ** 20
const HOUR_MS = 3_600_000
/** Of what lives, after the first quarter, in which caches are filled. A leak of one block in ten rounds would be more. */
const MAX_GROWTH_PER_HOUR = 24 * MiB
const HEAP_TELLER = fileURLToPath(new URL('../children/heapteller.js', import.meta.url))

const clients: NetworkNode[] = []

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.stop()))
})

function residentBytes(pid: number, what: 'VmRSS' | 'VmHWM'): number {
  const [, kilobytes] =
    new RegExp(`^${what}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}

/** What lives in the bridge once all garbage is collected, buffers included. */
async function livingBytes(pid: number, file: string): Promise<number> {
  rmSync(file, { force: true })
  process.kill(pid, 'SIGUSR2')
  const read = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '')
  await expect.poll(read).toContain('}')
  const { heapUsed, arrayBuffers } = JSON.parse(read()) as { heapUsed: number; arrayBuffers: number }
  return heapUsed + arrayBuffers
}

/** Of the straight line through them, by least squares: by so much y grows for each x. */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (at: 0 | 1): number => points.reduce((sum, point) => sum + point[at], 0) / points.length
  const [meanX, meanY] = [mean(0), mean(1)]
  const across = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0)
  return across / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
}

/** What a client had to say last. */
function story({ logged, exchange }: NetworkNode): string {
  const records = logged.filter(({ level }) => level !== 'trace').slice(-12)
  return JSON.stringify({ now: Date.now() / 1000, peers: exchange.peers(), records }, undefined, 1)
}

test.runIf(LONG && process.platform === 'linux')('ten clients share a bridge that stays small', async () => {
  const scratch = scratchFolder()
  const source = await startNode(join(scratch, 'source'))
  writeFileSync(join(scratch, 'file'), noise(CLIENTS * BLOCKS_EACH * 65_536, 7))
  const { cid } = await document(['upload', join(scratch, 'file'), '-d', source.dataDir])
  // The smallest cache: everything is relayed again each time.
  const settings = [
    '-i',
    '/ip4/127.0.0.1/tcp/0/ws',
    '--bridge',
    '--bridge-cache',
    '32MiB',
    '-b',
    source.addresses[0] ?? '',
  ]
  const heapFile = join(scratch, 'heap.json')
  const bridge = await startNode(join(scratch, 'bridge'), settings, {
    env: { NODE_OPTIONS: `--import=${HEAP_TELLER}`, HEAP_FILE: heapFile },
  })
  const pid = bridge.child.pid ?? 0
  for (let i = 0; i < CLIENTS; i++) {
    const client = await networkNode({ listen: [] })
    clients.push(client)
    await client.network.connect(parsePeerAddress(bridge.bridge[0] ?? ''), { signal: NEVER })
  }
  const [first] = clients as [NetworkNode]
  const { treeCid, ...manifest } = await fetchManifest(first, parseCid(String(cid)), { signal: NEVER })
  const leafCount = blocksCount({ treeCid, ...manifest } as never)
  const received = (client: NetworkNode): number => client.exchange.peers()[0]?.receivedBytes ?? 0

  const ending = performance.now() + MS
  const shares: number[][] = []
  const resident: number[] = []
  const living: [number, number][] = []
  do {
    const before = clients.map(received)
    let atFirst: number[] | undefined
    await Promise.all(
      clients.map(async (client, i) => {
        const indices = range(BLOCKS_EACH).map((k) => i * BLOCKS_EACH + k)
        // Checked and let go of, so that the next round asks for all of it again.
        const sink = async (): Promise<void> => undefined
        await fetchLeaves(client.exchange, {
          treeCid,
          leafCount,
          indices,
          sink,
          signal: NEVER,
          stallSeconds: 50,
        }).catch((cause: unknown) => {
          throw new Error(`client ${i} failed in round ${resident.length}; ${story(client)}${bridge.said()}`, { cause })
        })
        atFirst ??= clients.map((each, k) => received(each) - (before[k] ?? 0))
      }),
    )
    for (const [k, client] of clients.entries()) expect(received(client) - (before[k] ?? 0)).toBe(BLOCKS_EACH * 65_536)
    shares.push(atFirst ?? [])
    resident.push(residentBytes(pid, 'VmRSS'))
    living.push([performance.now(), await livingBytes(pid, heapFile)])
    // However busy the machine is, there is something to compare.
  } while (performance.now() < ending || resident.length < 8)

  expect(residentBytes(pid, 'VmHWM')).toBeLessThan(300 * MiB)
  const totals = clients.map((_, k) => shares.reduce((sum, share) => sum + (share[k] ?? 0), 0))
  const mean = totals.reduce((sum, total) => sum + total, 0) / CLIENTS
  expect(Math.min(...totals)).toBeGreaterThan(0.75 * mean)
  expect(Math.max(...totals)).toBeLessThan(1.25 * mean)
  const quarter = Math.ceil(resident.length / 4)
  const average = (part: readonly number[]): number => part.reduce((sum, each) => sum + each, 0) / part.length
  // The first quarter still fills caches.
  expect(average(resident.slice(-quarter))).toBeLessThan(1.15 * average(resident.slice(quarter, 2 * quarter)))
  const growth = slope(living.slice(quarter)) * HOUR_MS
  const last = living.at(-1)?.[1] ?? 0
  console.info(
    `${resident.length} rounds: ${(last / MiB).toFixed(1)} MiB live in the end, ${(growth / MiB).toFixed(1)} MiB more an hour`,
  )
  expect(growth).toBeLessThan(MAX_GROWTH_PER_HOUR)
  await Promise.all([stopWell(source), stopWell(bridge)])
})
