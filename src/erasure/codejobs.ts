// What a worker computes of the erasure code, in slices. It keeps the coders of the last patterns, and knows no dataset.

import { CodexError } from '../lib/errors.ts'
import { loadOnce } from '../lib/loadonce.ts'
import type { Bytes } from '../lib/units.ts'
import type { JobContext, SlicedJobs } from '../workers/performjobs.ts'
import { transfer } from '../workers/transfer.ts'
import type { ErasurePattern } from './erasure.ts'

export interface CodeJobs {
  /**
   * The wanted rows of steps whose given rows are `rows`, step after step; so is the answer.
   * @param output shared memory that takes them; without it they come as an answer of their own
   */
  computeRows(
    pattern: ErasurePattern,
    rows: readonly Uint8Array[],
    output?: Uint8Array,
  ): Promise<Uint8Array | undefined>
}

/** What these jobs need of a kernel of the code. */
export interface CodeKernel {
  /** @throws CodexError `erasure/*` where these rows give no code or not the wanted rows */
  decoder(pattern: {
    readonly dataCount: number
    readonly parityCount: number
    readonly present: readonly number[]
    readonly wanted: readonly number[]
  }): Coder
}

/** Computes some rows of a step from others, columns `from` to `to` of them, synchronously. */
export interface Coder {
  /** Rows it reads, in order. */
  readonly inputs: readonly number[]
  /** Rows it computes, in order. */
  readonly outputs: readonly number[]
  /** Columns, of one step or of several, that may be computed between two checkpoints. */
  readonly sliceBytes: Bytes
  run(inputs: readonly Uint8Array[], outputs: readonly Uint8Array[], from: number, to: number): void
}

/** Coders kept, the last used: repair of a few slots and encoding at the same time need no more. */
const MAX_CODERS = 8

/** @param load called at the first job; a failure is that job's, the next one tries anew */
export function codeJobs(load: () => Promise<CodeKernel>): SlicedJobs<CodeJobs> {
  const loaded = loadOnce(load)
  const coders = new Map<string, Coder>()
  const coderFor = async (pattern: ErasurePattern): Promise<Coder> => {
    const kernel = await loaded()
    const key = JSON.stringify(pattern)
    const coder = coders.get(key) ?? makeCoder(kernel, pattern)
    coders.delete(key)
    coders.set(key, coder)
    for (const oldest of coders.keys()) {
      if (coders.size <= MAX_CODERS) break
      coders.delete(oldest)
    }
    return coder
  }
  return {
    computeRows: async (job, pattern, rows, output) => {
      const coder = await coderFor(pattern)
      const blockBytes = rows[0]?.length ?? 0
      const steps = rows.length / coder.inputs.length
      const rowsOut = coder.outputs.length
      const own = output === undefined ? new Uint8Array(steps * rowsOut * blockBytes) : undefined
      const bytes = own ?? output ?? new Uint8Array(0)
      const outputs = Array.from({ length: steps * rowsOut }, (_, i) =>
        bytes.subarray(i * blockBytes, (i + 1) * blockBytes),
      )
      await runSteps(coder, rows, outputs, blockBytes, job)
      return own === undefined ? undefined : transfer(own, [own.buffer])
    },
  }
}

function makeCoder(kernel: CodeKernel, pattern: ErasurePattern): Coder {
  const { given, wanted, dataCount, parityCount } = pattern
  const coder = kernel.decoder({ dataCount, parityCount, present: given, wanted })
  // The kernel would take rows in any order and more than it needs; the bytes come in this order and no other.
  if (isSame(coder.inputs, given) && isSame(coder.outputs, wanted)) return coder
  throw new CodexError(
    'erasure/bad-pattern',
    `expected the ${dataCount} rows that are given in ascending order and each wanted row once, found ${given.length} given`,
    { detail: { dataCount, parityCount, given: given.length, wanted: wanted.length } },
  )
}

async function runSteps(
  coder: Coder,
  rows: readonly Uint8Array[],
  outputs: readonly Uint8Array[],
  blockBytes: Bytes,
  job: JobContext,
): Promise<void> {
  const { inputs, outputs: wanted, sliceBytes } = coder
  if (wanted.length === 0) return
  let spentColumns = 0
  for (let step = 0; step * inputs.length < rows.length; step++) {
    const from = rows.slice(step * inputs.length, (step + 1) * inputs.length)
    const to = outputs.slice(step * wanted.length, (step + 1) * wanted.length)
    for (let column = 0, end = 0; column < blockBytes; column = end) {
      end = Math.min(column + sliceBytes, blockBytes)
      if (spentColumns + end - column > sliceBytes) {
        await job.checkpoint()
        spentColumns = 0
      }
      coder.run(from, to, column, end)
      spentColumns += end - column
    }
  }
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i])
}
