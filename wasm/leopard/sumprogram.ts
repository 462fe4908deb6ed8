// The code of one parity row: any row is the sum of all others.
//
// Memory: the input rows, then the output row.

import { assert } from '../../src/lib/errors.ts'
import { Layout, type KernelMemory } from './kernelmemory.ts'
import type { RowProgram } from './rowcoder.ts'
import { copyCost, NS_PER_BYTE } from './rowcost.ts'
import { sliceWidth } from './slicewidth.ts'

export function sumProgram(memory: KernelMemory, inputCount: number): RowProgram {
  const width = sliceWidth(inputCount + 1)
  const layout = new Layout()
  const rowsAt = layout.take(inputCount * width)
  const sumAt = layout.take(width)
  const program: RowProgram = {
    width,
    nsPerColumn: copyCost(inputCount + 1, width) + NS_PER_BYTE.added * inputCount,
    settle: () => memory.settle(program, layout.end, () => undefined),
    computeSlice(inputs, [output], column, columns) {
      assert(output !== undefined, 'the code of one parity row misses one row')
      const { bytes, kernel } = memory
      inputs.forEach((input, i) => bytes.set(input.subarray(column, column + columns), rowsAt + i * width))
      kernel.sum(sumAt, rowsAt, width, columns, inputCount)
      output.set(bytes.subarray(sumAt, sumAt + columns), column)
    },
  }
  return program
}
