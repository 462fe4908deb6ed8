// Computes the two parity rows of a code over GF(2^8) in one pass: the most common codes have two. The same transforms as
// encodeprogram.ts, but nothing is stored in between.
//
// Memory: logarithms (u16) and tables of the groups' factors; the input rows; the two parity rows.

import { assert } from '../../src/lib/errors.ts'
import { Layout, type KernelMemory } from './kernelmemory.ts'
import { leopardTables } from './leopardtables.ts'
import type { RowProgram } from './rowcoder.ts'
import { copyCost, NS_PER_BYTE } from './rowcost.ts'
import { sliceWidth } from './slicewidth.ts'

const BITS = 8
const TABLE_BYTES = 32
const PARITY_COUNT = 2

export function pairProgram(memory: KernelMemory, dataCount: number): RowProgram {
  const { skew, modulus } = leopardTables(BITS)
  const groups = Math.ceil(dataCount / PARITY_COUNT)
  const factors = Uint16Array.from({ length: groups }, (_, group) => skew[PARITY_COUNT * (1 + group)] as number)
  assert(skew[0] === modulus && !factors.includes(modulus), 'the last factor of two rows is zero, those before are not')
  const width = sliceWidth(dataCount + PARITY_COUNT)
  const layout = new Layout()
  const logsAt = layout.take(2 * groups)
  const tablesAt = layout.take(TABLE_BYTES * groups)
  const inputsAt = layout.take(dataCount * width)
  const parityAt = layout.take(PARITY_COUNT * width)
  const program: RowProgram = {
    width,
    nsPerColumn: copyCost(dataCount + PARITY_COUNT, width) + NS_PER_BYTE.butterfly[BITS] * groups,
    settle: () => memory.settle(program, layout.end, () => memory.writeTables(BITS, logsAt, factors, tablesAt)),
    computeSlice(inputs, outputs, column, columns) {
      const { bytes, kernel } = memory
      inputs.forEach((input, i) => bytes.set(input.subarray(column, column + columns), inputsAt + i * width))
      kernel.parityPair8(parityAt, inputsAt, dataCount, width, columns, tablesAt)
      outputs.forEach((output, o) => {
        const at = parityAt + o * width
        output.set(bytes.subarray(at, at + columns), column)
      })
    },
  }
  return program
}
