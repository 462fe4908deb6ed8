import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'

import { brokenConstraint } from '../../src/proving/brokenconstraint.ts'
import { sourceOfBytes } from '../../src/proving/bytesource.ts'
import type { CircuitInputs } from '../../src/proving/flattenedinputs.ts'
import { type R1cs, readR1cs } from '../../src/proving/r1cs.ts'
import { WitnessCalculator } from '../../src/proving/witnesscalculator.ts'
import { FIELD_ORDER } from '../../wasm/poseidon2/fieldelement.ts'
import { loadPoseidon2 } from '../../wasm/poseidon2/loadposeidon2.ts'
import type { Poseidon2Kernel } from '../../wasm/poseidon2/poseidon2kernel.ts'
import { poseidon2Twin } from '../../wasm/poseidon2/poseidon2twin.ts'
import { templateCircuit } from '../proving/circuits.ts'
import { layersOf, pathOf } from '../proving/storageproof.ts'
import sampler from '../vectors/sampler.json' with { type: 'json' }
import { Constraints, valuesOf, witnessOf } from '../proving/tampering.ts'

const { signal } = new AbortController()
const element = (): fc.Arbitrary<bigint> =>
  fc.oneof(fc.bigInt({ min: 0n, max: FIELD_ORDER - 1n }), fc.constantFrom(0n, 1n, FIELD_ORDER - 1n))
const RUNS = { numRuns: import.meta.env['LONG'] ? 20 : 4 }

let kernel: Poseidon2Kernel
beforeAll(async () => {
  kernel = await loadPoseidon2({ variant: 'scalar' })
})

/** One template, with its outputs read from where circom puts them: first of all. */
class Template {
  readonly r1cs: R1cs
  readonly constraints: Constraints
  readonly #calculator: WitnessCalculator

  private constructor(r1cs: R1cs, calculator: WitnessCalculator) {
    this.r1cs = r1cs
    this.constraints = new Constraints(r1cs)
    this.#calculator = calculator
  }

  static async load(file: string, component: string, publicInputs: readonly string[] = []): Promise<Template> {
    const { r1cs, wasm } = await templateCircuit(file, component, publicInputs)
    return new Template(await readR1cs(sourceOfBytes(r1cs), { signal }), await WitnessCalculator.load(wasm))
  }

  /** Every witness that is computed here also satisfies the constraints. */
  async values(inputs: CircuitInputs): Promise<bigint[]> {
    const witness = await this.#calculator.calculate(inputs)
    expect(brokenConstraint(this.r1cs, witness)).toBe(undefined)
    return valuesOf(witness)
  }

  async outputs(inputs: CircuitInputs): Promise<bigint[]> {
    return (await this.values(inputs)).slice(1, 1 + this.r1cs.publicOutputCount)
  }

  async refuses(inputs: CircuitInputs): Promise<void> {
    await expect(this.outputs(inputs)).rejects.toMatchObject({ code: 'proving/unsatisfied' })
  }
}

it('the permutation is the kernel’s and its twin’s', async () => {
  const template = await Template.load('permutation.circom', 'Permutation()')
  expect(template.r1cs.constraintCount).toBe(240)
  await fc.assert(
    fc.asyncProperty(element(), element(), element(), async (x, y, z) => {
      const after = await template.outputs({ words: [x, y, z] })
      expect(after).toEqual(kernel.permute([x, y, z]))
      expect(after).toEqual(poseidon2Twin.permute([x, y, z]))
    }),
    RUNS,
  )
})

it('no wire of the permutation can be changed alone', async () => {
  const template = await Template.load('permutation.circom', 'Permutation()')
  const values = await template.values({ words: [1n, 2n, 3n] })
  const free = values.flatMap((value, wire) =>
    template.constraints.lets(wire, (value + 1n) % FIELD_ORDER, values) ? [wire] : [],
  )
  expect(free).toEqual([])
})

it('the keyed compression is the kernel’s', async () => {
  const template = await Template.load('hash.circom', 'Compress()')
  await fc.assert(
    fc.asyncProperty(element(), element(), fc.bigInt({ min: 0n, max: 3n }), async (left, right, key) => {
      expect(await template.outputs({ left, right, key })).toEqual([kernel.compress(left, right, key)])
    }),
    RUNS,
  )
})

it.each([1, 2, 3, 4, 67])('the sponge over %i elements is the kernel’s', async (count) => {
  const template = await Template.load('hash.circom', `Sponge(${count})`)
  await fc.assert(
    fc.asyncProperty(fc.array(element(), { minLength: count, maxLength: count }), async (elements) => {
      expect(await template.outputs({ elements })).toEqual([kernel.sponge(elements)])
    }),
    { numRuns: 3 },
  )
})

describe('bits', () => {
  it('are those of every number that has as many', async () => {
    const template = await Template.load('bits.circom', 'Bits(4)', ['number'])
    for (let number = 0; number < 16; number++)
      expect(await template.outputs({ number })).toEqual([0, 1, 2, 3].map((i) => BigInt((number >> i) & 1)))
    for (const number of [16n, 17n, 31n, FIELD_ORDER - 1n]) await template.refuses({ number })
  })

  it('are proven to be bits', async () => {
    const { constraints, values } = await templateValues('bits.circom', 'Bits(4)', { number: 6 })
    // Six is also 4 + 2 * 1, or 0 + 3 * 2, or -2 + 8.
    const others: bigint[][] = [
      [2n, 0n, 1n, 0n],
      [0n, 3n, 0n, 0n],
      [FIELD_ORDER - 2n, 0n, 0n, 1n],
    ]
    for (const bits of others) expect(constraints.broken([1n, ...bits, ...values.slice(5)])).toBeDefined()
    expect(constraints.broken([1n, 0n, 1n, 1n, 0n, ...values.slice(5)])).toBe(undefined)
  })
})

describe('canonical bits', () => {
  const bitsOf = (number: bigint): bigint[] => Array.from({ length: 254 }, (_, i) => (number >> BigInt(i)) & 1n)
  const ENDS = [
    0n,
    1n,
    2n,
    FIELD_ORDER - 1n,
    FIELD_ORDER - 2n,
    2n ** 253n,
    2n ** 253n - 1n,
    2n ** 254n - 1n - FIELD_ORDER,
  ]

  it('are those of the element’s own integer', async () => {
    const template = await Template.load('bits.circom', 'CanonicalBits()', ['element'])
    await fc.assert(
      fc.asyncProperty(fc.oneof(element(), fc.constantFrom(...ENDS)), async (number) => {
        expect(await template.outputs({ element: number })).toEqual(bitsOf(number))
      }),
      { numRuns: import.meta.env['LONG'] ? 50 : 15 },
    )
  })

  it('cannot be those of the integer plus the field’s order, though they sum up to the same element', async () => {
    const template = await Template.load('bits.circom', 'CanonicalBits()', ['element'])
    const { constraints } = template
    const inputWire = 255
    const given = (number: bigint, bits: readonly bigint[]): Map<number, bigint> =>
      new Map([[0, 1n], ...bits.map((bit, i): [number, bigint] => [1 + i, bit]), [inputWire, number]])
    for (const number of [0n, 1n, 12345n, 2n ** 250n, 2n ** 254n - 1n - FIELD_ORDER]) {
      // The solver finds what the module computed, so what it finds for other bits is what a cheat would have to use.
      const honest = constraints.solve(given(number, bitsOf(number)))
      expect(honest).toEqual(await template.values({ element: number }))
      const forged = constraints.solve(given(number, bitsOf(number + FIELD_ORDER)))
      expect(forged).toBeDefined()
      expect(constraints.broken(forged ?? [])).toBeDefined()
      expect(brokenConstraint(template.r1cs, witnessOf(forged ?? []))).toBeDefined()
    }
  })
})

it('the index of a sample is the published one', async () => {
  const template = await Template.load('sampleandprove.circom', 'CellIndex(32)')
  const { entropy, slotRoot, nCellsPerSlot, samples } = sampler.fixture
  for (const { counter, cellIndex } of samples) {
    const bits = await template.outputs({ entropy, slotRoot, counter })
    const index = bits.reduce((sum, bit, i) => sum + Number(bit) * 2 ** i, 0)
    expect(index % nCellsPerSlot).toBe(cellIndex)
    const digest = kernel.sponge([BigInt(entropy), BigInt(slotRoot), BigInt(counter)])
    expect(BigInt(index)).toBe(digest & 0xffff_ffffn)
  }
})

describe('levels of a power of two', () => {
  it('are as many ones as the logarithm, and no other count has any', async () => {
    const template = await Template.load('tree.circom', 'LevelsOfPowerOfTwo(5)', ['leafCount'])
    for (let log = 1; log <= 5; log++)
      expect(await template.outputs({ leafCount: 2 ** log })).toEqual([0, 1, 2, 3, 4].map((i) => (i < log ? 1n : 0n)))
    for (const leafCount of [0, 1, 3, 5, 6, 7, 12, 31, 33, 48, 64, FIELD_ORDER - 1n, FIELD_ORDER - 2n])
      await template.refuses({ leafCount })
  })

  it('no other values satisfy the constraints, whatever leaf count they sum up to', async () => {
    const { constraints, values } = await templateValues('tree.circom', 'LevelsOfPowerOfTwo(5)', { leafCount: 8 })
    expect(values).toEqual([1n, 1n, 1n, 1n, 0n, 0n, 8n])
    const digits = [0n, 1n, 2n, FIELD_ORDER - 1n]
    const accepted: bigint[] = []
    for (let pattern = 0; pattern < 4 ** 5; pattern++) {
      const levels = Array.from({ length: 5 }, (_, i) => digits[(pattern >> (2 * i)) & 3] ?? 0n)
      const count = levels.reduce((sum, level, i) => (sum + level * 2n ** BigInt(i)) % FIELD_ORDER, 1n)
      if (constraints.broken([1n, ...levels, count % FIELD_ORDER]) === undefined) accepted.push(count)
    }
    expect(accepted.sort()).toEqual([16n, 2n, 32n, 4n, 8n])
  })
})

it('the way up any tree is settled by index and count: there is no second witness', async () => {
  const template = await Template.load('tree.circom', 'WayUpAnyTree(3)', ['index', 'leafCount'])
  for (let leafCount = 1; leafCount <= 8; leafCount++)
    for (let index = 0; index < 8; index++) {
      const honest = await template.values({ index, leafCount })
      const [isRight, isOdd, isReal] = [1, 4, 7].map((at) => honest.slice(at, at + 3).map(Number)) as [
        number[],
        number[],
        number[],
      ]
      let [at, count] = [index, leafCount]
      for (let level = 0; level < 3; level++, at >>= 1, count = (count + 1) >> 1) {
        expect(isRight[level]).toBe(at & 1)
        expect(isReal[level]).toBe(level === 0 || count > 1 ? 1 : 0)
        expect(isOdd[level]).toBe(at % 2 === 0 && at === count - 1 ? 1 : 0)
      }
      // The one and both inputs, which circom puts behind the nine outputs.
      const known = new Map([0, 10, 11].map((wire) => [wire, honest[wire] ?? 0n]))
      expect(template.constraints.solutions(known)).toEqual([honest])
    }
})

describe('the root of any tree', () => {
  it('is the kernel’s for every leaf of up to eight', async () => {
    const template = await Template.load('tree.circom', 'RootOfAnyTree(3)')
    for (let leafCount = 1; leafCount <= 8; leafCount++) {
      const layers = layersOf(
        kernel,
        Array.from({ length: leafCount }, (_, i) => BigInt(100 + i)),
      )
      const root = layers.at(-1)?.[0] ?? 0n
      for (let index = 0; index < leafCount; index++) {
        const path = pathOf(layers, index)
        const inputs = { leaf: 100 + index, index, leafCount, path: [...path, 5n, 6n, 7n].slice(0, 3) }
        expect(await template.outputs(inputs)).toEqual([root])
        for (const level of path.keys()) {
          const others = inputs.path.map((node, i) => (i === level ? node + 1n : node))
          expect(await template.outputs({ ...inputs, path: others })).not.toEqual([root])
        }
      }
    }
  })

  it('exists for no leaf and no count beyond the depth', async () => {
    const template = await Template.load('tree.circom', 'RootOfAnyTree(3)')
    const inputs = { leaf: 1, index: 0, leafCount: 1, path: [0, 0, 0] }
    await template.refuses({ ...inputs, leafCount: 0 })
    await template.refuses({ ...inputs, leafCount: 9 })
    await template.refuses({ ...inputs, index: 8 })
    await template.refuses({ ...inputs, index: FIELD_ORDER - 1n })
  })

  it('no wire of it can be changed alone', async () => {
    const inputs = { leaf: 1, index: 2, leafCount: 3, path: [0, 9, 8] }
    const { constraints, values } = await templateValues('tree.circom', 'RootOfAnyTree(3)', inputs)
    const free = values.flatMap((value, wire) =>
      [value + 1n, 1n - value + FIELD_ORDER].some((other) => {
        const changed = other % FIELD_ORDER
        return changed !== value && constraints.lets(wire, changed, values)
      })
        ? [wire]
        : [],
    )
    expect(free).toEqual([])
  })
})

async function templateValues(file: string, component: string, inputs: CircuitInputs) {
  const template = await Template.load(file, component, Object.keys(inputs))
  return { constraints: template.constraints, values: await template.values(inputs) }
}
