// Chooses how rows are computed from others: the result is the same each way, the cost is not.

import { copyProgram } from './copyprogram.ts'
import { decodeCost, decodeProgram } from './decodeprogram.ts'
import { encodeCost, encodeProgram } from './encodeprogram.ts'
import { errorLocator } from './errorlocator.ts'
import type { KernelMemory } from './kernelmemory.ts'
import { positionOf, type LeopardShape } from './leopardshape.ts'
import { leopardTables } from './leopardtables.ts'
import { matrixCost, matrixProgram } from './matrixprogram.ts'
import { pairProgram } from './pairprogram.ts'
import type { RowProgram } from './rowcoder.ts'
import { sumProgram } from './sumprogram.ts'

/** `inputs` are as many rows as there are data rows, ascending; `outputs` are others. Numbered as in {@link LeopardShape}. */
export function rowProgram(
  memory: KernelMemory,
  shape: LeopardShape,
  inputs: readonly number[],
  outputs: readonly number[],
): RowProgram {
  if (shape.method === 'copy' || outputs.length === 0) return copyProgram(outputs.length)
  if (shape.method === 'xor') return sumProgram(memory, inputs.length)
  const { dataCount, parityPositions, positions } = shape
  const tables = leopardTables(shape.method)
  const places = {
    inputs: inputs.map((row) => positionOf(shape, row)),
    outputs: outputs.map((row) => positionOf(shape, row)),
  }
  const matrix = matrixCost(tables.bits, inputs.length * outputs.length)
  const isEncoding = inputs.every((row) => row < dataCount)
  const isWholePair = parityPositions === 2 && outputs.length === 2 && outputs[0] === dataCount
  if (isEncoding && isWholePair && shape.method === 8) return pairProgram(memory, dataCount)
  if (isEncoding && matrix > encodeCost(shape, tables.bits, places.outputs))
    return encodeProgram(memory, shape, tables, places.outputs)
  const present = new Set(places.inputs)
  const missing = Array.from({ length: parityPositions + dataCount }, (_, p) => p).filter((p) => !present.has(p))
  const errors = errorLocator(tables, positions, missing)
  if (matrix <= decodeCost(tables.bits, positions, places)) return matrixProgram(memory, tables, errors, places)
  return decodeProgram(memory, tables, errors, positions, places)
}
