import { beforeAll, describe, expect, it } from 'vitest'

import { brokenConstraint } from '../../src/proving/brokenconstraint.ts'
import { sourceOfBytes } from '../../src/proving/bytesource.ts'
import type { CircuitInputs } from '../../src/proving/flattenedinputs.ts'
import { type R1cs, readR1cs } from '../../src/proving/r1cs.ts'
import { WitnessCalculator } from '../../src/proving/witnesscalculator.ts'
import { SMALL_CIRCUIT } from '../../wasm/circuit/templates.ts'
import { FIELD_ORDER } from '../../wasm/poseidon2/fieldelement.ts'
import { loadPoseidon2 } from '../../wasm/poseidon2/loadposeidon2.ts'
import type { Poseidon2Kernel } from '../../wasm/poseidon2/poseidon2kernel.ts'
import { smallCircuit } from '../proving/circuits.ts'
import { type Inputs, layersOf, madeUpDataset, pathOf, storageProofInputs } from '../proving/storageproof.ts'
import { Constraints, valuesOf } from '../proving/tampering.ts'

const { signal } = new AbortController()
const ENTROPY = 2n ** 247n + 12345n

let hashes: Poseidon2Kernel
let circuit: R1cs
let calculator: WitnessCalculator
beforeAll(async () => {
  hashes = await loadPoseidon2({ variant: 'scalar' })
  const bytes = await smallCircuit()
  circuit = await readR1cs(sourceOfBytes(bytes.r1cs), { signal })
  calculator = await WitnessCalculator.load(bytes.wasm)
})

function inputsFor(shape: { readonly slots: number; readonly blocks: number; readonly slotIndex: number }): Inputs {
  return storageProofInputs(hashes, SMALL_CIRCUIT, madeUpDataset(hashes, SMALL_CIRCUIT, shape), ENTROPY)
}

async function accepts(inputs: Inputs | CircuitInputs): Promise<bigint[]> {
  const witness = await calculator.calculate({ ...inputs })
  expect(brokenConstraint(circuit, witness)).toBe(undefined)
  return valuesOf(witness)
}

/** The module checks each constraint that is written `===` or `<==`; what is not, other tests tamper with. */
async function refuses(inputs: Inputs | CircuitInputs): Promise<void> {
  await expect(calculator.calculate({ ...inputs })).rejects.toMatchObject({ code: 'proving/unsatisfied' })
}

it('has at most the wires of its domain', () => {
  expect(circuit).toMatchObject({ publicInputCount: 3, publicOutputCount: 0, privateInputCount: 28 })
  expect(circuit.constraintCount + 4).toBeLessThanOrEqual(2 ** 13)
})

describe('accepts', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('every slot of %i', async (slots) => {
    for (let slotIndex = 0; slotIndex < slots; slotIndex++) {
      const inputs = inputsFor({ slots, blocks: 1, slotIndex })
      const values = await accepts(inputs)
      expect(values.slice(0, 4)).toEqual([1n, inputs.entropy, inputs.dataSetRoot, BigInt(slotIndex)])
    }
  })

  it.each([1, 2, 4, 8, 16, 32, 64])('slots of %i blocks', async (blocks) => {
    await accepts(inputsFor({ slots: 3, blocks, slotIndex: 2 }))
  })

  it('anything in path entries above the real depth', async () => {
    const inputs = inputsFor({ slots: 3, blocks: 4, slotIndex: 1 })
    const used = { path: 4, slotProof: 2 }
    await accepts({
      ...inputs,
      slotProof: inputs.slotProof.map((node, i) => (i < used.slotProof ? node : FIELD_ORDER - 1n)),
      merklePaths: inputs.merklePaths.map((path) => path.map((node, i) => (i < used.path ? node : 12345n))),
    })
  })

  // The deployed circuit takes such slots, as a block of fewer cells; nobody can sell one, since blocks are of one size.
  it('a slot of fewer cells than a block', async () => {
    const cells = [
      [1n, 2n, 3n],
      [4n, 5n, 6n],
    ]
    const block = layersOf(
      hashes,
      cells.map((cell) => hashes.sponge(cell)),
    )
    const [slotRoot = 0n] = layersOf(hashes, block.at(-1) ?? []).at(-1) ?? []
    const [dataSetRoot = 0n] = layersOf(hashes, [slotRoot]).at(-1) ?? []
    const sampled = [1n, 2n].map((counter) => Number(hashes.sponge([ENTROPY, slotRoot, counter]) & 1n))
    await accepts({
      ...{ entropy: ENTROPY, dataSetRoot, slotIndex: 0, slotRoot, nCellsPerSlot: 2, nSlotsPerDataSet: 1 },
      slotProof: [0, 0, 0],
      cellData: sampled.map((cell) => cells[cell] ?? []),
      merklePaths: sampled.map((cell) => [...pathOf(block, cell), 99, 0, 0, 0, 0, 0, 0]),
    })
  })
})

describe('refuses each single change', () => {
  let inputs: Inputs
  beforeAll(() => {
    inputs = inputsFor({ slots: 5, blocks: 4, slotIndex: 4 })
  })

  it.each(['entropy', 'dataSetRoot', 'slotRoot'] as const)('of %s', async (name) => {
    await refuses({ ...inputs, [name]: inputs[name] + 1n })
  })

  it('of the slot’s index', async () => {
    for (const slotIndex of [0, 1, 2, 3, 5, 6, 7, 8, 12]) await refuses({ ...inputs, slotIndex })
  })

  it('of the number of slots', async () => {
    for (const nSlotsPerDataSet of [0, 1, 2, 3, 4, 6, 7, 8, 9, 13]) await refuses({ ...inputs, nSlotsPerDataSet })
  })

  it('of the number of cells', async () => {
    for (const nCellsPerSlot of [0, 1, 2, 4, 8, 15, 17, 32, 64, 256, 512]) await refuses({ ...inputs, nCellsPerSlot })
  })

  it('of a cell’s element', async () => {
    for (const sample of [0, 1])
      for (const at of [0, 1, 2]) {
        const cellData = structuredClone(inputs.cellData)
        cellData[sample] = (cellData[sample] ?? []).with(at, 1n)
        await refuses({ ...inputs, cellData })
      }
  })

  it('of a path’s entry that is used', async () => {
    for (const sample of [0, 1])
      for (const level of [0, 1, 2, 3]) {
        const merklePaths = structuredClone(inputs.merklePaths)
        merklePaths[sample] = (merklePaths[sample] ?? []).with(level, 1n)
        await refuses({ ...inputs, merklePaths })
      }
    for (const level of [0, 1, 2]) await refuses({ ...inputs, slotProof: inputs.slotProof.with(level, 1n) })
  })

  it('of the order of samples', async () => {
    const [cellData, merklePaths] = [inputs.cellData.toReversed(), inputs.merklePaths.toReversed()]
    expect(cellData).not.toEqual(inputs.cellData)
    await refuses({ ...inputs, cellData, merklePaths })
  })
})

it('does not let any one wire be changed, bits and selectors included', async () => {
  const values = await accepts(inputsFor({ slots: 3, blocks: 2, slotIndex: 1 }))
  const constraints = new Constraints(circuit)
  const bits = values.filter((value) => value <= 1n).length
  expect(bits).toBeGreaterThan(400)
  const free = values.flatMap((value, wire) => {
    const others = value <= 1n ? [1n - value, value + 1n] : [value + 1n, 0n]
    return others.some((other) => constraints.lets(wire, other % FIELD_ORDER, values)) ? [wire] : []
  })
  expect(free).toEqual([])
})
