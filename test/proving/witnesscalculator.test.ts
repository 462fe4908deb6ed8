import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'

import { SCALAR_ORDER } from '../../src/proving/bn254.ts'
import type { CircuitInputs } from '../../src/proving/flattenedinputs.ts'
import { packScalars } from '../../src/proving/packscalars.ts'
import { checkedProofInputs } from '../../src/proving/proofinputs.ts'
import { WitnessCalculator } from '../../src/proving/witnesscalculator.ts'
import { SMALL_CIRCUIT } from '../../wasm/circuit/templates.ts'
import { loadPoseidon2 } from '../../wasm/poseidon2/loadposeidon2.ts'
import { smallCircuit } from './circuits.ts'
import { type Inputs, madeUpDataset, storageProofInputs } from './storageproof.ts'

let wasm: Uint8Array
let calculator: WitnessCalculator
let inputs: Inputs
beforeAll(async () => {
  wasm = (await smallCircuit()).wasm
  calculator = await WitnessCalculator.load(wasm)
  const hashes = await loadPoseidon2({ variant: 'scalar' })
  const dataset = madeUpDataset(hashes, SMALL_CIRCUIT, { slots: 3, blocks: 2, slotIndex: 1 })
  inputs = storageProofInputs(hashes, SMALL_CIRCUIT, dataset, 99n)
})

/** What the prover does: names and nesting first, then the circuit's own sizes. */
async function calculate(given: unknown): Promise<Uint8Array> {
  return calculator.calculate(checkedProofInputs(given))
}

describe('inputs', () => {
  it('may be bigints, numbers or decimal texts, in any order of names', async () => {
    const witness = await calculate(inputs)
    expect(witness).toHaveLength(32 * calculator.wireCount)
    const texts: unknown = JSON.parse(
      JSON.stringify(inputs, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
    )
    expect(await calculate(texts)).toEqual(witness)
    expect(await calculate(Object.fromEntries(Object.entries(inputs).toReversed()))).toEqual(witness)
    expect(await calculate({ ...inputs, slotIndex: 1n, nCellsPerSlot: String(inputs.nCellsPerSlot) })).toEqual(witness)
  })

  it.each([
    'entropy',
    'dataSetRoot',
    'slotIndex',
    'slotRoot',
    'nCellsPerSlot',
    'nSlotsPerDataSet',
    'slotProof',
    'cellData',
    'merklePaths',
  ] as const)('are refused without %s', async (name) => {
    const { [name]: _, ...rest } = inputs
    const error = { code: 'proving/missing-input', detail: { field: name } }
    await expect(calculate(rest)).rejects.toMatchObject(error)
    await expect(calculate({ ...rest, [name]: undefined })).rejects.toMatchObject(error)
    await expect(calculator.calculate(rest as unknown as CircuitInputs)).rejects.toMatchObject({ code: error.code })
  })

  it.each(['surplus', 'datasetRoot', '__proto__', 'toString'])('are refused with %s beside them', async (name) => {
    const given = { ...inputs }
    Object.defineProperty(given, name, { value: 1, enumerable: true })
    const error = { code: 'proving/surplus-input', detail: { field: name } }
    await expect(calculate(given)).rejects.toMatchObject(error)
    await expect(calculator.calculate(given as unknown as CircuitInputs)).rejects.toMatchObject(error)
  })

  it.each([
    ['negative', -1n],
    ['a negative number', -1],
    ['the field’s order', SCALAR_ORDER],
    ['twice that', 2n * SCALAR_ORDER],
    ['a fraction', 1.5],
    ['beyond what a number can hold', 2 ** 53],
    ['not a number', Number.NaN],
    ['a text that is none', '0x10'],
    ['an empty text', ''],
    ['a text with a sign', '-1'],
    ['a very long text', '1'.repeat(1000)],
    ['null', null],
    ['a boolean', true],
    ['an object', {}],
    ['a function', () => 1n],
    ['a symbol', Symbol('1')],
  ])('are refused when one is %s', async (_, value) => {
    const error = (field: string): object => ({ code: 'proving/bad-input', detail: { field } })
    await expect(calculate({ ...inputs, entropy: value })).rejects.toMatchObject(error('entropy'))
    const [first = [], second = []] = inputs.cellData
    await expect(calculate({ ...inputs, cellData: [first, [...second.slice(0, 2), value]] })).rejects.toMatchObject(
      error('cellData[1][2]'),
    )
  })

  it.each([
    ['a scalar as an array', { entropy: [1n] }, 'entropy'],
    ['an array as a scalar', { slotProof: 1n }, 'slotProof'],
    ['too short a path', { slotProof: [1n, 2n] }, 'slotProof'],
    ['too long a path', { slotProof: [1n, 2n, 3n, 4n] }, 'slotProof'],
    ['no path', { slotProof: [] }, 'slotProof'],
    ['flat cells', { cellData: [1n, 2n, 3n, 4n, 5n, 6n] }, 'cellData[0]'],
    [
      'transposed cells',
      {
        cellData: [
          [1n, 2n],
          [3n, 4n],
          [5n, 6n],
        ],
      },
      'merklePaths',
    ],
    [
      'ragged cells',
      {
        cellData: [
          [1n, 2n, 3n, 4n],
          [5n, 6n],
        ],
      },
      'cellData',
    ],
    [
      'deeper cells',
      {
        cellData: [
          [[1n], [2n], [3n]],
          [[4n], [5n], [6n]],
        ],
      },
      'cellData[0][0]',
    ],
    [
      'a sample too many',
      {
        cellData: [
          [1n, 2n, 3n],
          [1n, 2n, 3n],
          [1n, 2n, 3n],
        ],
      },
      'merklePaths',
    ],
    [
      'all cells in one row',
      { cellData: [Array.from({ length: 335 }, () => 1n)], merklePaths: [Array.from({ length: 160 }, () => 1n)] },
      'cellData',
    ],
    ['no samples', { cellData: [], merklePaths: [] }, 'cellData'],
    ['endless nesting', { slotProof: endless() }, 'slotProof[0]'],
  ])('are refused with %s', async (_, change, field) => {
    await expect(calculate({ ...inputs, ...change })).rejects.toMatchObject({
      code: 'proving/bad-input',
      detail: { field },
    })
  })

  it.each([null, undefined, 1, 'inputs', []])('are refused when they are %s', async (value) => {
    await expect(calculate(value)).rejects.toMatchObject({ code: 'proving/bad-input', detail: { field: 'inputs' } })
  })
})

function endless(): unknown[] {
  const list: unknown[] = []
  list.push(list)
  return list
}

describe('a calculator', () => {
  it('works on after every kind of refusal, and gives the same witness again', async () => {
    const witness = await calculate(inputs)
    await expect(calculate({ ...inputs, entropy: 100n })).rejects.toMatchObject({ code: 'proving/unsatisfied' })
    await expect(calculate({ ...inputs, slotIndex: -1 })).rejects.toMatchObject({ code: 'proving/bad-input' })
    await expect(calculate({})).rejects.toMatchObject({ code: 'proving/missing-input' })
    expect(await calculate(inputs)).toEqual(witness)
  })

  it('gives witnesses that are the caller’s own', async () => {
    const witness = await calculate(inputs)
    const copy = witness.slice()
    await calculate({ ...inputs, slotProof: inputs.slotProof.with(2, 77n) })
    expect(witness).toEqual(copy)
  })

  it('says where the circuit refused', async () => {
    await expect(calculate({ ...inputs, nSlotsPerDataSet: 9 })).rejects.toThrow(/does not accept.*Bits/)
  })

  it('computes for two callers at once', async () => {
    const others = { ...inputs, slotProof: inputs.slotProof.with(2, 77n) }
    const [first, second] = await Promise.all([calculate(inputs), calculate(others)])
    expect(first).toEqual(await calculate(inputs))
    expect(second).toEqual(await calculate(others))
  })

  it('looks up before and after the one call that computes, and between pieces of what it reads', async () => {
    const module = await WebAssembly.compile(wasm as Uint8Array<ArrayBuffer>)
    const stretches: Record<string, number>[] = [{}]
    const instantiate = WebAssembly.instantiate as unknown as (
      ...args: readonly unknown[]
    ) => Promise<WebAssembly.Instance>
    vi.spyOn(WebAssembly, 'instantiate').mockImplementation((async (...args: unknown[]) => {
      const { exports } = await instantiate.apply(WebAssembly, args)
      const counted = Object.entries(exports).map(([name, each]) => [
        name,
        typeof each !== 'function'
          ? each
          : (...given: unknown[]) => {
              const stretch = stretches.at(-1) ?? {}
              stretch[name] = (stretch[name] ?? 0) + 1
              return (each as (...all: unknown[]) => unknown)(...given)
            },
      ])
      return { exports: Object.fromEntries(counted) as WebAssembly.Exports }
    }) as never)
    onTestFinished(() => void vi.restoreAllMocks())
    const watched = await WitnessCalculator.of(module)
    await watched.calculate(checkedProofInputs(inputs), { checkpoint: async () => void stretches.push({}) })
    const computing = stretches.filter(({ setInputSignal }) => setInputSignal !== undefined)
    // All inputs in one: the module computes at the last of them, without a way to be heard in between.
    expect(computing.map(({ setInputSignal }) => setInputSignal)).toEqual([watched.inputCount])
    expect(computing[0]?.['getWitness']).toBe(undefined)
    const reads = stretches.map(({ getWitness = 0 }) => getWitness).filter((count) => count > 0)
    expect(reads.reduce((sum, count) => sum + count, 0)).toBe(watched.wireCount)
    expect(Math.max(...reads)).toBeLessThanOrEqual(16_384)
  })

  it('stops at each of its checkpoints, and works on', async () => {
    const witness = await calculate(inputs)
    const checked = checkedProofInputs(inputs)
    let last = 0
    await calculator.calculate(checked, { checkpoint: async () => void last++ })
    expect(last).toBeGreaterThanOrEqual(2)
    for (let stop = 1; stop <= last; stop++) {
      let seen = 0
      const checkpoint = async (): Promise<void> => {
        if (++seen === stop) throw new Error('enough')
      }
      await expect(calculator.calculate(checked, { checkpoint })).rejects.toThrow('enough')
      expect(seen).toBe(stop)
      expect(await calculate(inputs)).toEqual(witness)
    }
  })
})

describe('a module of another compiler', () => {
  /** Another name of the same length. */
  const renamed = (bytes: Uint8Array, name: string): Uint8Array => {
    const [from, to] = [name, name.slice(0, -1) + 'X'].map((text) => new TextEncoder().encode(text))
    const copy = bytes.slice()
    for (let at = 0; from !== undefined && to !== undefined && at < copy.length; at++)
      if (from.every((byte, i) => copy[at + i] === byte)) copy.set(to, at)
    expect(copy).not.toEqual(bytes)
    return copy
  }

  it('may lack messages, and may import what ours does not', async () => {
    const witness = await calculate(inputs)
    const others = ['getMessageChar', 'printErrorMessage', 'writeBufferMessage', 'getMinorVersion', 'getPatchVersion']
    const older = await WitnessCalculator.load(others.reduce(renamed, wasm))
    expect(await older.calculate(checkedProofInputs(inputs))).toEqual(witness)
    await expect(older.calculate(checkedProofInputs({ ...inputs, entropy: 100n }))).rejects.toMatchObject({
      code: 'proving/unsatisfied',
    })
  })

  it.each(['getWitnessSize', 'setInputSignal', 'getInputSize'])('is refused without %s', async (name) => {
    await expect(WitnessCalculator.load(renamed(wasm, name))).rejects.toMatchObject({
      code: 'proving/bad-circuit-module',
      detail: { field: 'wasm', expected: `an export ${name}` },
    })
  })
})

describe('a module that is none', () => {
  /** The smallest WebAssembly there is, and some more of it. */
  const EMPTY = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
  it.each([
    ['nothing', []],
    ['text', [...new TextEncoder().encode('not found')]],
    ['WebAssembly without exports', EMPTY],
    ['WebAssembly that imports from elsewhere', [...EMPTY, 1, 4, 1, 0x60, 0, 0, 2, 7, 1, 1, 0x61, 1, 0x62, 0, 0]],
  ])('is refused: %s', async (_, bytes) => {
    await expect(WitnessCalculator.load(new Uint8Array(bytes))).rejects.toMatchObject({
      code: 'proving/bad-circuit-module',
      detail: { field: 'wasm' },
    })
  })

  it('is refused when it computes in another field', async () => {
    const prime = packScalars([SCALAR_ORDER])
    const other = wasm.slice()
    for (let at = 0; at < wasm.length; at++)
      if (wasm[at] === prime[0] && prime.every((byte, i) => wasm[at + i] === byte)) other[at] = 3
    expect(other).not.toEqual(wasm)
    await expect(WitnessCalculator.load(other)).rejects.toMatchObject({
      code: 'proving/bad-circuit-module',
      detail: { expected: 'the scalar field of BN254' },
    })
  })

  it('is refused when cut short', async () => {
    await expect(WitnessCalculator.load(wasm.subarray(0, -1))).rejects.toMatchObject({
      code: 'proving/bad-circuit-module',
    })
  })
})
