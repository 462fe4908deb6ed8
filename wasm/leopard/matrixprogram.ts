// Computes rows as a matrix times rows: the least work while few rows are wanted, and the only way that wants but one.
//
// Memory: logarithms (u16) and tables of the factors, output by output; the input rows; the output rows.

import { fieldKernel } from './kernelexports.ts'
import { Layout, type KernelMemory } from './kernelmemory.ts'
import type { LeopardTables } from './leopardtables.ts'
import type { RowProgram } from './rowcoder.ts'
import { copyCost, NS_PER_BYTE } from './rowcost.ts'
import { sliceWidth } from './slicewidth.ts'

/** The places of rows in the code word. */
export interface Positions {
  readonly inputs: readonly number[]
  readonly outputs: readonly number[]
}

/**
 * `errors` is the error locator where all positions are missing but those of the inputs and of the zeros behind the data.
 *
 * Why the factors are what they are. A code word is the values, at all N positions, of a polynomial of degree less than
 * N - parityPositions, and as many positions are not missing: the missing ones follow by Lagrange's formula. In it the
 * factor of input i for output o is the product of (o - j) over the others that are not missing, divided by the product of
 * (i - j). The product over all positions j other than p is the same for every p; hence products over positions that are
 * not missing turn into inverses of products over missing ones, and those are the locator's. What remains is
 * locator(i) / (locator(o) * (o - i)).
 */
export function matrixProgram(
  memory: KernelMemory,
  tables: LeopardTables,
  errors: Uint16Array,
  { inputs: inputPositions, outputs: outputPositions }: Positions,
): RowProgram {
  const { bits, log, modulus } = tables
  const field = fieldKernel(memory.kernel, bits)
  const width = sliceWidth(inputPositions.length + outputPositions.length)
  const factors = inputPositions.length * outputPositions.length
  const layout = new Layout()
  const logsAt = layout.take(2 * factors)
  const tablesAt = layout.take(field.tableBytes * factors)
  const inputsAt = layout.take(inputPositions.length * width)
  const outputsAt = layout.take(outputPositions.length * width)
  const writeTables = (): void => {
    const error = (position: number): number => errors[position] as number
    const logs = outputPositions.flatMap((o) =>
      inputPositions.map((i) => (error(i) + 2 * modulus - error(o) - (log[o ^ i] as number)) % modulus),
    )
    memory.writeTables(bits, logsAt, Uint16Array.from(logs), tablesAt)
  }
  const program: RowProgram = {
    width,
    nsPerColumn: copyCost(inputPositions.length + outputPositions.length, width) + matrixCost(bits, factors),
    settle: () => memory.settle(program, layout.end, writeTables),
    computeSlice(inputs, outputs, column, columns) {
      const { bytes } = memory
      inputs.forEach((input, i) => bytes.set(input.subarray(column, column + columns), inputsAt + i * width))
      field.combine(outputsAt, outputs.length, inputsAt, inputs.length, width, columns, tablesAt)
      outputs.forEach((output, o) => {
        const at = outputsAt + o * width
        output.set(bytes.subarray(at, at + columns), column)
      })
    },
  }
  return program
}

/** Nanoseconds for one column, copies aside. */
export function matrixCost(bits: 8 | 16, factors: number): number {
  return NS_PER_BYTE.multiplied[bits] * factors
}
