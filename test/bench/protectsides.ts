// Protecting a dataset, 3 of 5, and what the bare kernels reach beside it. The same in Node and in a page; workers and nodes come from there.

import { MiB } from '../../src/lib/units.ts'
import type { CodexNode } from '../../src/node.ts'
import type { Cid } from '../../src/protocol/cid.ts'
import { blocksCount } from '../../src/protocol/manifest.ts'
import type { Figure, Sample } from './harness.ts'
import { BLOCK_BYTES } from './poseidon2sides.ts'
import { NEVER } from './quietparts.ts'

export const EC_K = 3
export const EC_M = 2
/** What the goals are for. */
export const CORES = 2
/** For each of them: some seconds. */
const BARE_BLOCKS = 600

export const PROTECT_FIGURES: readonly Figure[] = [
  { key: 'mibPerSecond', unit: 'MiB/s', title: 'slots hashed', goal: { of: 'ratio', atLeast: 0.85 } },
  { key: 'delayMs', unit: 'ms', title: 'event-loop delay, p99', goal: { of: 'ours', atMost: 50 } },
]

/** One that hashes so many blocks when asked. */
export interface BareWorker {
  readonly ready: Promise<unknown>
  hash(blocks: number): Promise<unknown>
  end(): unknown
}

/** @returns MiB of slots, parity included, that were made and hashed in a second */
export async function protectOnce(node: CodexNode, cid: Cid): Promise<number> {
  const begin = performance.now()
  const { manifest } = await node.slots.protect(cid, { ecK: EC_K, ecM: EC_M, signal: NEVER })
  const seconds = (performance.now() - begin) / 1000
  return (blocksCount(manifest) * BLOCK_BYTES) / MiB / seconds
}

export async function measureBare(create: () => BareWorker): Promise<Sample> {
  const workers = Array.from({ length: CORES }, create)
  await Promise.all(workers.map(({ ready }) => ready))
  await Promise.all(workers.map((worker) => worker.hash(BARE_BLOCKS / 10)))
  const begin = performance.now()
  await Promise.all(workers.map((worker) => worker.hash(BARE_BLOCKS)))
  const seconds = (performance.now() - begin) / 1000
  for (const worker of workers) worker.end()
  return { mibPerSecond: (CORES * BARE_BLOCKS * BLOCK_BYTES) / MiB / seconds }
}
