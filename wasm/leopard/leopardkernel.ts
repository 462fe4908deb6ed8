// Leopard's erasure code over blocks: encode, decode, rebuild single rows. Synchronous, bit for bit what the native library
// gives. It knows no dataset and no slot; a step of a dataset is one code word, and row r is what slot r holds.

import { CodexError } from '../../src/lib/errors.ts'
import type { KernelMemory } from './kernelmemory.ts'
import { blockBytesOf, leopardShape, type LeopardShape } from './leopardshape.ts'
import { RowCoder } from './rowcoder.ts'
import { rowProgram } from './rowprogram.ts'

/** What a decoder is made for: the same in all steps of a dataset with the same slots missing. */
export interface RowPattern {
  /** K */
  readonly dataCount: number
  /** M */
  readonly parityCount: number
  /** Rows that are here, at least K, in any order; the K lowest are used, so data first. */
  readonly present: readonly number[]
  /** Rows to compute, none of them present; all missing data rows when left out. */
  readonly wanted?: readonly number[]
}

export class LeopardKernel {
  readonly #memory: KernelMemory

  constructor(memory: KernelMemory) {
    this.#memory = memory
  }

  /**
   * The `parityCount` parity blocks of `data`, none when it is 0. All in one go, as {@link decode} and {@link reconstruct}:
   * who must hear of an abort in between runs a coder over slices instead.
   * @throws CodexError `erasure/no-data`, `erasure/not-a-count`, `erasure/more-parity-than-data`, `erasure/too-many-rows`,
   * `erasure/unequal-blocks`, `erasure/not-whole-groups`
   */
  encode(data: readonly Uint8Array[], parityCount: number): Uint8Array[] {
    const coder = this.encoder(data.length, parityCount)
    return computed(coder, data)
  }

  /**
   * All K data blocks: those given as they are (the same arrays), the missing ones computed from the K lowest rows given;
   * others are not compared.
   * @throws CodexError as {@link encode}, and `erasure/too-few-rows`
   */
  decode(data: readonly (Uint8Array | undefined)[], parity: readonly (Uint8Array | undefined)[]): Uint8Array[] {
    return this.reconstruct([...data, ...parity], data.length, [...data.keys()])
  }

  /**
   * The `wanted` rows, data or parity, of the code word whose rows are `rows` and whose first `dataCount` rows are data. Rows
   * that are there are returned as they are. One missing row costs K products of a row and a constant; decoding by transforms
   * costs up to N log N butterflies and N/2 log N sums of rows, N being the code's positions. Whichever is less is done.
   * @throws CodexError as {@link decode}, and `erasure/no-such-row`
   */
  reconstruct(rows: readonly (Uint8Array | undefined)[], dataCount: number, wanted: readonly number[]): Uint8Array[] {
    blockBytesOf(rows)
    const present = [...rows.keys()].filter((row) => rows[row] !== undefined)
    const missing = wanted.filter((row) => rows[row] === undefined)
    const coder = this.decoder({ dataCount, parityCount: rows.length - dataCount, present, wanted: missing })
    const inputs = coder.inputs.flatMap((row) => rows[row] ?? [])
    const found = new Map(computed(coder, inputs).map((block, i) => [coder.outputs[i], block]))
    return wanted.flatMap((row) => rows[row] ?? found.get(row) ?? [])
  }

  /** Computes parity rows from all data rows. @throws CodexError as {@link encode}, for counts */
  encoder(dataCount: number, parityCount: number): RowCoder {
    const shape = leopardShape(dataCount, parityCount)
    return this.#coder(shape, range(0, dataCount), range(dataCount, dataCount + parityCount))
  }

  /**
   * Computes missing rows. What depends on the pattern alone is computed here, once: less than 5 ms up to 1 500 rows, some
   * 70 ms for the largest codes.
   * @throws CodexError as {@link encode}, for counts, and `erasure/too-few-rows`, `erasure/no-such-row`,
   * `erasure/row-not-missing`
   */
  decoder({ dataCount, parityCount, present, wanted }: RowPattern): RowCoder {
    const shape = leopardShape(dataCount, parityCount)
    const here = checkedRows(
      shape,
      [...present].sort((a, b) => a - b),
    )
    if (here.size < dataCount)
      throw new CodexError(
        'erasure/too-few-rows',
        `expected at least ${dataCount} of ${dataCount + parityCount} rows, found ${here.size}`,
        { detail: { dataCount, parityCount, foundRows: here.size } },
      )
    const outputs = checkedRows(shape, wanted ?? range(0, dataCount).filter((row) => !here.has(row)))
    for (const row of outputs)
      if (here.has(row))
        throw new CodexError('erasure/row-not-missing', `expected to compute missing rows, found row ${row} present`, {
          detail: { row },
        })
    return this.#coder(shape, [...here].slice(0, dataCount), [...outputs])
  }

  #coder(shape: LeopardShape, inputs: readonly number[], outputs: readonly number[]): RowCoder {
    return new RowCoder(inputs, outputs, rowProgram(this.#memory, shape, inputs, outputs))
  }
}

function computed(coder: RowCoder, inputs: readonly Uint8Array[]): Uint8Array[] {
  const blockBytes = blockBytesOf(inputs) ?? 0
  const outputs = coder.outputs.map(() => new Uint8Array(blockBytes))
  coder.run(inputs, outputs)
  return outputs
}

/** Each row once, in the order given. */
function checkedRows({ dataCount, parityCount }: LeopardShape, rows: readonly number[]): ReadonlySet<number> {
  const count = dataCount + parityCount
  for (const row of rows)
    if (!Number.isSafeInteger(row) || row < 0 || row >= count)
      throw new CodexError('erasure/no-such-row', `expected rows from 0 to ${count - 1}, found ${String(row)}`, {
        detail: { dataCount, parityCount, row },
      })
  return new Set(rows)
}

function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i)
}
