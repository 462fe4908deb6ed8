// Block hashes through the pool on two threads of Node, beside the same on one.

import { KiB, MiB } from '../../src/lib/units.ts'
import { computeWorkers } from '../../src/platform/nodejs/computeworkers.ts'
import { PooledPoseidon2 } from '../../src/slots/pooledposeidon2.ts'
import { WorkerPool } from '../../src/workers/workerpool.ts'
import type { Bench, Sample } from './harness.ts'
import { BLOCK_BYTES, CELL_BYTES } from './poseidon2sides.ts'
import { NEVER, quietParts } from './quietparts.ts'

const BLOCKS = 1024
const QUICK_BLOCKS = 128

export const bench: Bench = {
  name: 'poseidon2-workers',
  title: 'Poseidon2, two workers, Node',
  peerTitle: 'one worker',
  rounds: 5,
  figures: [{ key: 'mibPerSecond', unit: 'MiB/s', title: 'block hashes', goal: { of: 'ratio', atLeast: 1.7 } }],
  sides: { ours: ({ quick }) => measure(2, quick), peer: ({ quick }) => measure(1, quick) },
}

async function measure(size: number, quick: boolean): Promise<Sample> {
  const { clock } = quietParts()
  const script = new URL('../../src/entries/computeworker.nodejs.ts', import.meta.url)
  const pool = new WorkerPool({ source: computeWorkers(script), clock, size })
  const poseidon2 = new PooledPoseidon2(pool)
  const options = { signal: NEVER, rank: 'background' } as const
  const blocks = Array.from({ length: quick ? QUICK_BLOCKS : BLOCKS }, (_, i) =>
    new Uint8Array(64 * KiB).fill((i % 255) + 1),
  )
  // Workers load, and what is compiled lazily is compiled.
  await poseidon2.hashBlocks(blocks.slice(0, 64), CELL_BYTES, options)
  const begin = performance.now()
  await poseidon2.hashBlocks(blocks, CELL_BYTES, options)
  const seconds = (performance.now() - begin) / 1000
  await pool.close()
  return { mibPerSecond: (blocks.length * BLOCK_BYTES) / MiB / seconds }
}
