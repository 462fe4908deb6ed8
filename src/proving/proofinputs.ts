// The inputs of the storage proof's circuit, by their names and shapes (data reference §8.4). What they are made of is the slots' room.

import { describeValue } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import type { CircuitInputs } from './flattenedinputs.ts'

/** Field elements are `bigint` or decimal texts, counts also numbers; paths and cells as the circuit's parameters size them. */
export interface ProofInputs {
  readonly entropy: bigint | string
  readonly dataSetRoot: bigint | string
  readonly slotIndex: bigint | number | string
  readonly slotRoot: bigint | string
  readonly nCellsPerSlot: bigint | number | string
  readonly nSlotsPerDataSet: bigint | number | string
  /** Padded with zeros to the circuit's depth, 8 in the full one. */
  readonly slotProof: readonly (bigint | string)[]
  /** By sample; 5 of 67 elements in the full circuit. */
  readonly cellData: readonly (readonly (bigint | string)[])[]
  /** By sample; each padded with zeros to the circuit's depth, 32 in the full one. */
  readonly merklePaths: readonly (readonly (bigint | string)[])[]
}

/** Of a cell of 2048 bytes, so in every circuit but small ones that are made for tests. */
const CELL_ELEMENTS = 67

const DIMENSIONS: Readonly<Record<keyof ProofInputs, 0 | 1 | 2>> = {
  entropy: 0,
  dataSetRoot: 0,
  slotIndex: 0,
  slotRoot: 0,
  nCellsPerSlot: 0,
  nSlotsPerDataSet: 0,
  slotProof: 1,
  cellData: 2,
  merklePaths: 2,
}

/** Of every circuit of this proof, in the order of its public signals. */
export const PUBLIC_INPUTS = ['entropy', 'dataSetRoot', 'slotIndex'] as const

/**
 * Whether `inputs` has exactly the proof's names, each nested as it should be, with as many paths as cells, of 67 elements
 * each where they can be. Sizes and ranges of elements are
 * the witness calculator's to check, because the circuit says them.
 * @throws CodexError `proving/missing-input`, `proving/surplus-input`, `proving/bad-input`, each with the field
 */
export function checkedProofInputs(inputs: unknown): CircuitInputs {
  if (typeof inputs !== 'object' || inputs === null || Array.isArray(inputs))
    throw badInput('inputs', 'an object of named inputs', describeValue(inputs))
  const given = inputs as CircuitInputs
  const surplus = Object.keys(given).find((name) => !Object.hasOwn(DIMENSIONS, name))
  if (surplus !== undefined)
    throw new CodexError('proving/surplus-input', `input ${surplus}: the storage proof has none of that name`, {
      detail: { field: surplus },
    })
  for (const [name, dimensions] of Object.entries(DIMENSIONS)) {
    if (!Object.hasOwn(given, name) || given[name] === undefined)
      throw new CodexError('proving/missing-input', `input ${name}: expected it, found none`, {
        detail: { field: name },
      })
    checkNesting(name, given[name], dimensions)
  }
  const { cellData, merklePaths } = given as unknown as ProofInputs
  if (merklePaths.length !== cellData.length)
    throw badInput('merklePaths', `one for each of the ${cellData.length} cells`, `${merklePaths.length}`)
  const elements = cellData.reduce((sum, cell) => sum + cell.length, 0)
  // The circuit knows how many there are in all. Which of them make a cell only these rows say.
  if (elements % CELL_ELEMENTS === 0 && elements !== CELL_ELEMENTS * cellData.length)
    throw badInput('cellData', `cells of ${CELL_ELEMENTS} elements`, `${elements} elements in ${cellData.length} cells`)
  return given
}

function checkNesting(name: string, value: unknown, dimensions: number): void {
  if (dimensions === 0) {
    // Before it goes to a worker: not every value can.
    if (!['bigint', 'number', 'string'].includes(typeof value))
      throw badInput(name, 'a single element', describeValue(value))
    return
  }
  if (!Array.isArray(value)) throw badInput(name, 'an array', describeValue(value))
  value.forEach((item, i) => checkNesting(`${name}[${i}]`, item, dimensions - 1))
}

function badInput(name: string, expected: string, found: string): CodexError {
  return new CodexError('proving/bad-input', `input ${name}: expected ${expected}, found ${found}`, {
    detail: { field: name, expected, found },
  })
}
