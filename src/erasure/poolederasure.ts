// The erasure code on the workers of a pool: cuts the steps into jobs, checks their shapes and deals the computed blocks out.

import { isBytes } from '../lib/bytes.ts'
import { describeValue } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import { mapBounded } from '../lib/mapbounded.ts'
import { MiB } from '../lib/units.ts'
import type { Bytes } from '../lib/units.ts'
import { evenRuns } from '../workers/evenruns.ts'
import type { Run } from '../workers/evenruns.ts'
import { isShared, lend } from '../workers/lend.ts'
import type { WorkerPool } from '../workers/workerpool.ts'
import type { CodeJobs } from './codejobs.ts'
import type { Erasure, ErasureOptions, ErasurePattern } from './erasure.ts'

/** What it needs of a pool, whatever else its workers can do. */
export type CodePool = Pick<WorkerPool<CodeJobs>, 'run' | 'size' | 'canShare'>

export interface PooledErasureOptions {
  readonly pool: CodePool
  /**
   * New memory for computed blocks, as a hasher's `memory` gives it. When it is shared, workers write into it and a copy is spared; any
   * other is left alone. Default: the blocks of a job come in a buffer of their own.
   */
  readonly memory?: (bytes: Bytes) => Uint8Array
}

/** Bytes given in one job: some milliseconds of coding, next to which sending the job costs little. One larger step is a job by itself. */
export const JOB_BYTES: Bytes = 4 * MiB
/** Jobs of one call that wait or run, for each worker. */
const JOBS_PER_WORKER = 2

/** Computed blocks of one job share one buffer. Blocks given in shared memory are read where they are, others are copied. */
export class PooledErasure implements Erasure {
  readonly #pool: CodePool
  readonly #memory: ((bytes: Bytes) => Uint8Array) | undefined

  constructor({ pool, memory }: PooledErasureOptions) {
    this.#pool = pool
    this.#memory = memory
  }

  async compute(
    pattern: ErasurePattern,
    steps: readonly (readonly Uint8Array[])[],
    options: ErasureOptions,
  ): Promise<Uint8Array[][]> {
    const blockBytes = checkSteps(pattern, steps)
    const perJob = Math.max(1, Math.floor(JOB_BYTES / Math.max(1, blockBytes * pattern.given.length)))
    // Without a step there is still the pattern to be refused.
    const runs: readonly Run[] =
      steps.length === 0 ? [{ from: 0, to: 0 }] : evenRuns(steps.length, perJob, this.#pool.size)
    const computed = await mapBounded(runs, JOBS_PER_WORKER * this.#pool.size, ({ from, to }) => {
      options.signal.throwIfAborted()
      return this.#computeRun(pattern, steps.slice(from, to), blockBytes, options)
    })
    return computed.flat()
  }

  async #computeRun(
    pattern: ErasurePattern,
    steps: readonly (readonly Uint8Array[])[],
    blockBytes: Bytes,
    options: ErasureOptions,
  ): Promise<Uint8Array[][]> {
    const { canShare } = this.#pool
    const perStep = pattern.wanted.length
    const output = canShare ? this.#sharedMemory(steps.length * perStep * blockBytes) : undefined
    const answer = await this.#pool.run((worker) => worker.computeRows(pattern, lend(steps.flat(), canShare), output), {
      ...options,
      idempotent: true,
    })
    const bytes = answer ?? output ?? new Uint8Array(0)
    return steps.map((_, step) =>
      Array.from({ length: perStep }, (__, j) => {
        const at = (step * perStep + j) * blockBytes
        return bytes.subarray(at, at + blockBytes)
      }),
    )
  }

  #sharedMemory(bytes: Bytes): Uint8Array | undefined {
    const memory = bytes > 0 ? this.#memory?.(bytes) : undefined
    return memory !== undefined && isShared(memory.buffer) ? memory : undefined
  }
}

/** @returns the size of the blocks; 0 where there is none */
function checkSteps(pattern: ErasurePattern, steps: readonly (readonly Uint8Array[])[]): Bytes {
  const { given, wanted } = pattern
  if (!Array.isArray(given) || !Array.isArray(wanted))
    throw new CodexError('erasure/bad-pattern', 'expected lists of the rows given and wanted', {
      detail: { given: describeValue(given), wanted: describeValue(wanted) },
    })
  let blockBytes: Bytes | undefined
  for (const [step, rows] of steps.entries()) {
    if (rows.length !== given.length)
      throw new CodexError(
        'erasure/wrong-rows',
        `expected a block for each of ${given.length} given rows, found ${rows.length} in step ${step}`,
        { detail: { step, expected: given.length, found: rows.length } },
      )
    for (const [i, block] of rows.entries()) {
      const row = given[i] as number
      blockBytes ??= isBytes(block) ? block.length : undefined
      if (isBytes(block) && block.length === blockBytes) continue
      const found = isBytes(block) ? `${block.length} bytes` : describeValue(block)
      throw new CodexError(
        'erasure/unequal-blocks',
        `expected blocks of one size (${blockBytes ?? 'any'} bytes), found ${found} in row ${row} of step ${step}`,
        { detail: { row, step, expectedBytes: blockBytes } },
      )
    }
  }
  if (blockBytes === 0)
    throw new CodexError('erasure/not-whole-groups', 'expected blocks with bytes in them, found empty ones')
  return blockBytes ?? 0
}
