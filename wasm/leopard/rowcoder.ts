// Computes some rows of a code word from others, step after step: what encoder, decoder and repair have in common. It
// chooses nothing: which rows and how is settled when it is made.

import { assert, CodexError } from '../../src/lib/errors.ts'
import { blockBytesOf, GROUP_BYTES } from './leopardshape.ts'

/** How a coder computes; one per method, each in its own file. */
export interface RowProgram {
  /** Columns that fit the room it takes in memory, a multiple of {@link GROUP_BYTES}. */
  readonly width: number
  /** What a column (a byte of every block) costs, by the measure of rowcost.ts. */
  readonly nsPerColumn: number
  /** Makes itself at home in memory; called before {@link computeSlice}, cheap when it still is. */
  settle(): void
  /** Computes `width` columns from `column` on. */
  computeSlice(inputs: readonly Uint8Array[], outputs: readonly Uint8Array[], column: number, width: number): void
}

/** A worker must hear of an abort this often. */
const MAX_CALL_NS = 50e6
/** How much slower than the one that was measured a machine may be. */
const SLOWER = 3

export class RowCoder {
  /** Rows it reads, in the order in which `run` takes their blocks: as many as there are data rows. */
  readonly inputs: readonly number[]
  /** Rows it computes, in the order in which `run` fills their blocks. */
  readonly outputs: readonly number[]
  /**
   * Columns that one call may take to be over within 50 ms on a machine three times slower than ours: a multiple of 64, more
   * than a block has for most codes. Never less than 64, for which codes of 65 536 rows need that time on ours.
   */
  readonly sliceBytes: number
  readonly #program: RowProgram

  constructor(inputs: readonly number[], outputs: readonly number[], program: RowProgram) {
    this.inputs = inputs
    this.outputs = outputs
    this.#program = program
    const groups = Math.floor(MAX_CALL_NS / (SLOWER * program.nsPerColumn * GROUP_BYTES))
    this.sliceBytes = GROUP_BYTES * Math.max(1, groups)
  }

  /**
   * Fills columns `from` to `to` (the whole block when left out) of the `outputs` of one step. Blocks are of one size, a
   * multiple of 64 bytes; none of them changes hands. Steps of other sizes may follow.
   * @throws CodexError `erasure/unequal-blocks`, `erasure/not-whole-groups`, `erasure/wrong-columns`
   */
  run(inputs: readonly Uint8Array[], outputs: readonly Uint8Array[], from = 0, to?: number): void {
    assert(inputs.length === this.inputs.length, `a block for each of the ${this.inputs.length} rows it reads`)
    assert(outputs.length === this.outputs.length, `a block for each of the ${this.outputs.length} rows it computes`)
    const blockBytes = blockBytesOf([...inputs, ...outputs]) ?? 0
    const end = to ?? blockBytes
    if (!isColumn(from) || !isColumn(end) || from > end || end > blockBytes)
      throw new CodexError(
        'erasure/wrong-columns',
        `expected columns in multiples of ${GROUP_BYTES} from 0 to ${blockBytes}, found ${from} to ${end}`,
        { detail: { from, to: end, blockBytes, groupBytes: GROUP_BYTES } },
      )
    if (outputs.length === 0) return
    const { width } = this.#program
    this.#program.settle()
    for (let column = from; column < end; column += width)
      this.#program.computeSlice(inputs, outputs, column, Math.min(width, end - column))
  }
}

function isColumn(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value % GROUP_BYTES === 0
}
