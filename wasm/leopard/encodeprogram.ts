// Computes parity from all data with transforms, as data reference §5.5 does, group of data rows by group: memory holds two
// groups, however many rows there are.
//
// Memory: the skew table's logarithms (u16) and their tables of products; marks of a full group, of the last group and of
// the wanted parity; the sum's rows; the group's rows.

import { fieldKernel } from './kernelexports.ts'
import { Layout, type KernelMemory } from './kernelmemory.ts'
import type { LeopardShape } from './leopardshape.ts'
import type { LeopardTables } from './leopardtables.ts'
import type { RowProgram } from './rowcoder.ts'
import { butterflies, copyCost, NS_PER_BYTE } from './rowcost.ts'
import { sliceWidth } from './slicewidth.ts'

/** `wanted` are positions of parity, in the order of the outputs. */
export function encodeProgram(
  memory: KernelMemory,
  shape: LeopardShape,
  tables: LeopardTables,
  wanted: readonly number[],
): RowProgram {
  const { dataCount, parityPositions: size, positions } = shape
  const { bits, skew } = tables
  const field = fieldKernel(memory.kernel, bits)
  const width = sliceWidth(2 * size)
  const layout = new Layout()
  const logsAt = layout.take(2 * (positions - 1))
  const tablesAt = layout.take(field.tableBytes * (positions - 1))
  const fullMarksAt = layout.take(4 * (size + 1))
  const lastMarksAt = layout.take(4 * (size + 1))
  const wantedMarksAt = layout.take(4 * (size + 1))
  const sumAt = layout.take(size * width)
  const groupAt = layout.take(size * width)
  const lastGroup = dataCount - (dataCount % size)

  const writeTables = (): void => {
    memory.writeTables(bits, logsAt, skew.subarray(0, positions - 1), tablesAt)
    memory.writeMarks(fullMarksAt, firstNumbers(size), size)
    memory.writeMarks(lastMarksAt, firstNumbers(dataCount - lastGroup), size)
    memory.writeMarks(wantedMarksAt, wanted, size)
  }
  const addGroup = (inputs: readonly Uint8Array[], group: number, column: number, columns: number): void => {
    const { bytes, kernel } = memory
    const rowsAt = group === 0 ? sumAt : groupAt
    const present = Math.min(size, dataCount - group)
    for (let i = 0; i < present; i++)
      bytes.set((inputs[group + i] as Uint8Array).subarray(column, column + columns), rowsAt + i * width)
    bytes.fill(0, rowsAt + present * width, rowsAt + size * width)
    const skipped = size + group // The skew factors before those of this group's transform.
    const marksAt = present === size ? fullMarksAt : lastMarksAt
    field.ifft(rowsAt, width, columns, size, logsAt + 2 * skipped, tablesAt + field.tableBytes * skipped, marksAt)
    if (group > 0) for (let i = 0; i < size; i++) kernel.add(sumAt + i * width, groupAt + i * width, columns)
  }
  const program: RowProgram = {
    width,
    nsPerColumn: copyCost(dataCount + wanted.length, width) + encodeCost(shape, bits, wanted),
    settle: () => memory.settle(program, layout.end, writeTables),
    computeSlice(inputs, outputs, column, columns) {
      for (let group = 0; group < dataCount; group += size) addGroup(inputs, group, column, columns)
      field.fft(sumAt, width, columns, size, logsAt, tablesAt, wantedMarksAt)
      wanted.forEach((position, o) => {
        const at = sumAt + position * width
        outputs[o]?.set(memory.bytes.subarray(at, at + columns), column)
      })
    },
  }
  return program
}

/** Nanoseconds for one column, copies aside. */
export function encodeCost(shape: LeopardShape, bits: 8 | 16, wanted: readonly number[]): number {
  const { dataCount, parityPositions: size } = shape
  const fullGroups = Math.floor(dataCount / size)
  const inverse = fullGroups * butterflies(size, firstNumbers(size)) + butterflies(size, firstNumbers(dataCount % size))
  const added = (Math.ceil(dataCount / size) - 1) * size
  return NS_PER_BYTE.butterfly[bits] * (inverse + butterflies(size, wanted)) + NS_PER_BYTE.added * added
}

function firstNumbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
