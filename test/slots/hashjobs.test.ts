import { afterEach, expect, test } from 'vitest'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { hashJobs, SLICE_BYTES } from '../../src/slots/hashjobs.ts'
import type { HashJobs, HashKernel } from '../../src/slots/hashjobs.ts'
import { PooledPoseidon2 } from '../../src/slots/pooledposeidon2.ts'
import { WorkerPool } from '../../src/workers/workerpool.ts'
import { loadPoseidon2 } from '../../wasm/poseidon2/loadposeidon2.ts'
import { FakeWorkers } from '../fakes/fakeworkers.ts'
import { poseidon2Suite } from '../suites/poseidon2.ts'

const options = { signal: new AbortController().signal, rank: 'sale' } as const
const pools: WorkerPool<HashJobs>[] = []
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close())))

function poolOf(load: () => Promise<HashKernel>, size = 2): WorkerPool<HashJobs> {
  const source = new FakeWorkers<HashJobs>(() => hashJobs(load), size)
  const pool = new WorkerPool<HashJobs>({ source, clock: new ManualClock(), size })
  pools.push(pool)
  return pool
}

/** What a kernel was asked for, in bytes; it hashes nothing. */
function countingKernel(): { kernel: HashKernel; calls: number[] } {
  const calls: number[] = []
  const kernel: HashKernel = {
    variant: 'counting',
    hashBlocks: (bytes, blockSize, cellSize) => {
      calls.push(bytes.length)
      const blocks = bytes.length / blockSize
      return {
        cellHashes: new Uint8Array((32 * bytes.length) / cellSize),
        blockHashes: new Uint8Array(32 * blocks),
      }
    },
    merkleLayer: (nodes) => {
      calls.push(nodes.length)
      return new Uint8Array(32 * Math.ceil(nodes.length / 64))
    },
    sponge: (elements) => {
      calls.push(32 * elements.length)
      return 0n
    },
  }
  return { kernel, calls }
}

poseidon2Suite('PooledPoseidon2 over workers in this thread', () => new PooledPoseidon2(poolOf(loadPoseidon2)))

test('a kernel is loaded at the first need, once, and again only after a failure', async () => {
  const { kernel } = countingKernel()
  let loads = 0
  const pool = poolOf(async () => {
    loads++
    if (loads === 1) throw new Error('no memory')
    return kernel
  }, 1)
  const hasher = new PooledPoseidon2(pool)
  expect(loads).toBe(0)
  await expect(hasher.sponges([[1n]], options)).rejects.toThrow('no memory')
  await Promise.all([hasher.sponges([[1n]], options), hasher.hashBlocks([Uint8Array.of(1)], 1, options)])
  await hasher.merkleNodes(new Uint8Array(64), options)
  expect(loads).toBe(2)
})

test('no call of the kernel gets more than a slice, whatever it is asked to hash', async () => {
  const { kernel, calls } = countingKernel()
  const hasher = new PooledPoseidon2(poolOf(async () => kernel))
  const block = new Uint8Array(65_536).fill(1)
  await hasher.hashBlocks(Array<Uint8Array>(20).fill(block), 2048, options)
  await hasher.hashCells([new Uint8Array(10 * 65_536).fill(1)], 2048, options)
  await hasher.merkleNodes(new Uint8Array(32 * 50_001), options)
  await hasher.sponges(
    Array.from({ length: 30 }, () => Array<bigint>(2000).fill(1n)),
    options,
  )
  expect(Math.max(...calls)).toBe(SLICE_BYTES)
})

test('every block of zeros but the first is skipped', async () => {
  const { kernel, calls } = countingKernel()
  const hasher = new PooledPoseidon2(poolOf(async () => kernel, 1))
  const [zero, other] = [new Uint8Array(1024), new Uint8Array(1024).fill(1, 1023)]
  await hasher.hashBlocks([zero], 64, options)
  expect(calls.splice(0)).toEqual([1024])
  await hasher.hashBlocks([zero, other, zero, zero], 64, options)
  await hasher.hashCells([zero, zero], 64, options)
  expect(calls).toEqual([1024])
})

test('between two slices the worker hears of an abort', async () => {
  const { kernel, calls } = countingKernel()
  const controller = new AbortController()
  const reason = new Error('enough')
  const pool = poolOf(
    async () => ({
      ...kernel,
      hashBlocks: (...args) => {
        if (calls.length === 2) controller.abort(reason)
        return kernel.hashBlocks(...args)
      },
    }),
    1,
  )
  const blocks = Array<Uint8Array>(8).fill(new Uint8Array(65_536).fill(1))
  await expect(
    new PooledPoseidon2(pool).hashBlocks(blocks, 2048, { ...options, signal: controller.signal }),
  ).rejects.toBe(reason)
  expect(calls).toHaveLength(3)
  expect(pool.running).toBe(0)
})

test('a batch is spread over all workers, evenly', async () => {
  const asked: number[] = []
  const source = new FakeWorkers<HashJobs>((index) => {
    const jobs = hashJobs(async () => countingKernel().kernel)
    return {
      ...jobs,
      hashBlocks: (job, blocks, cellSize) => {
        asked[index] = (asked[index] ?? 0) + blocks.length
        return jobs.hashBlocks(job, blocks, cellSize)
      },
    }
  })
  const pool = new WorkerPool<HashJobs>({ source, clock: new ManualClock(), size: 3 })
  pools.push(pool)
  const blocks = Array<Uint8Array>(10).fill(new Uint8Array(65_536).fill(1))
  await new PooledPoseidon2(pool).hashBlocks(blocks, 2048, options)
  expect(asked.toSorted()).toEqual([3, 3, 4])
})
