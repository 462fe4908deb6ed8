import { sha256 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { concatBytes, equalBytes, toHex } from '../../src/lib/bytes.ts'
import { CodexError } from '../../src/lib/errors.ts'
import { LeopardKernel } from '../../wasm/leopard/leopardkernel.ts'
import { leopardTables } from '../../wasm/leopard/leopardtables.ts'
import { leopardTwin } from '../../wasm/leopard/leopardtwin.ts'
import { loadKernelMemory } from '../../wasm/leopard/loadkernelmemory.ts'
import { loadLeopard } from '../../wasm/leopard/loadleopard.ts'
import vectors from '../vectors/leopard.json' with { type: 'json' }
import { dropRows, noise, pick, subsets } from './leoparddata.ts'

let kernel: LeopardKernel
beforeAll(async () => {
  kernel = await loadLeopard()
})

const ruled = (k: number, bytes: number): Uint8Array[] =>
  Array.from({ length: k }, (_, i) => Uint8Array.from({ length: bytes }, (_, j) => i * 31 + j * 7 + 3))

const gone = (count: number): undefined[] => Array.from({ length: count }, () => undefined)

describe.each(['kernel', 'twin'])('the vectors, by the %s', (which) => {
  const coder = (): Pick<LeopardKernel, 'encode' | 'decode'> => (which === 'kernel' ? kernel : leopardTwin)

  it.each(vectors.cases)('$k of $k+$m, $blockBytes bytes, $codePath', ({ k, m, blockBytes, parity, ...expected }) => {
    const data = ruled(k, blockBytes)
    expect(toHex(sha256(concatBytes(...data)))).toBe(expected.dataSha256)
    const found = coder().encode(data, m)
    expect(found).toHaveLength(m)
    expect(toHex(sha256(concatBytes(...found)))).toBe(expected.allParitySha256)
    for (const { index, sha256: hash, first64 } of parity) {
      const block = found[index] ?? new Uint8Array()
      expect(toHex(block.subarray(0, 64))).toBe(first64)
      expect(toHex(sha256(block))).toBe(hash)
    }
    const withoutFirst = data.map((block, i) => (i < Math.min(k, m) ? undefined : block))
    expect(coder().decode(withoutFirst, found)).toEqual(data)
  })
})

describe('the tables', () => {
  const little = (values: Uint16Array): Uint8Array => {
    const bytes = new Uint8Array(2 * values.length)
    values.forEach((value, i) => new DataView(bytes.buffer).setUint16(2 * i, value, true))
    return bytes
  }

  it('of 8 bits are those of the vectors', () => {
    const { log, exp, skew } = leopardTables(8)
    const expected = vectors.tables.gf8
    expect([...log.subarray(0, 16)]).toEqual(expected.log_first16)
    expect([...exp.subarray(0, 8)]).toEqual(expected.exp_first8)
    expect([...skew.subarray(0, 16)]).toEqual(expected.skewLog_first16)
    expect(toHex(sha256(Uint8Array.from(log)))).toBe(expected.log_sha256_256bytes)
    expect(toHex(sha256(Uint8Array.from(skew)))).toBe(expected.skewLog_sha256_255bytes)
  })

  it('of 16 bits are those of the vectors', () => {
    const { log, exp, skew } = leopardTables(16)
    const expected = vectors.tables.gf16
    expect([...log.subarray(0, 8)]).toEqual(expected.log_first8)
    expect([...exp.subarray(0, 8)]).toEqual(expected.exp_first8)
    expect([...skew.subarray(0, 8)]).toEqual(expected.skewLog_first8)
    expect(toHex(sha256(little(log)))).toBe(expected.log_sha256_u16le_65536entries)
    expect(toHex(sha256(little(skew)))).toBe(expected.skewLog_sha256_u16le_65535entries)
  })
})

describe('the kernel, beside its twin', () => {
  const shapes = [
    ...[1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33].flatMap((k) =>
      [1, 2, 3, 4, 5, 8, 9, 16, 17, 32].filter((m) => m <= k).map((m) => [k, m] as const),
    ),
    ...([63, 64, 65, 127, 128] as const).flatMap((k) => [[k, 2] as const, [k, 63] as const, [k, k] as const]),
    ...([
      [192, 64],
      [193, 64],
      [200, 56],
      [224, 32],
      [225, 32],
      [252, 4],
      [253, 4],
      [254, 2],
      [255, 2],
    ] as const),
    ...([
      [255, 1],
      [256, 1],
      [250, 6],
      [300, 3],
      [512, 512],
      [1000, 24],
    ] as const),
  ]

  it.each(shapes)('%i and %i rows: parity, and data after losing as much', (k, m) => {
    const bytes = k + m < 40 ? 192 : 64
    const data = noise(k, bytes, 1000 * k + m)
    const parity = kernel.encode(data, m)
    expect(parity).toEqual(leopardTwin.encode(data, m))
    const rows = dropRows([...data, ...parity], m, 7 * k + m)
    expect(kernel.decode(rows.slice(0, k), rows.slice(k))).toEqual(data)
    const missing = [...rows.keys()].filter((row) => rows[row] === undefined)
    expect(kernel.reconstruct(rows, k, missing)).toEqual(missing.map((row) => [...data, ...parity][row]))
  })

  it('decodes what the twin decodes, from more rows than needed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 24 }), fc.nat(), fc.nat(), (k, mSeed, seed) => {
        const m = 1 + (mSeed % k)
        const data = noise(k, 64, seed)
        const parity = leopardTwin.encode(data, m)
        const rows = dropRows([...data, ...parity], seed % (m + 1), seed)
        const [someData, someParity] = [rows.slice(0, k), rows.slice(k)]
        expect(kernel.decode(someData, someParity)).toEqual(data)
        expect(leopardTwin.decode(someData, someParity)).toEqual(data)
      }),
    )
  })

  it('mends every pattern of missing rows of every small code', () => {
    for (let k = 1; k <= 5; k++)
      for (let m = 1; m <= Math.min(k, 4); m++) {
        const data = noise(k, 64, 10 * k + m)
        const all = [...data, ...kernel.encode(data, m)]
        for (const missing of subsets(k + m, m)) {
          const rows = all.map((block, row) => (missing.includes(row) ? undefined : block))
          expect(kernel.reconstruct(rows, k, missing)).toEqual(missing.map((row) => all[row]))
          expect(kernel.decode(rows.slice(0, k), rows.slice(k))).toEqual(data)
        }
      }
  })

  it('rebuilds any single row from any K others, in both fields', () => {
    for (const [k, m] of [
      [3, 2],
      [20, 7],
      [192, 64],
      [193, 64],
      [300, 100],
    ] as const) {
      const data = noise(k, 128, k)
      const all = [...data, ...kernel.encode(data, m)]
      for (const seed of [1, 2, 3, 4]) {
        const row = seed === 1 ? 0 : pick(k + m, seed)
        const present = dropRows(
          all.map((block, r) => (r === row ? undefined : block)),
          m - 1,
          seed,
        )
        expect(kernel.reconstruct(present, k, [row])).toEqual([all[row]])
      }
    }
  })

  // The twin would take minutes. Parity comes from transforms, its first and last rows also from a matrix.
  it.each([
    [65_532, 3],
    [40_000, 16_384],
  ])('computes codes of 65 536 positions: %i and %i rows', (k, m) => {
    const data = noise(k, 64, m)
    const all = [...data, ...kernel.encode(data, m)]
    const ends = [k, k + m - 1]
    const withoutEnds = all.map((block, row) => (ends.includes(row) ? undefined : block))
    expect(kernel.reconstruct(withoutEnds, k, ends)).toEqual(ends.map((row) => all[row]))
    const rows = dropRows(all, m, k)
    const decoded = kernel.decode(rows.slice(0, k), rows.slice(k))
    expect(decoded.findIndex((block, i) => !equalBytes(block, data[i] ?? new Uint8Array()))).toBe(-1)
  })
})

describe('a coder', () => {
  it('computes the same in any slices of columns, whatever else runs in between', () => {
    for (const [k, m] of [
      [3, 2],
      [1, 1],
      [4, 1],
      [64, 32],
      [200, 56],
    ] as const) {
      const encoder = kernel.encoder(k, m)
      const other = kernel.encoder(7, 3)
      const data = noise(k, 640, k)
      const sliced = Array.from({ length: m }, () => new Uint8Array(640))
      encoder.run(data, sliced, 128, 640)
      other.run(noise(7, 64, 1), noise(3, 64, 2))
      expect(sliced.map((block) => block.subarray(0, 128).every((byte) => byte === 0))).not.toContain(false)
      encoder.run(data, sliced, 0, 128)
      expect(sliced).toEqual(leopardTwin.encode(data, m))
    }
  })

  it('takes step after step with the same rows missing, of blocks wider than a slice', () => {
    const [k, m, bytes] = [5, 3, 65_536]
    const decoder = kernel.decoder({ dataCount: k, parityCount: m, present: [7, 6, 4, 3, 0] })
    expect(decoder.inputs).toEqual([0, 3, 4, 6, 7])
    expect(decoder.outputs).toEqual([1, 2])
    for (let step = 0; step < 3; step++) {
      const data = noise(k, bytes, step)
      const all = [...data, ...kernel.encode(data, m)]
      const found = [new Uint8Array(bytes), new Uint8Array(bytes)]
      decoder.run(
        decoder.inputs.flatMap((row) => all[row] ?? []),
        found,
      )
      expect(found).toEqual([all[1], all[2]])
    }
  })

  it('leaves blocks as they are that lie in a larger buffer', () => {
    const buffer = new Uint8Array(5 * 64 + 13).map((_, i) => i)
    const before = buffer.slice()
    const data = [0, 1, 2].map((i) => buffer.subarray(13 + i * 64, 13 + (i + 1) * 64))
    expect(kernel.encode(data, 2)).toEqual(leopardTwin.encode(data, 2))
    expect(buffer).toEqual(before)
  })

  it('takes memory by the number of rows, never by the size of blocks', async () => {
    const memory = await loadKernelMemory()
    const own = new LeopardKernel(memory)
    const lengths = [64, 65_536, 2 ** 21].map((bytes) => {
      const block = new Uint8Array(bytes)
      const all = [block, block, block, ...own.encode([block, block, block], 2)]
      own.reconstruct(
        all.map((row, i) => (i < 2 ? undefined : row)),
        3,
        [0, 1],
      )
      return memory.bytes.length
    })
    expect(new Set(lengths).size).toBe(1)
    own.encode(noise(200, 1024, 1), 56)
    own.decode([...gone(56), ...noise(144, 1024, 2)], noise(56, 1024, 3))
    expect(memory.bytes.length).toBeLessThanOrEqual(2 ** 20)
    own.encode(noise(65_532, 64, 1), 3)
    expect(memory.bytes.length).toBeLessThanOrEqual(24 * 2 ** 20)
  })

  it('promises calls of at least 64 columns, and whole blocks of common codes', () => {
    expect(kernel.encoder(3, 2).sliceBytes).toBeGreaterThan(65_536)
    expect(kernel.encoder(192, 64).sliceBytes).toBeGreaterThan(65_536)
    const large = kernel.encoder(32_768, 32_768).sliceBytes
    expect(large).toBeGreaterThanOrEqual(64)
    expect(large % 64).toBe(0)
  })
})

describe('bad input', () => {
  const blocks = (count: number, bytes = 64): Uint8Array[] => noise(count, bytes, 3)

  it.each<readonly [string, () => unknown]>([
    ['erasure/no-data', () => kernel.encode([], 0)],
    ['erasure/no-data', () => kernel.decode([], [])],
    ['erasure/no-data', () => kernel.encoder(0, 1)],
    ['erasure/not-a-count', () => kernel.encode(blocks(3), -1)],
    ['erasure/not-a-count', () => kernel.encode(blocks(3), 1.5)],
    ['erasure/not-a-count', () => kernel.encoder(Number.NaN, 1)],
    ['erasure/more-parity-than-data', () => kernel.encode(blocks(3), 4)],
    ['erasure/more-parity-than-data', () => kernel.decode(blocks(2), blocks(3))],
    ['erasure/too-many-rows', () => kernel.encoder(65_535, 2)],
    ['erasure/too-many-rows', () => kernel.encoder(40_000, 20_000)],
    ['erasure/too-many-rows', () => kernel.encoder(2 ** 40, 2 ** 30)],
    ['erasure/unequal-blocks', () => kernel.encode([...blocks(2), ...blocks(1, 128)], 2)],
    ['erasure/unequal-blocks', () => kernel.decode([...gone(1), ...blocks(2)], blocks(2, 128))],
    ['erasure/not-whole-groups', () => kernel.encode(blocks(3, 96), 2)],
    ['erasure/not-whole-groups', () => kernel.encode(blocks(3, 0), 2)],
    ['erasure/not-whole-groups', () => kernel.encode(blocks(1, 1), 1)],
    ['erasure/too-few-rows', () => kernel.decode([...gone(2), ...blocks(1)], [...blocks(1), ...gone(1)])],
    ['erasure/too-few-rows', () => kernel.decode(gone(1), [])],
    ['erasure/too-few-rows', () => kernel.decoder({ dataCount: 3, parityCount: 2, present: [1, 1, 2, 2] })],
    ['erasure/no-such-row', () => kernel.reconstruct([...blocks(3), ...gone(1)], 3, [4])],
    ['erasure/no-such-row', () => kernel.decoder({ dataCount: 2, parityCount: 1, present: [0, 1, -1] })],
    ['erasure/row-not-missing', () => kernel.decoder({ dataCount: 2, parityCount: 1, present: [0, 1], wanted: [1] })],
    ['erasure/wrong-columns', () => kernel.encoder(3, 2).run(blocks(3), blocks(2), 1)],
    ['erasure/wrong-columns', () => kernel.encoder(3, 2).run(blocks(3), blocks(2), 0, 128)],
    ['erasure/wrong-columns', () => kernel.encoder(3, 2).run(blocks(3, 128), blocks(2, 128), 128, 64)],
    ['erasure/unequal-blocks', () => kernel.encoder(3, 2).run(blocks(3), blocks(2, 128))],
  ])('is refused as %s', (code, act) => {
    let thrown: unknown
    try {
      act()
    } catch (error) {
      thrown = error
    }
    expect(CodexError.is(thrown) ? thrown.code : thrown).toBe(code)
  })

  it('is not: no parity at all, nothing missing, every parity row missing', () => {
    const data = blocks(3)
    expect(kernel.encode(data, 0)).toEqual([])
    expect(kernel.decode(data, [])).toEqual(data)
    expect(kernel.decode(data, gone(2))).toEqual(data)
  })
})
