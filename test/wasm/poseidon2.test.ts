import fc from 'fast-check'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { concatBytes, toHex } from '../../src/lib/bytes.ts'
import { CodexError } from '../../src/lib/errors.ts'
import { FIELD_ORDER, readElement, writeElement } from '../../wasm/poseidon2/fieldelement.ts'
import { loadPoseidon2 } from '../../wasm/poseidon2/loadposeidon2.ts'
import constants from '../../wasm/poseidon2/poseidon2constants.json' with { type: 'json' }
import type { Poseidon2Kernel, Poseidon2State } from '../../wasm/poseidon2/poseidon2kernel.ts'
import { poseidon2Twin } from '../../wasm/poseidon2/poseidon2twin.ts'
import vectors from '../vectors/poseidon2.json' with { type: 'json' }
import publishedConstants from '../vectors/poseidon2-constants.json' with { type: 'json' }
import { noise } from './leoparddata.ts'
import { switchRelaxedSimdOn } from './relaxedsimd.ts'

const VARIANTS = ['scalar', 'relaxed-simd'] as const

const kernels = new Map<string, Poseidon2Kernel>()
beforeAll(async () => {
  await switchRelaxedSimdOn()
  for (const variant of VARIANTS) kernels.set(variant, await loadPoseidon2({ variant }))
})

function kernelOf(variant: string): Poseidon2Kernel {
  const kernel = kernels.get(variant)
  if (kernel === undefined) throw new Error(`no kernel ${variant}`)
  return kernel
}

function toBytes(elements: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(32 * elements.length)
  elements.forEach((element, i) => writeElement(element, bytes, 32 * i))
  return bytes
}

const upTo = (count: number): bigint[] => Array.from({ length: count }, (_, i) => BigInt(i + 1))
const bytesUpTo = (count: number): Uint8Array => Uint8Array.from({ length: count }, (_, i) => i + 1)
const element = (): fc.Arbitrary<bigint> => fc.bigInt({ min: 0n, max: FIELD_ORDER - 1n })

/** §2.6 for short texts: the elements themselves, as Merkle leaves. */
function packed(bytes: Uint8Array): bigint[] {
  const chunks = Array.from({ length: Math.floor(bytes.length / 31) + 1 }, (_, i) =>
    bytes.subarray(31 * i, 31 * i + 31),
  )
  return chunks.map((chunk) =>
    readElement(concatBytes(chunk, new Uint8Array(chunk.length < 31 ? [1] : []), new Uint8Array(32))),
  )
}

function blockBytes(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => i * 131 + Math.floor(i / 256) * 17 + 7)
}

it('has the constants of the published set', () => {
  const { field, external, internal } = publishedConstants
  expect({ ...constants, field: BigInt(constants.field) }).toEqual({ field: BigInt(field), external, internal })
  expect(BigInt(field)).toBe(FIELD_ORDER)
})

describe.each([...VARIANTS, 'twin'])('the vectors, by %s', (which) => {
  const hasher = (): Pick<Poseidon2Kernel, keyof typeof poseidon2Twin> =>
    which === 'twin' ? poseidon2Twin : kernelOf(which)

  it.each(vectors.permutation)('permutation of $input', ({ input, output }) => {
    const [x = 0n, y = 0n, z = 0n] = input.map(BigInt)
    expect(hasher().permute([x, y, z])).toEqual(output.map(BigInt))
  })

  it.each(vectors.compress)('compression of $x, $y under $key', ({ x, y, key, hash }) => {
    expect(hasher().compress(BigInt(x), BigInt(y), BigInt(key))).toBe(BigInt(hash))
  })

  it.each(vectors.sponge.filter(({ rate }) => rate === 2))('sponge of $inputCount elements', ({ inputCount, hash }) => {
    expect(hasher().sponge(upTo(inputCount))).toBe(BigInt(hash))
  })

  it.each(vectors.spongeBytes)('sponge of $length patterned bytes', ({ length, spongeRate2 }) => {
    const bytes = Uint8Array.from({ length }, (_, i) => 7 * i + 13)
    expect(hasher().hashBytes(bytes)).toBe(BigInt(spongeRate2))
  })

  it.each(vectors.spongeBytesSeq)('sponge of the bytes 1 to $length', ({ length, spongeRate2 }) => {
    expect(hasher().hashBytes(bytesUpTo(length))).toBe(BigInt(spongeRate2))
  })

  it.each(vectors.merkleField)('root of $leafCount elements', ({ leafCount, root }) => {
    expect(readElement(hasher().merkleRoot(toBytes(upTo(leafCount))))).toBe(BigInt(root))
  })

  it.each(vectors.merkleBytes)('root of $byteCount packed bytes', ({ byteCount, root }) => {
    expect(readElement(hasher().merkleRoot(toBytes(packed(bytesUpTo(byteCount)))))).toBe(BigInt(root))
  })

  it.each(vectors.blockHash)('$name', ({ name, blockSize, cellSize, cells, ...expected }) => {
    const bytes = name.startsWith('all-zero') ? new Uint8Array(blockSize) : blockBytes(blockSize)
    const { cellHashes, blockHashes } = hasher().hashBlocks(bytes, blockSize, cellSize)
    expect(cellHashes).toHaveLength(32 * cells)
    expect(readElement(cellHashes)).toBe(BigInt(expected.cellHash0))
    expect(readElement(cellHashes, 32 * (cells - 1))).toBe(BigInt(expected.cellHashLast))
    expect(toHex(blockHashes)).toBe(expected.blockHashBytesLE)
    expect(readElement(blockHashes)).toBe(BigInt(expected.blockHash))
  })
})

describe.each(VARIANTS)('the %s kernel', (variant) => {
  it('says which it is', () => expect(kernelOf(variant).variant).toBe(variant))

  it('finds the root of 131072 leaves', () => {
    const { leafCount, rootHexLE } = vectors.bigRoot
    expect(toHex(kernelOf(variant).merkleRoot(toBytes(upTo(leafCount))))).toBe(rootHexLE)
  })

  it.each(vectors.merkleProofs)('has the path of leaf $index of $leafCount in its layers', (proof) => {
    const layers = kernelOf(variant).merkleLayers(toBytes(upTo(proof.leafCount)))
    const path = layers.slice(0, -1).map((layer, depth) => {
      const sibling = 32 * ((proof.index >> depth) ^ 1)
      return sibling < layer.length ? readElement(layer, sibling) : 0n
    })
    expect(path).toEqual(proof.path.map(BigInt))
    expect(readElement(layers.at(-1) ?? new Uint8Array())).toBe(BigInt(proof.root))
  })
})

describe.each(VARIANTS)('the %s kernel, beside its twin', (variant) => {
  it('permutes', () => {
    fc.assert(
      fc.property(element(), element(), element(), (x, y, z) => {
        expect(kernelOf(variant).permute([x, y, z])).toEqual(poseidon2Twin.permute([x, y, z]))
      }),
      { numRuns: 300 },
    )
  })

  it('permutes what lies at the ends of the field', () => {
    const ends = [
      0n,
      1n,
      2n,
      FIELD_ORDER - 1n,
      FIELD_ORDER - 2n,
      FIELD_ORDER >> 1n,
      (FIELD_ORDER >> 1n) + 1n,
      2n ** 248n - 1n,
    ]
    for (const x of ends)
      for (const y of ends)
        for (const z of [0n, 1n, FIELD_ORDER - 1n])
          expect(kernelOf(variant).permute([x, y, z])).toEqual(poseidon2Twin.permute([x, y, z]))
  })

  // Inside, elements are Montgomery forms in digits of 51 bits, or 29, and the bounds are those of whole digits.
  it.each([
    ['51 signed bits', 51n, 5n, [-(1n << 50n), -(1n << 50n) + 1n, -1n, 0n, (1n << 50n) - 1n]],
    ['29 bits', 29n, 9n, [0n, 1n, (1n << 28n) + 1n, (1n << 29n) - 1n]],
  ])('permutes states that enter the first S-box in extreme digits of %s', (_, bits, digits, extremes) => {
    for (const state of extremeStates(bits, digits, extremes))
      expect(kernelOf(variant).permute(state)).toEqual(poseidon2Twin.permute(state))
  })

  it('hashes elements', () => {
    fc.assert(
      fc.property(fc.array(element(), { maxLength: 9 }), (elements) => {
        expect(kernelOf(variant).sponge(elements)).toBe(poseidon2Twin.sponge(elements))
      }),
    )
  })

  it('hashes elements in several pieces', () => {
    const elements = upTo(1027)
    expect(kernelOf(variant).sponge(elements)).toBe(poseidon2Twin.sponge(elements))
  })

  it('hashes bytes of any length', () => {
    for (let length = 0; length < 130; length++) {
      const bytes = new Uint8Array(length).fill(255)
      expect(kernelOf(variant).hashBytes(bytes)).toBe(poseidon2Twin.hashBytes(bytes))
    }
  })

  // A piece of one lane is 7936 bytes.
  it.each([7935, 7936, 7937, 7936 + 31, 15_872, 20_001])('hashes %i bytes, copied in pieces', (length) => {
    const [bytes = new Uint8Array()] = noise(1, length, length)
    expect(kernelOf(variant).hashBytes(bytes)).toBe(poseidon2Twin.hashBytes(bytes))
  })

  it.each([
    [1, 64, 64],
    [1, 128, 64],
    [3, 192, 64],
    [5, 320, 64],
    [7, 320, 100],
    [2, 100, 2048],
    [3, 93, 31],
    [1, 7, 1],
    [2, 16_384, 8192],
    [3, 8192, 2048],
    [0, 65_536, 2048],
  ])('hashes %i blocks of %i bytes in cells of %i', (count, blockSize, cellSize) => {
    const [bytes = new Uint8Array()] = noise(1, count * blockSize, blockSize)
    const expected = poseidon2Twin.hashBlocks(bytes, blockSize, cellSize)
    expect(kernelOf(variant).hashBlocks(bytes, blockSize, cellSize)).toEqual(expected)
  })

  it('builds trees of 1 to 40 leaves', () => {
    for (let count = 1; count <= 40; count++) {
      const leaves = toBytes(upTo(count).map((leaf) => (leaf * 0x1234567n) ** 9n % FIELD_ORDER))
      expect(kernelOf(variant).merkleRoot(leaves)).toEqual(poseidon2Twin.merkleRoot(leaves))
    }
  })

  it('builds a layer in pieces as in one go', () => {
    const leaves = toBytes(upTo(1001))
    for (const isBottom of [true, false]) {
      const pieces = [0, 2, 600, 1000].map((from, i, starts) =>
        leaves.subarray(32 * from, 32 * (starts[i + 1] ?? 1001)),
      )
      const found = concatBytes(...pieces.map((piece) => kernelOf(variant).merkleLayer(piece, isBottom)))
      expect(found).toEqual(kernelOf(variant).merkleLayer(leaves, isBottom))
    }
  })
})

it('hashes a whole batch of blocks alike in both variants', () => {
  const [bytes = new Uint8Array()] = noise(1, 5 * 65_536, 77)
  const [scalar, relaxed] = VARIANTS.map((variant) => kernelOf(variant).hashBlocks(bytes, 65_536, 2048))
  expect(relaxed).toEqual(scalar)
  const [third] = [kernelOf('scalar').hashBlocks(bytes.subarray(2 * 65_536, 3 * 65_536), 65_536, 2048)]
  expect(scalar?.blockHashes.subarray(64, 96)).toEqual(third?.blockHashes)
})

it('takes the fastest variant that the engine runs rightly', async () => {
  expect((await loadPoseidon2()).variant).toBe('relaxed-simd')
})

describe('where the engine', () => {
  afterEach(() => vi.restoreAllMocks())
  const refusal = async (): Promise<unknown> =>
    loadPoseidon2({ variant: 'relaxed-simd' }).catch((error: unknown) => error)

  it('lacks relaxed SIMD, the scalar variant serves', async () => {
    vi.spyOn(WebAssembly, 'validate').mockReturnValue(false)
    expect((await loadPoseidon2()).variant).toBe('scalar')
    expect(CodexError.is(await refusal(), 'poseidon2/no-relaxed-simd')).toBe(true)
  })

  it('cannot bring the relaxed module up though it passes, the scalar variant serves', async () => {
    const instantiate = WebAssembly.instantiate
    let calls = 0
    vi.spyOn(WebAssembly, 'instantiate').mockImplementation(((code: BufferSource) => {
      if (calls++ % 2 === 0) return Promise.reject(new RangeError('no room for the module'))
      return instantiate(code)
    }) as unknown as typeof WebAssembly.instantiate)
    expect((await loadPoseidon2()).variant).toBe('scalar')
    expect(CodexError.is(await refusal(), 'poseidon2/no-relaxed-simd')).toBe(true)
  })

  it('rounds twice in multiply-add, the scalar variant serves', async () => {
    const instantiate = WebAssembly.instantiate as (
      code: BufferSource,
    ) => Promise<WebAssembly.WebAssemblyInstantiatedSource>
    vi.spyOn(WebAssembly, 'instantiate').mockImplementation((async (code: BufferSource) => {
      const source = await instantiate(code)
      return { ...source, instance: { exports: { ...source.instance.exports, isFused: () => 0 } } }
    }) as unknown as typeof WebAssembly.instantiate)
    expect((await loadPoseidon2()).variant).toBe('scalar')
    expect(CodexError.is(await refusal(), 'poseidon2/no-relaxed-simd')).toBe(true)
  })
})

describe.each(VARIANTS)('bad input to the %s kernel', (variant) => {
  it.each<readonly [string, (kernel: Poseidon2Kernel) => unknown]>([
    ['poseidon2/not-an-element', (kernel) => kernel.permute([FIELD_ORDER, 0n, 0n])],
    ['poseidon2/not-an-element', (kernel) => kernel.compress(0n, -1n, 1n)],
    ['poseidon2/not-an-element', (kernel) => kernel.sponge([1n, 2n ** 256n])],
    ['poseidon2/not-an-element', (kernel) => kernel.merkleRoot(concatBytes(toBytes([1n]), bytesOf(FIELD_ORDER)))],
    ['poseidon2/not-an-element', (kernel) => kernel.merkleLayer(new Uint8Array(64).fill(255), false)],
    ['poseidon2/wrong-size', (kernel) => kernel.merkleRoot(new Uint8Array(33))],
    ['poseidon2/no-leaves', (kernel) => kernel.merkleRoot(new Uint8Array())],
    ['poseidon2/wrong-size', (kernel) => kernel.hashBlocks(new Uint8Array(100), 64, 32)],
    ['poseidon2/wrong-size', (kernel) => kernel.hashBlocks(new Uint8Array(64), 64, 0)],
    ['poseidon2/wrong-size', (kernel) => kernel.hashBlocks(new Uint8Array(64), Number.NaN, 32)],
    ['poseidon2/wrong-size', (kernel) => kernel.hashBlocks(new Uint8Array(64), 64, 1.5)],
  ])('is refused as %s', (code, act) => {
    let thrown: unknown
    try {
      act(kernelOf(variant))
    } catch (error) {
      thrown = error
    }
    expect(CodexError.is(thrown) ? thrown.code : thrown).toBe(code)
  })

  it('names the leaf that is too large', () => {
    const leaves = toBytes(upTo(3000))
    leaves.fill(255, 32 * 2345, 32 * 2346)
    expect(() => kernelOf(variant).merkleRoot(leaves)).toThrow('at index 2345')
  })

  it('takes the largest element', () => {
    const leaves = toBytes([FIELD_ORDER - 1n])
    expect(kernelOf(variant).merkleRoot(leaves)).toEqual(poseidon2Twin.merkleRoot(leaves))
  })
})

function bytesOf(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n))
}

/** States (x, 0, 0) for which 2 x + the first constant is, in Montgomery form, made of the given digits in every mixture of two. */
function extremeStates(bits: bigint, digits: bigint, extremes: readonly bigint[]): Poseidon2State[] {
  const unscaled = inverse(2n ** (bits * digits))
  const constant = BigInt(constants.external[0]?.[0] ?? 0)
  return extremes.flatMap((a) =>
    extremes.flatMap((b) =>
      [0b00000000n, 0b01010101n, 0b00110011n, 0b10000000n, 0b00000001n].map((mixture): Poseidon2State => {
        let value = 0n
        for (let i = digits - 2n; i >= 0n; i--) value = (value << bits) + ((mixture >> i) & 1n ? b : a)
        return [modulo((value * unscaled - constant) * inverse(2n)), 0n, 0n]
      }),
    ),
  )
}

function modulo(value: bigint): bigint {
  return ((value % FIELD_ORDER) + FIELD_ORDER) % FIELD_ORDER
}

function inverse(value: bigint): bigint {
  let result = 1n
  let square = value % FIELD_ORDER
  for (let rest = FIELD_ORDER - 2n; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % FIELD_ORDER
    square = (square * square) % FIELD_ORDER
  }
  return result
}
