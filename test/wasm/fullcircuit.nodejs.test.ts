import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'

import { brokenConstraint } from '../../src/proving/brokenconstraint.ts'
import { sourceOfBytes } from '../../src/proving/bytesource.ts'
import { type R1cs, readR1cs } from '../../src/proving/r1cs.ts'
import { WitnessCalculator } from '../../src/proving/witnesscalculator.ts'
import { FIELD_ORDER } from '../../wasm/poseidon2/fieldelement.ts'
import { loadPoseidon2 } from '../../wasm/poseidon2/loadposeidon2.ts'
import { fullCircuit } from '../proving/circuits.ts'
import type { Inputs } from '../proving/storageproof.ts'
import { Constraints, valuesOf } from '../proving/tampering.ts'
import { inputsOfCase, SLOT_CASES } from './slotcases.ts'

const { signal } = new AbortController()
const COMPILES_MS = 180_000

let circuit: R1cs
let calculator: WitnessCalculator
let inputs: readonly Inputs[]
beforeAll(async () => {
  const { r1cs, wasm } = await fullCircuit()
  circuit = await readR1cs(sourceOfBytes(r1cs), { signal })
  calculator = await WitnessCalculator.load(wasm)
  const hashes = await loadPoseidon2({ variant: 'scalar' })
  inputs = SLOT_CASES.map((data) => inputsOfCase(hashes, data))
}, COMPILES_MS)

async function accepted(given: Inputs): Promise<Uint8Array> {
  const witness = await calculator.calculate({ ...given })
  expect(brokenConstraint(circuit, witness)).toBe(undefined)
  return witness
}

async function refused(given: Inputs): Promise<void> {
  await expect(calculator.calculate({ ...given })).rejects.toMatchObject({ code: 'proving/unsatisfied' })
}

it('is no larger than agreed', () => {
  expect(circuit.wireCount).toBeLessThanOrEqual(90_500)
  const rows = circuit.constraintCount + circuit.publicInputCount + 1
  expect(rows).toBeLessThanOrEqual(2 ** 17)
  expect(circuit).toMatchObject({ publicInputCount: 3, publicOutputCount: 0, privateInputCount: 506 })
})

describe.each(SLOT_CASES.map((data, at) => ({ ...data, at })))('case $name', ({ at, proof, slots, verifyRoot }) => {
  it('has the published inputs', () => {
    const given = inputs[at] as Inputs
    expect(given.slotRoot).toBe(BigInt(slots[proof.slotIndex]?.slotRoot ?? 0))
    expect(given.dataSetRoot).toBe(BigInt(verifyRoot))
    const text = JSON.stringify(given, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
    expect(createHash('sha256').update(text).digest('hex')).toBe(proof.circuitInputSha256)
  })

  it('is accepted, with its public inputs in front', async () => {
    const values = valuesOf((await accepted(inputs[at] as Inputs)).slice(0, 32 * 4))
    expect(values).toEqual([1n, ...proof.publicInputs.map(BigInt)])
  })

  it('is accepted whatever stands in unused path entries', async () => {
    const given = inputs[at] as Inputs
    const depth = proof.samples[0]?.path.length ?? 0
    const fill = <T>(path: readonly T[], used: number, other: T): T[] =>
      path.map((node, i) => (i < used ? node : other))
    await accepted({
      ...given,
      slotProof: fill(given.slotProof, proof.slotProof.length, 5n),
      merklePaths: given.merklePaths.map((path) => fill(path, depth, FIELD_ORDER - 1n)),
    })
  })

  it('is refused after any single change', async () => {
    const given = inputs[at] as Inputs
    const depth = proof.samples[0]?.path.length ?? 0
    const sample = at % given.cellData.length
    const changed = (rows: readonly bigint[][], column: number): bigint[][] =>
      rows.map((row, i) => (i === sample ? row.with(column, (row[column] ?? 0n) + 1n) : row))
    await refused({ ...given, entropy: given.entropy + 1n })
    await refused({ ...given, dataSetRoot: given.dataSetRoot + 1n })
    await refused({ ...given, slotRoot: given.slotRoot + 1n })
    await refused({ ...given, slotIndex: given.slotIndex ^ 1 })
    await refused({ ...given, slotIndex: 256 })
    await refused({ ...given, nSlotsPerDataSet: given.nSlotsPerDataSet * 2 })
    await refused({ ...given, nSlotsPerDataSet: 257 })
    await refused({ ...given, nCellsPerSlot: given.nCellsPerSlot * 2 })
    await refused({ ...given, nCellsPerSlot: given.nCellsPerSlot - 1 })
    await refused({ ...given, nCellsPerSlot: 2 ** 33 })
    for (const column of [0, 66]) await refused({ ...given, cellData: changed(given.cellData, column) })
    for (const column of [0, 4, 5, depth - 1])
      await refused({ ...given, merklePaths: changed(given.merklePaths, column) })
    for (const level of proof.slotProof.keys())
      await refused({ ...given, slotProof: given.slotProof.with(level, (given.slotProof[level] ?? 0n) + 1n) })
  })
})

it('has no wire that a cheat could change alone, bits and selectors included', async () => {
  const values = valuesOf(await accepted(inputs[2] as Inputs))
  const constraints = new Constraints(circuit)
  const free = values.flatMap((value, wire) => {
    // All bits and selectors, and every fiftieth of the others.
    if (value > 1n && wire % 50 !== 0) return []
    const other = value <= 1n ? 1n - value : (value + 1n) % FIELD_ORDER
    return constraints.lets(wire, other, values) ? [wire] : []
  })
  expect(free).toEqual([])
})
