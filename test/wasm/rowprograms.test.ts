// Every way of computing rows, also where the kernel would choose another: all give what the twin gives.

import { beforeAll, describe, expect, it } from 'vitest'
import { decodeProgram } from '../../wasm/leopard/decodeprogram.ts'
import { encodeProgram } from '../../wasm/leopard/encodeprogram.ts'
import { errorLocator } from '../../wasm/leopard/errorlocator.ts'
import type { KernelMemory } from '../../wasm/leopard/kernelmemory.ts'
import { leopardShape, positionOf } from '../../wasm/leopard/leopardshape.ts'
import { leopardTables, type LeopardTables } from '../../wasm/leopard/leopardtables.ts'
import { leopardTwin } from '../../wasm/leopard/leopardtwin.ts'
import { loadKernelMemory } from '../../wasm/leopard/loadkernelmemory.ts'
import { matrixProgram } from '../../wasm/leopard/matrixprogram.ts'
import { pairProgram } from '../../wasm/leopard/pairprogram.ts'
import { RowCoder } from '../../wasm/leopard/rowcoder.ts'
import { dropRows, noise } from './leoparddata.ts'

const BLOCK_BYTES = 128

let memory: KernelMemory
beforeAll(async () => {
  memory = await loadKernelMemory()
})

const SHAPES: readonly (readonly [number, number])[] = [
  ...[2, 3, 4, 5, 6, 7, 8, 9, 12, 17].flatMap((k) =>
    [2, 3, 4, 5, 8, 12].filter((m) => m <= k).map((m) => [k, m] as const),
  ),
  ...([
    [63, 2],
    [254, 2],
    [100, 28],
    [128, 128],
    [192, 64],
  ] as const),
  ...([
    [255, 2],
    [129, 128],
    [193, 64],
    [513, 9],
  ] as const),
]

describe.each(SHAPES)('%i and %i rows', (k, m) => {
  const shape = leopardShape(k, m)
  const tables = leopardTables(shape.method === 8 ? 8 : 16)
  const data = noise(k, BLOCK_BYTES, 100 * k + m)
  const all = [...data, ...leopardTwin.encode(data, m)]
  const parityRows = [...all.keys()].slice(k)

  const expectRows = (coder: RowCoder): void => {
    const outputs = coder.outputs.map(() => new Uint8Array(BLOCK_BYTES))
    coder.run(
      coder.inputs.flatMap((row) => all[row] ?? []),
      outputs,
    )
    expect(outputs).toEqual(coder.outputs.map((row) => all[row]))
  }

  it('encodes by transforms, all parity rows and single ones', () => {
    const dataRows = [...data.keys()]
    for (const rows of [parityRows, parityRows.slice(0, 1), parityRows.slice(-1)]) {
      const wanted = rows.map((row) => positionOf(shape, row))
      expectRows(new RowCoder(dataRows, rows, encodeProgram(memory, shape, tables, wanted)))
    }
    if (m === 2 && shape.method === 8) expectRows(new RowCoder(dataRows, parityRows, pairProgram(memory, k)))
  })

  it('computes missing rows by a matrix and by transforms: parity, data, both', () => {
    const mixed = dropRows(all, m, k + m)
    for (const missing of [
      parityRows,
      [...all.keys()].slice(0, m),
      [...all.keys()].filter((row) => mixed[row] === undefined),
    ]) {
      const inputs = [...all.keys()].filter((row) => !missing.includes(row))
      const places = {
        inputs: inputs.map((r) => positionOf(shape, r)),
        outputs: missing.map((r) => positionOf(shape, r)),
      }
      const present = new Set(places.inputs)
      const absent = Array.from({ length: shape.parityPositions + k }, (_, p) => p).filter((p) => !present.has(p))
      const errors = errorLocator(tables, shape.positions, absent)
      expectRows(new RowCoder(inputs, missing, matrixProgram(memory, tables, errors, places)))
      expectRows(new RowCoder(inputs, missing, decodeProgram(memory, tables, errors, shape.positions, places)))
    }
  })
})

describe('the error locator', () => {
  const slowly = ({ log, modulus }: LeopardTables, positions: number, missing: readonly number[]): number[] =>
    Array.from({ length: positions }, (_, p) =>
      missing.filter((m) => m !== p).reduce((sum, m) => (sum + (log[p ^ m] as number)) % modulus, 0),
    )

  it.each([
    [8, 4, [0, 3]],
    [8, 256, [0, 1, 2, 200, 255]],
    [16, 512, [5, 6, 7, 300, 511]],
    [16, 65_536, [1, 40_000, 65_535]],
  ] as const)('of %i bits over %i positions is the sum of logarithms', (bits, positions, missing) => {
    const tables = leopardTables(bits)
    expect([...errorLocator(tables, positions, missing)]).toEqual(slowly(tables, positions, missing))
  })
})
