// Chooses how rows are computed from others: the result is the same each way, the cost is not.

import { copyProgram } from './copyprogram.ts'
import { decodeProgram } from './decodeprogram.ts'
import { encodeProgram } from './encodeprogram.ts'
import { errorLocator } from './errorlocator.ts'
import type { KernelMemory } from './kernelmemory.ts'
import { positionOf, type LeopardShape } from './leopardshape.ts'
import { leopardTables } from './leopardtables.ts'
import { matrixProgram } from './matrixprogram.ts'
import type { RowProgram } from './rowcoder.ts'
import { sumProgram } from './sumprogram.ts'
import { rowsTransformed } from './transformcost.ts'

/** `inputs` are as many rows as there are data rows, `outputs` others; numbered as in {@link LeopardShape}. */
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
  const products = inputs.length * outputs.length
  const isEncoding = inputs.every((row) => row < dataCount)
  if (isEncoding && products > encodingCost(shape)) return encodeProgram(memory, shape, tables, places.outputs)
  const present = new Set(places.inputs)
  const missing = Array.from({ length: parityPositions + dataCount }, (_, p) => p).filter((p) => !present.has(p))
  const errors = errorLocator(tables, positions, missing)
  if (products <= decodingCost(shape)) return matrixProgram(memory, tables, errors, places)
  return decodeProgram(memory, tables, errors, positions, places)
}

/** In products of a matrix, which take about as long as half a butterfly. */
function encodingCost({ dataCount, parityPositions }: LeopardShape): number {
  return (Math.ceil(dataCount / parityPositions) + 1) * rowsTransformed(parityPositions)
}

function decodingCost({ positions }: LeopardShape): number {
  return 3 * rowsTransformed(positions)
}
