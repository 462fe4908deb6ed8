// The code of one data block: every row is that block. Needs no kernel.

import type { RowProgram } from './rowcoder.ts'
import { copyCost } from './rowcost.ts'

/** A whole block at a time: the engine's own copy is the fastest there is. */
const WIDTH_BYTES = 2 ** 30

export function copyProgram(outputCount: number): RowProgram {
  return {
    width: WIDTH_BYTES,
    nsPerColumn: copyCost(Math.max(1, outputCount), WIDTH_BYTES),
    settle: () => undefined,
    computeSlice([input], outputs, column, width) {
      if (input === undefined) return
      for (const output of outputs) output.set(input.subarray(column, column + width), column)
    },
  }
}
