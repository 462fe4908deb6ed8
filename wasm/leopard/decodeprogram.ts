// Computes missing rows, data or parity, from as many others as there are data rows, with transforms of the whole code word
// as data reference §5.6 does.
//
// Memory: the skew table's logarithms (u16) and their tables of products; logarithms and tables of the error locator for
// the inputs, and of its inverse for the outputs; marks of inputs and of outputs; a row for every position.

import { fieldKernel } from './kernelexports.ts'
import { Layout, type KernelMemory } from './kernelmemory.ts'
import type { LeopardTables } from './leopardtables.ts'
import type { Positions } from './matrixprogram.ts'
import type { RowProgram } from './rowcoder.ts'
import { butterflies, copyCost, NS_PER_BYTE } from './rowcost.ts'
import { sliceWidth } from './slicewidth.ts'

/** `size` is the number of positions; `errors` as in {@link matrixProgram}. */
export function decodeProgram(
  memory: KernelMemory,
  tables: LeopardTables,
  errors: Uint16Array,
  size: number,
  positions: Positions,
): RowProgram {
  const { inputs: inputPositions, outputs: outputPositions } = positions
  const { bits, skew, modulus } = tables
  const { kernel } = memory
  const field = fieldKernel(kernel, bits)
  const width = sliceWidth(size)
  const scaled = inputPositions.length + outputPositions.length
  const layout = new Layout()
  const logsAt = layout.take(2 * (size - 1))
  const tablesAt = layout.take(field.tableBytes * (size - 1))
  const scaleLogsAt = layout.take(2 * scaled)
  const scalesAt = layout.take(field.tableBytes * scaled)
  const inputMarksAt = layout.take(4 * (size + 1))
  const outputMarksAt = layout.take(4 * (size + 1))
  const rowsAt = layout.take(size * width)
  const zeros = gaps(inputPositions, size)

  const writeTables = (): void => {
    const error = (position: number): number => errors[position] as number
    const scales = [...inputPositions.map(error), ...outputPositions.map((p) => (modulus - error(p)) % modulus)]
    memory.writeTables(bits, logsAt, skew.subarray(0, size - 1), tablesAt)
    memory.writeTables(bits, scaleLogsAt, Uint16Array.from(scales), scalesAt)
    memory.writeMarks(inputMarksAt, inputPositions, size)
    memory.writeMarks(outputMarksAt, outputPositions, size)
  }
  const scale = (position: number, columns: number, table: number): number => {
    const at = rowsAt + position * width
    field.scale(at, columns, scalesAt + field.tableBytes * table)
    return at
  }
  const program: RowProgram = {
    width,
    nsPerColumn: copyCost(scaled, width) + decodeCost(bits, size, positions),
    settle: () => memory.settle(program, layout.end, writeTables),
    computeSlice(inputs, outputs, column, columns) {
      const { bytes } = memory
      for (const [first, end] of zeros) bytes.fill(0, rowsAt + first * width, rowsAt + end * width)
      inputPositions.forEach((position, i) => {
        bytes.set((inputs[i] as Uint8Array).subarray(column, column + columns), rowsAt + position * width)
        scale(position, columns, i)
      })
      field.ifft(rowsAt, width, columns, size, logsAt, tablesAt, inputMarksAt)
      kernel.derive(rowsAt, width, columns, size)
      field.fft(rowsAt, width, columns, size, logsAt, tablesAt, outputMarksAt)
      outputPositions.forEach((position, o) => {
        const at = scale(position, columns, inputPositions.length + o)
        outputs[o]?.set(bytes.subarray(at, at + columns), column)
      })
    },
  }
  return program
}

/** Nanoseconds for one column, copies aside. */
export function decodeCost(bits: 8 | 16, size: number, { inputs, outputs }: Positions): number {
  const transformed = butterflies(size, inputs) + butterflies(size, outputs)
  const added = (size / 2) * Math.log2(size)
  return (
    NS_PER_BYTE.butterfly[bits] * transformed +
    NS_PER_BYTE.added * added +
    NS_PER_BYTE.multiplied[bits] * (inputs.length + outputs.length)
  )
}

/** The runs `[first, end)` of positions that are not among `taken`. */
function gaps(taken: readonly number[], size: number): (readonly [number, number])[] {
  const found: (readonly [number, number])[] = []
  let next = 0
  for (const position of [...taken].sort((a, b) => a - b).concat(size)) {
    if (position > next) found.push([next, position])
    next = position + 1
  }
  return found
}
