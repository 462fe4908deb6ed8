// Protecting a dataset in Node, 3 of 5, beside what the bare kernels hash on two threads; and how much of it is coding.

import { randomFillSync } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Worker } from 'node:worker_threads'

import { GiB, MiB } from '../../src/lib/units.ts'
import { openNode } from '../../src/nodejs.ts'
import { loadLeopard } from '../../wasm/leopard/loadleopard.ts'
import type { Bench, Place, Sample } from './harness.ts'
import { peakRssMiB } from './peakmemory.js'
import { BLOCK_BYTES } from './poseidon2sides.ts'
import type { BareWorker } from './protectsides.ts'
import { EC_K, EC_M, measureBare, PROTECT_FIGURES, protectOnce } from './protectsides.ts'
import { NEVER, quietParts } from './quietparts.ts'

const PIECE_BYTES = 8 * MiB
/** Code words of 320 KiB: more than any cache holds. */
const RING_STEPS = 512

export const bench: Bench = {
  name: 'protect',
  title: 'Protecting 1 GiB, 3 of 5, Node',
  peerTitle: 'bare kernels on two threads',
  rounds: 3,
  figures: [
    ...PROTECT_FIGURES,
    { key: 'codingPercent', unit: '%', title: 'of the time is coding', goal: { of: 'ours', atMost: 5 } },
    { key: 'peakRssMiB', unit: 'MiB', title: 'peak memory', goal: { of: 'ours', atMost: 400 } },
  ],
  sides: { ours, peer: () => measureBare(createThread) },
}

async function ours(place: Place): Promise<Sample> {
  const dataDir = join(place.folder, 'data')
  const node = await openNode({ dataDir, ...quietParts() })
  await node.start({ signal: NEVER })
  const { cid } = await node.datasets.upload(noise(sizeOf(place)), { signal: NEVER })
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const mibPerSecond = await protectOnce(node, cid)
  delay.disable()
  await node.stop()
  await rm(dataDir, { recursive: true })
  // Read before the measurement below takes memory of its own.
  const peak = peakRssMiB()
  const hashedMiB = (sizeOf(place) / MiB / EC_K) * (EC_K + EC_M)
  const codingPercent = 100 * ((await codingSeconds(sizeOf(place))) / (hashedMiB / mibPerSecond))
  return { mibPerSecond, delayMs: delay.percentile(99) / 1e6, codingPercent, peakRssMiB: peak }
}

/** What the kernel takes for the parity of so many bytes, which come from memory and not from a cache. */
async function codingSeconds(bytes: number): Promise<number> {
  const coder = (await loadLeopard()).encoder(EC_K, EC_M)
  const blocks = (count: number): Uint8Array[] => Array.from({ length: count }, () => new Uint8Array(BLOCK_BYTES))
  const ring = Array.from({ length: RING_STEPS }, () => ({ data: blocks(EC_K), parity: blocks(EC_M) }))
  for (const { data } of ring) for (const block of data) randomFillSync(block)
  const steps = bytes / BLOCK_BYTES / EC_K
  const begin = performance.now()
  for (let step = 0; step < steps; step++) {
    const { data, parity } = ring[step % RING_STEPS] ?? { data: [], parity: [] }
    coder.run(data, parity)
  }
  return (performance.now() - begin) / 1000
}

async function* noise(bytes: number): AsyncGenerator<Uint8Array, void> {
  for (let sent = 0; sent < bytes; sent += PIECE_BYTES) yield randomFillSync(new Uint8Array(PIECE_BYTES))
}

function createThread(): BareWorker {
  const worker = new Worker(new URL('./hashingthread.worker.ts', import.meta.url))
  const answer = (): Promise<unknown> =>
    new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  return {
    ready: answer(),
    hash(blocks) {
      worker.postMessage(blocks)
      return answer()
    },
    end: () => void worker.terminate(),
  }
}

function sizeOf({ quick }: Place): number {
  return quick ? 48 * MiB : GiB
}
