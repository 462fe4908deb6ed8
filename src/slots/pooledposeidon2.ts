// Poseidon2 on the workers of a pool: cuts batches into jobs that keep all workers busy, and hashes a block of zeros only once.

import { concatBytes, isBytes } from '../lib/bytes.ts'
import { describeValue, numberOrDescription } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import { mapBounded } from '../lib/mapbounded.ts'
import { nextTask } from '../lib/nexttask.ts'
import type { Bytes } from '../lib/units.ts'
import { evenRuns } from '../workers/evenruns.ts'
import { lend } from '../workers/lend.ts'
import type { WorkerPool } from '../workers/workerpool.ts'
import { checkElement, checkElements, ELEMENT_BYTES } from './fieldelements.ts'
import { SLICE_BYTES, SLICE_ELEMENTS } from './hashjobs.ts'
import type { BlockHashes, HashJobs } from './hashjobs.ts'
import type { Poseidon2, Poseidon2Options } from './poseidon2.ts'

/** What it needs of a pool, whatever else its workers can do. */
export type HashPool = Pick<WorkerPool<HashJobs>, 'run' | 'size' | 'canShare'>

/** Block bytes in one job: some 60 to 100 ms, next to which sending the job costs nothing. A larger block is a job by itself. */
export const JOB_BYTES: Bytes = 8 * SLICE_BYTES
/** Nodes of a long layer in one job. Even, so that pairs stay together. */
export const JOB_NODES = 16_384
/** Lists of elements in one job. */
export const JOB_MESSAGES = 256
/** Most elements of one list, which is hashed in one go. */
export const MAX_MESSAGE_ELEMENTS = SLICE_ELEMENTS
/** Largest cell, since a cell is hashed in one go. */
export const MAX_CELL_BYTES = SLICE_BYTES
/** Jobs of one batch that wait or run, for each worker: one that runs, one that is there when it ends. */
const JOBS_PER_WORKER = 2
/** Pairs of block size and cell size whose zero block is remembered. */
const MAX_ZEROS = 16

type ZeroHash = BlockHashes
/** Takes the hashes of one block where they belong. */
type Place = (index: number, cellHashes: Uint8Array, blockHash: Uint8Array) => void

/**
 * Blocks in shared memory are read where they are, others are copied when their job starts; none is ever detached.
 *
 * All calls throw CodexErrors: `slots/bad-cell-size`, `slots/not-a-block` and `slots/unequal-blocks` (with the `index`), `slots/no-leaves`,
 * `slots/not-elements`, `slots/not-an-element`, `slots/message-too-long`, those of the pool (`worker/*`), or the signal's reason.
 */
export class PooledPoseidon2 implements Poseidon2 {
  readonly #pool: HashPool
  readonly #zeros = new Map<string, ZeroHash>()

  constructor(pool: HashPool) {
    this.#pool = pool
  }

  async hashBlocks(blocks: readonly Uint8Array[], cellSize: Bytes, options: Poseidon2Options): Promise<Uint8Array> {
    const hashes = new Uint8Array(ELEMENT_BYTES * blocks.length)
    await this.#hash(blocks, cellSize, options, (index, _, blockHash) => hashes.set(blockHash, ELEMENT_BYTES * index))
    return hashes
  }

  async hashCells(blocks: readonly Uint8Array[], cellSize: Bytes, options: Poseidon2Options): Promise<Uint8Array> {
    const blockSize = checkBlocks(blocks, cellSize)
    const hashes = new Uint8Array((ELEMENT_BYTES * blocks.length * blockSize) / cellSize)
    const place: Place = (index, cellHashes) => hashes.set(cellHashes, cellHashes.length * index)
    await this.#hash(blocks, cellSize, options, place)
    return hashes
  }

  async merkleNodes(leaves: Uint8Array, options: Poseidon2Options): Promise<Uint8Array> {
    if (checkElements(leaves, 'leaves') === 0)
      throw new CodexError('slots/no-leaves', 'expected at least one leaf, found none: an empty tree has no root')
    const layers = [leaves]
    let top = leaves
    for (; top.length > JOB_NODES * ELEMENT_BYTES; layers.push(top)) top = await this.#layerAbove(top, leaves, options)
    layers.push(await this.#layersAbove(top, top === leaves, 'root', options))
    return concatBytes(...layers)
  }

  async sponges(messages: readonly (readonly bigint[])[], options: Poseidon2Options): Promise<bigint[]> {
    for (const [index, message] of messages.entries()) checkMessage(message, index)
    const runs = evenRuns(messages.length, JOB_MESSAGES, this.#pool.size)
    const hashes = await this.#each(runs, options, ({ from, to }) => {
      const some = messages.slice(from, to)
      return this.#pool.run((worker) => worker.sponges(some), { ...options, idempotent: true })
    })
    return hashes.flat()
  }

  async #hash(blocks: readonly Uint8Array[], cellSize: Bytes, options: Poseidon2Options, place: Place): Promise<void> {
    const blockSize = checkBlocks(blocks, cellSize)
    const perJob = Math.max(1, Math.floor(JOB_BYTES / Math.max(1, blockSize)))
    await this.#each(evenRuns(blocks.length, perJob, this.#pool.size), options, async ({ from, to }) => {
      const left: number[] = []
      for (let index = from; index < to; index++) if (!this.#placeZero(blocks, index, cellSize, place)) left.push(index)
      // Finding nothing but zeros takes time too, and nobody else's task came in between.
      if (left.length === 0) return nextTask()
      const hashes = await this.#hashInWorker(
        left.map((index) => blocks[index] as Uint8Array),
        cellSize,
        options,
      )
      left.forEach((index, i) => {
        const cellHashes = part(hashes.cellHashes, i, left.length)
        const blockHash = part(hashes.blockHashes, i, left.length)
        if (isZero(blocks[index] as Uint8Array)) this.#keepZero(zeroKey(blockSize, cellSize), cellHashes, blockHash)
        place(index, cellHashes, blockHash)
      })
    })
  }

  /** False where it is not a block of zeros, or the first of its sizes. */
  #placeZero(blocks: readonly Uint8Array[], index: number, cellSize: Bytes, place: Place): boolean {
    const block = blocks[index] as Uint8Array
    const zero = this.#zeros.get(zeroKey(block.length, cellSize))
    if (zero === undefined || !isZero(block)) return false
    place(index, zero.cellHashes, zero.blockHashes)
    return true
  }

  #keepZero(key: string, cellHashes: Uint8Array, blockHash: Uint8Array): void {
    if (this.#zeros.size >= MAX_ZEROS) this.#zeros.clear()
    this.#zeros.set(key, { cellHashes: cellHashes.slice(), blockHashes: blockHash.slice() })
  }

  #hashInWorker(blocks: readonly Uint8Array[], cellSize: Bytes, options: Poseidon2Options): Promise<BlockHashes> {
    const { canShare } = this.#pool
    return this.#pool.run((worker) => worker.hashBlocks(lend(blocks, canShare), cellSize), {
      ...options,
      idempotent: true,
    })
  }

  async #layerAbove(layer: Uint8Array, leaves: Uint8Array, options: Poseidon2Options): Promise<Uint8Array> {
    const pairs = layer.length / ELEMENT_BYTES / 2
    const runs = evenRuns(Math.ceil(pairs), JOB_NODES / 2, this.#pool.size)
    const pieces = await this.#each(runs, options, ({ from, to }) =>
      this.#layersAbove(
        layer.subarray(2 * ELEMENT_BYTES * from, 2 * ELEMENT_BYTES * to),
        layer === leaves,
        'next',
        options,
      ),
    )
    return concatBytes(...pieces)
  }

  #layersAbove(
    nodes: Uint8Array,
    isBottom: boolean,
    upTo: 'next' | 'root',
    options: Poseidon2Options,
  ): Promise<Uint8Array> {
    const { canShare } = this.#pool
    return this.#pool.run(
      (worker) => {
        const [lent = nodes] = lend([nodes], canShare)
        return worker.layersAbove(lent, isBottom, upTo)
      },
      { ...options, idempotent: true },
    )
  }

  #each<Item, Result>(
    items: readonly Item[],
    { signal }: Poseidon2Options,
    work: (item: Item) => Promise<Result>,
  ): Promise<Result[]> {
    return mapBounded(items, JOBS_PER_WORKER * this.#pool.size, async (item) => {
      signal.throwIfAborted()
      return work(item)
    })
  }
}

/** @returns their size; 0 where there is none */
function checkBlocks(blocks: readonly Uint8Array[], cellSize: Bytes): Bytes {
  let blockSize: Bytes | undefined
  for (const [index, block] of blocks.entries()) {
    if (!isBytes(block))
      throw new CodexError('slots/not-a-block', `expected bytes as block ${index}, found ${describeValue(block)}`, {
        detail: { index },
      })
    blockSize ??= block.length
    if (block.length !== blockSize)
      throw new CodexError(
        'slots/unequal-blocks',
        `expected blocks of one size (${blockSize} bytes), found ${block.length} bytes in block ${index}`,
        { detail: { index, expectedBytes: blockSize, foundBytes: block.length } },
      )
  }
  const isSize = Number.isSafeInteger(cellSize) && cellSize >= 1 && cellSize <= MAX_CELL_BYTES
  const fits = blockSize === undefined || (blockSize > 0 && blockSize % cellSize === 0)
  if (isSize && fits) return blockSize ?? 0
  throw new CodexError(
    'slots/bad-cell-size',
    `expected a cell size from 1 to ${MAX_CELL_BYTES} bytes that divides blocks of ${blockSize ?? 'any'} bytes, found ${describeValue(cellSize)}`,
    { detail: { blockSize, cellSize: numberOrDescription(cellSize), limit: MAX_CELL_BYTES } },
  )
}

function checkMessage(message: readonly bigint[], index: number): void {
  for (const element of message) checkElement(element, `each element of message ${index}`)
  if (message.length <= MAX_MESSAGE_ELEMENTS) return
  throw new CodexError(
    'slots/message-too-long',
    `expected messages of at most ${MAX_MESSAGE_ELEMENTS} elements, found ${message.length} in message ${index}`,
    { detail: { index, limit: MAX_MESSAGE_ELEMENTS, found: message.length } },
  )
}

/** Ends at the first byte that is not, so blocks of anything else cost nothing. */
function isZero(block: Uint8Array): boolean {
  for (const byte of block) if (byte !== 0) return false
  return true
}

function zeroKey(blockSize: Bytes, cellSize: Bytes): string {
  return `${blockSize}/${cellSize}`
}

function part(all: Uint8Array, index: number, count: number): Uint8Array {
  const bytes = all.length / count
  return all.subarray(bytes * index, bytes * (index + 1))
}
