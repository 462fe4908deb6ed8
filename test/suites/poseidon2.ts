// The laws of the Poseidon2 seam. Run against every implementation; the slow twin says what is right.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes, toHex } from '../../src/lib/bytes.ts'
import { CodexError } from '../../src/lib/errors.ts'
import type { Poseidon2 } from '../../src/slots/poseidon2.ts'
import { FIELD_ORDER, writeElement } from '../../wasm/poseidon2/fieldelement.ts'
import { poseidon2Twin } from '../../wasm/poseidon2/poseidon2twin.ts'
import vectors from '../vectors/poseidon2.json' with { type: 'json' }
import { noise } from '../wasm/leoparddata.ts'

const { signal } = new AbortController()
const options = { signal, rank: 'background' } as const
const NUM_RUNS = 15

/** @param make the implementation, the same one each time if it likes */
export function poseidon2Suite(name: string, make: () => Poseidon2): void {
  describe(`${name} as a Poseidon2`, () => {
    blocks(make)
    trees(make)
    messages(make)
    refusals(make)
  })
}

function blocks(make: () => Poseidon2): void {
  test.each(vectors.blockHash.filter(({ blockSize, cellSize }) => blockSize % cellSize === 0))(
    '$name',
    async ({ name, blockSize, cellSize, cells, ...expected }) => {
      const isZero = name.startsWith('all-zero')
      const block = isZero ? new Uint8Array(blockSize) : patterned(blockSize)
      expect(toHex(await make().hashBlocks([block], cellSize, options))).toBe(expected.blockHashBytesLE)
      const cellHashes = await make().hashCells([block], cellSize, options)
      expect(cellHashes).toHaveLength(32 * cells)
      expect(toHex(cellHashes.subarray(0, 32))).toBe(toHex(elements([BigInt(expected.cellHash0)])))
      expect(toHex(cellHashes.subarray(-32))).toBe(toHex(elements([BigInt(expected.cellHashLast)])))
    },
  )

  test('blocks and cells in order, blocks of zeros among them', async () => {
    const shape = fc.record({
      cells: fc.integer({ min: 1, max: 5 }),
      cellSize: fc.constantFrom(1, 31, 62, 64, 100),
      zeros: fc.array(fc.boolean(), { maxLength: 12 }),
      seed: fc.nat(1000),
    })
    await fc.assert(
      fc.asyncProperty(shape, async ({ cells, cellSize, zeros, seed }) => {
        const blockSize = cells * cellSize
        const parts = noise(zeros.length, blockSize, seed).map((block, i) =>
          zeros[i] ? new Uint8Array(blockSize) : block,
        )
        const expected = poseidon2Twin.hashBlocks(concatBytes(...parts), blockSize, cellSize)
        const hasher = make()
        // Twice: what an implementation remembers of zeros must be right too.
        for (let round = 0; round < 2; round++) {
          expect(await hasher.hashBlocks(parts, cellSize, options)).toEqual(expected.blockHashes)
          expect(await hasher.hashCells(parts, cellSize, options)).toEqual(expected.cellHashes)
        }
      }),
      { numRuns: NUM_RUNS },
    )
  })

  test('blocks that are zero but for one byte, at either end', async () => {
    const parts = [0, 511].map((at) => new Uint8Array(512).fill(1, at, at + 1))
    const all = [new Uint8Array(512), ...parts, new Uint8Array(512)]
    const { blockHashes, cellHashes } = poseidon2Twin.hashBlocks(concatBytes(...all), 512, 64)
    for (let round = 0; round < 2; round++) {
      expect(await make().hashBlocks(all, 64, options)).toEqual(blockHashes)
      expect(await make().hashCells(all, 64, options)).toEqual(cellHashes)
    }
  })

  test('blocks of zeros of several sizes, kept apart', async () => {
    const hasher = make()
    for (const [blockSize, cellSize] of [
      [128, 64],
      [128, 128],
      [256, 64],
      [128, 64],
    ] as const) {
      const zeros = new Uint8Array(blockSize)
      const { blockHashes, cellHashes } = poseidon2Twin.hashBlocks(zeros, blockSize, cellSize)
      expect(await hasher.hashBlocks([zeros], cellSize, options)).toEqual(blockHashes)
      expect(await hasher.hashCells([zeros], cellSize, options)).toEqual(cellHashes)
    }
  })

  test('a block much larger than any slice', async () => {
    const [block = new Uint8Array()] = noise(1, 200_000, 9)
    const expected = poseidon2Twin.hashBlocks(block, block.length, 50_000)
    expect(await make().hashBlocks([block], 50_000, options)).toEqual(expected.blockHashes)
    expect(await make().hashCells([block], 50_000, options)).toEqual(expected.cellHashes)
  })

  test('blocks are lent: views respected, in shared memory or not, unchanged and not detached', async () => {
    const [inOne = new Uint8Array()] = noise(1, 1000, 3)
    const shared = new Uint8Array(new SharedArrayBuffer(1000))
    shared.set(inOne)
    for (const whole of [inOne, shared]) {
      const before = whole.slice()
      const views = [whole.subarray(3, 131), whole.subarray(800, 928), whole.subarray(3, 131), whole.slice(5, 133)]
      const hashes = await make().hashBlocks(views, 64, options)
      expect(hashes).toEqual(poseidon2Twin.hashBlocks(concatBytes(...views), 128, 64).blockHashes)
      expect(whole).toEqual(before)
    }
  })

  test('none', async () => {
    expect(await make().hashBlocks([], 64, options)).toEqual(new Uint8Array(0))
    expect(await make().hashCells([], 64, options)).toEqual(new Uint8Array(0))
  })
}

function trees(make: () => Poseidon2): void {
  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 31, 64])('all nodes over %i leaves, layer after layer', async (count) => {
    const leaves = elements(upTo(count))
    const before = leaves.slice()
    expect(await make().merkleNodes(leaves, options)).toEqual(elements(layers(upTo(count)).flat()))
    expect(leaves).toEqual(before)
  })

  test('the published root of 131072 leaves, and as many nodes as its layers have', async () => {
    const { leafCount, rootHexLE } = vectors.bigRoot
    const nodes = await make().merkleNodes(elements(upTo(leafCount)), options)
    expect(nodes).toHaveLength(32 * (2 * leafCount - 1))
    expect(toHex(nodes.subarray(-32))).toBe(rootHexLE)
  })

  test('a tree of many jobs whose layers are odd is the same as one of single steps', async () => {
    const count = 32_769
    const nodes = await make().merkleNodes(elements(upTo(count)), options)
    const last = (width: number, from: number): Uint8Array =>
      nodes.subarray(32 * (from + width - 1), 32 * (from + width))
    let [width, from, key] = [count, 0, 3n]
    while (width > 2) {
      const above = Math.ceil(width / 2)
      // Only the odd last node of each layer can go wrong at the seams; the others are those of the published root.
      if (width % 2 === 1)
        expect(last(above, from + width)).toEqual(
          elements([poseidon2Twin.compress(element(last(width, from)), 0n, key)]),
        )
      ;[from, width, key] = [from + width, above, 2n]
    }
    expect(nodes.length / 32).toBe(from + width + 1)
  })
}

function messages(make: () => Poseidon2): void {
  test.each(vectors.sponge.filter(({ rate }) => rate === 2))(
    'sponge of $inputCount elements',
    async ({ inputCount, hash }) => {
      expect(await make().sponges([upTo(inputCount)], options)).toEqual([BigInt(hash)])
    },
  )

  test('many sponges in order, of all lengths', async () => {
    const lists = Array.from({ length: 600 }, (_, i) => upTo(i % 7).map((value) => value + BigInt(i)))
    expect(await make().sponges(lists, options)).toEqual(lists.map((list) => poseidon2Twin.sponge(list)))
    expect(await make().sponges([], options)).toEqual([])
  })

  test('a long message, and the largest element', async () => {
    const long = upTo(2048)
    expect(await make().sponges([long, [FIELD_ORDER - 1n]], options)).toEqual([
      poseidon2Twin.sponge(long),
      poseidon2Twin.sponge([FIELD_ORDER - 1n]),
    ])
  })
}

function refusals(make: () => Poseidon2): void {
  const block = new Uint8Array(128).fill(1)

  test.each([
    ['a cell size of 0', [block], 0, 'slots/bad-cell-size', undefined],
    ['a cell size of 1.5', [block], 1.5, 'slots/bad-cell-size', undefined],
    ['a cell size that is no number', [block], 'x' as never, 'slots/bad-cell-size', undefined],
    ['a cell size that does not divide', [block], 100, 'slots/bad-cell-size', undefined],
    ['a cell size larger than a slice', [new Uint8Array(131_072)], 131_072, 'slots/bad-cell-size', undefined],
    ['empty blocks', [new Uint8Array(0)], 64, 'slots/bad-cell-size', undefined],
    ['a block of another size', [block, block, new Uint8Array(64)], 64, 'slots/unequal-blocks', 2],
    ['something else as a block', [block, null as never], 64, 'slots/not-a-block', 1],
  ] as const)('%s', async (_, parts, cellSize, code, index) => {
    for (const call of [make().hashBlocks(parts, cellSize, options), make().hashCells(parts, cellSize, options)]) {
      const error = await call.catch((cause: unknown) => cause)
      expect(CodexError.is(error, code)).toBe(true)
      if (index !== undefined) expect(error).toMatchObject({ detail: { index } })
    }
  })

  test('leaves that are none, not whole, or too large', async () => {
    const leaves = elements(upTo(40_000))
    await expect(make().merkleNodes(leaves.subarray(0, 0), options)).rejects.toMatchObject({ code: 'slots/no-leaves' })
    await expect(make().merkleNodes(leaves.subarray(0, 33), options)).rejects.toMatchObject({
      code: 'slots/not-elements',
    })
    for (const value of [FIELD_ORDER, FIELD_ORDER + 1n, (1n << 256n) - 1n]) {
      const index = 39_998
      const wrong = leaves.slice()
      for (let i = 0; i < 32; i++) wrong[32 * index + i] = Number((value >> BigInt(8 * i)) & 0xffn)
      await expect(make().merkleNodes(wrong, options)).rejects.toMatchObject({
        code: 'slots/not-an-element',
        detail: { index },
      })
    }
    const largest = leaves.slice(0, 96)
    writeElement(FIELD_ORDER - 1n, largest, 32)
    await expect(make().merkleNodes(largest, options)).resolves.toHaveLength(32 * 6)
  })

  test.each([[-1n], [FIELD_ORDER], [1 as never], [undefined as never]])('a message with %s in it', async (wrong) => {
    await expect(make().sponges([[1n], [2n, wrong]], options)).rejects.toMatchObject({ code: 'slots/not-an-element' })
  })

  test('a message that is too long for one slice', async () => {
    await expect(make().sponges([[1n], upTo(2049)], options)).rejects.toMatchObject({
      code: 'slots/message-too-long',
      detail: { index: 1, found: 2049 },
    })
  })

  test('whatever is aborted, with the reason', async () => {
    const reason = new Error('changed my mind')
    const given = { signal: AbortSignal.abort(reason), rank: 'duty' } as const
    await expect(make().hashBlocks([block], 64, given)).rejects.toBe(reason)
    await expect(make().hashCells([block], 64, given)).rejects.toBe(reason)
    await expect(make().merkleNodes(elements([1n]), given)).rejects.toBe(reason)
    await expect(make().sponges([[1n]], given)).rejects.toBe(reason)
  })
}

/** §2.1 in single steps, the leaves first. */
function layers(leaves: readonly bigint[]): bigint[][] {
  const all = [[...leaves]]
  for (let layer = leaves; all.length === 1 || layer.length > 1;) {
    const key = all.length === 1 ? 1n : 0n
    const above: bigint[] = []
    for (let i = 0; i < layer.length; i += 2) {
      const [left = 0n, right] = [layer[i], layer[i + 1]]
      above.push(poseidon2Twin.compress(left, right ?? 0n, right === undefined ? key + 2n : key))
    }
    all.push(above)
    layer = above
  }
  return all
}

function upTo(count: number): bigint[] {
  return Array.from({ length: count }, (_, i) => BigInt(i + 1))
}

function elements(values: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(32 * values.length)
  values.forEach((value, i) => writeElement(value, bytes, 32 * i))
  return bytes
}

function element(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n)
}

function patterned(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => i * 131 + Math.floor(i / 256) * 17 + 7)
}
