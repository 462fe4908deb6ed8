// What `codex-light/slots` computes: the vectors, and sizes beyond them beside a slow twin. Run through the entry of each runtime.

import { sha256 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type * as entry from '../../src/entries/slots.nodejs.ts'
import { concatBytes, fromHex, toHex, utf8 } from '../../src/lib/bytes.ts'
import { manifestCid } from '../../src/protocol/block.ts'
import { encodeManifest } from '../../src/protocol/manifestcodec.ts'
import { leopardTwin } from '../../wasm/leopard/leopardtwin.ts'
import { poseidon2Twin } from '../../wasm/poseidon2/poseidon2twin.ts'
import { expectAllBytes } from '../fakes/expectbytes.ts'
import { twinCells, twinDataset, twinInputs } from '../slots/slottwin.ts'
import leopard from '../vectors/leopard.json' with { type: 'json' }
import poseidon2 from '../vectors/poseidon2.json' with { type: 'json' }
import sampler from '../vectors/sampler.json' with { type: 'json' }
import slots from '../vectors/slots.json' with { type: 'json' }
import { dropRows, noise } from '../wasm/leoparddata.ts'

type Entry = typeof entry

const BLOCK = 65_536
const LONG = Boolean(import.meta.env['LONG'])
/** Data and parity slots of one block each: the twin in script takes long for them. */
const MANY_SLOTS: readonly (readonly [number, number])[] = LONG
  ? [
      [255, 1],
      [200, 56],
      [128, 128],
      [127, 100],
    ]
  : []
const MANY_BLOCKS = 40
const FIELD_ORDER = BigInt(poseidon2.field)

export function slotsEntrySuite(name: string, slotsEntry: Entry): void {
  describe(`poseidon2 through ${name}`, () => poseidon2Vectors(slotsEntry))
  describe(`the erasure code through ${name}`, () => leopardVectors(slotsEntry))
  describe(`sampling through ${name}`, () => samplerVectors(slotsEntry))
  describe(`datasets through ${name}`, () => {
    slotVectors(slotsEntry)
    besideTheTwin(slotsEntry)
    ownership(slotsEntry)
  })
}

const upTo = (count: number): bigint[] => Array.from({ length: count }, (_, i) => BigInt(i + 1))
const bytesOf = (length: number, byteAt: (i: number) => number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => byteAt(i))

function poseidon2Vectors({ createPoseidon2 }: Entry): void {
  let hasher: entry.Poseidon2Functions
  beforeAll(async () => {
    hasher = await createPoseidon2()
  })

  it.each(poseidon2.permutation)('permutation of $input', ({ input, output }) => {
    const [x = 0n, y = 0n, z = 0n] = input.map(BigInt)
    expect(hasher.permute([x, y, z])).toEqual(output.map(BigInt))
  })

  it.each(poseidon2.compress)('compression of $x, $y under $key', ({ x, y, key, hash }) => {
    expect(hasher.compress(BigInt(x), BigInt(y), BigInt(key))).toBe(BigInt(hash))
    expect(hasher.compress(BigInt(x), BigInt(y), key)).toBe(BigInt(hash))
  })

  it.each(poseidon2.sponge.filter(({ rate }) => rate === 2))(
    'sponge of $inputCount elements',
    ({ inputCount, hash }) => {
      expect(hasher.sponge(upTo(inputCount))).toBe(BigInt(hash))
    },
  )

  it.each(poseidon2.spongeBytes)('sponge of $length patterned bytes', ({ length, spongeRate2 }) => {
    expect(hasher.hashBytes(bytesOf(length, (i) => 7 * i + 13))).toBe(BigInt(spongeRate2))
  })

  it.each(poseidon2.spongeBytesSeq)('sponge of the bytes 1 to $length', ({ length, spongeRate2 }) => {
    expect(hasher.hashBytes(bytesOf(length, (i) => i + 1))).toBe(BigInt(spongeRate2))
  })

  it.each(poseidon2.merkleField)('root of $leafCount elements', ({ leafCount, root }) => {
    expect(hasher.merkleRoot(upTo(leafCount))).toBe(BigInt(root))
  })

  it.each(poseidon2.merkleBytes)('root of $byteCount packed bytes', ({ byteCount, root }) => {
    const leaves = Array.from({ length: Math.floor(byteCount / 31) + 1 }, (_, i) => {
      const chunk = Array.from({ length: Math.min(31, byteCount - 31 * i) }, (__, j) => BigInt(31 * i + j + 1) % 256n)
      return (chunk.length < 31 ? [...chunk, 1n] : chunk).reduceRight((sum, byte) => sum * 256n + byte, 0n)
    })
    expect(hasher.merkleRoot(leaves)).toBe(BigInt(root))
  })

  it('root of 131072 elements', () => {
    const root = hasher.merkleRoot(upTo(poseidon2.bigRoot.leafCount))
    expect(root).toBe(fromHex(poseidon2.bigRoot.rootHexLE).reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n))
  })

  it.each(poseidon2.blockHash)('$name', ({ name, blockSize, cellSize, blockHash }) => {
    const block = name.startsWith('all-zero')
      ? new Uint8Array(blockSize)
      : bytesOf(blockSize, (i) => i * 131 + Math.floor(i / 256) * 17 + 7)
    expect(hasher.blockHash(block, cellSize)).toBe(BigInt(blockHash))
  })

  it('what the twin computes of random elements and bytes', () => {
    const element = fc.bigInt({ min: 0n, max: FIELD_ORDER - 1n })
    const state = fc.tuple(element, element, element)
    fc.assert(
      fc.property(
        state,
        fc.array(element, { minLength: 1, maxLength: 9 }),
        fc.uint8Array({ maxLength: 99 }),
        (three, list, bytes) => {
          expect(hasher.permute(three)).toEqual(poseidon2Twin.permute(three))
          expect(hasher.compress(...three)).toBe(poseidon2Twin.compress(...three))
          expect(hasher.sponge(list)).toBe(poseidon2Twin.sponge(list))
          expect(hasher.hashBytes(bytes)).toBe(poseidon2Twin.hashBytes(bytes))
        },
      ),
      { numRuns: 40 },
    )
  })
}

function leopardVectors({ createErasure }: Entry): void {
  it.each(leopard.cases)('$k of $k+$m, $blockBytes bytes', async ({ k, m, blockBytes, parity, ...expected }) => {
    const erasure = await createErasure()
    const data = Array.from({ length: k }, (_, i) => bytesOf(blockBytes, (j) => i * 31 + j * 7 + 3))
    expect(toHex(sha256(concatBytes(...data)))).toBe(expected.dataSha256)
    const found = erasure.encode(data, m)
    expect(found).toHaveLength(m)
    expect(toHex(sha256(concatBytes(...found)))).toBe(expected.allParitySha256)
    for (const { index, sha256: hash } of parity) expect(toHex(sha256(found[index] ?? new Uint8Array()))).toBe(hash)
    for (const seed of [1, 2]) {
      const rows = dropRows([...data, ...found], m, seed)
      expectAllBytes(erasure.decode(rows.slice(0, k), rows.slice(k)), data)
    }
  })

  it('what the twin computes, no parity included', async () => {
    const erasure = await createErasure()
    for (const [k, m] of [
      [1, 0],
      [4, 0],
      [1, 1],
      [5, 2],
      [128, 128],
      [255, 1],
      [254, 2],
    ] as const) {
      const data = noise(k, 64, k + m)
      expectAllBytes(erasure.encode(data, m), leopardTwin.encode(data, m))
    }
  })

  it('leaves blocks as they were, also in shared memory and views', async () => {
    const erasure = await createErasure()
    const whole = new Uint8Array(new SharedArrayBuffer(512))
    whole.set(noise(1, 512, 4)[0] ?? [])
    const before = whole.slice()
    const data = [whole.subarray(1, 65), whole.subarray(100, 164), whole.subarray(200, 264)]
    const parity = erasure.encode(data, 2)
    expectAllBytes(parity, leopardTwin.encode(data, 2))
    expectAllBytes(erasure.decode([undefined, data[1], undefined], parity), data)
    expect(whole).toEqual(before)
  })
}

function samplerVectors({ sampleCells, challengeEntropy }: Entry): void {
  it.each(sampler.challengeToEntropy)('entropy of $challenge', ({ challenge, entropy }) => {
    expect(challengeEntropy(challenge)).toBe(BigInt(entropy))
    expect(challengeEntropy(`0x${challenge.slice(2).toUpperCase()}`)).toBe(BigInt(entropy))
  })

  it.each(sampler.cellIndices)('$nCells cells, entropy $entropy', async ({ entropy, slotRoot, nCells, indices }) => {
    expect(await sampleCells(BigInt(entropy), BigInt(slotRoot), nCells, indices.length)).toEqual(indices)
    expect(await sampleCells(BigInt(entropy), BigInt(slotRoot), nCells)).toEqual(indices.slice(0, 5))
  })

  it('the published fixture', async () => {
    const { entropy, slotRoot, nCellsPerSlot, samples } = sampler.fixture
    const cells = await sampleCells(BigInt(entropy), BigInt(slotRoot), nCellsPerSlot, 5)
    expect(cells).toEqual(samples.map(({ cellIndex }) => cellIndex))
    expect(cells.map((cell) => [Math.floor(cell / 32), cell % 32])).toEqual(
      samples.map(({ blockInSlot, cellInBlock }) => [blockInSlot, cellInBlock]),
    )
  })

  it('every number of cells there is, beside the twin', async () => {
    for (let bits = 1; bits <= 32; bits++)
      expect(await sampleCells(99n, FIELD_ORDER - 1n, 2 ** bits, 3)).toEqual(
        twinCells(99n, FIELD_ORDER - 1n, 2 ** bits, 3),
      )
    expect(await sampleCells(1n, 2n, 64, 1024)).toEqual(twinCells(1n, 2n, 64, 1024))
  })
}

function slotVectors({ buildDataset, proofInputs, proofInputsJson, sampleCells, challengeEntropy }: Entry): void {
  it.each(slots.cases)('$name', async ({ datasetSize, seed, ecK, ecM, proof, ...expected }) => {
    const bytes = bytesOf(
      datasetSize,
      (i) => i * 131 + Math.floor(i / 256) * 17 + Math.floor(i / BLOCK) * 29 + 7 + seed * 53,
    )
    const dataset = await buildDataset(bytes, { ecK, ecM })
    for (const kind of ['plain', 'protected', 'verifiable'] as const) {
      const encoded = encodeManifest(dataset[kind])
      expect(toHex(encoded)).toBe(expected[kind].manifestHex)
      expect(String(manifestCid(encoded))).toBe(expected[kind].manifestCid)
    }
    expect(dataset.slotRoots).toEqual(expected.slots.map(({ slotRoot }) => BigInt(slotRoot)))
    expect(dataset.verifiable.slotRoots.map(String)).toEqual(expected.slots.map(({ slotRootCid }) => slotRootCid))
    expect(dataset.datasetRoot).toBe(BigInt(expected.verifyRoot))
    expect(`0x${toHex(dataset.verifiable.verifyRoot.digest)}`).toBe(expected.merkleRootOnChain)

    const inputs = await proofInputs(dataset, proof.slotIndex, proof.challenge)
    expect(Object.keys(inputs)).toEqual([
      'entropy',
      'dataSetRoot',
      'slotIndex',
      'slotRoot',
      'nCellsPerSlot',
      'nSlotsPerDataSet',
      'slotProof',
      'cellData',
      'merklePaths',
    ])
    expect(inputs.nCellsPerSlot).toBe(expected.numSlotCells)
    expect([inputs.entropy, inputs.dataSetRoot, inputs.slotIndex].map(String)).toEqual(proof.publicInputs)
    expect(inputs.slotProof.slice(0, proof.slotProof.length)).toEqual(proof.slotProof.map(BigInt))
    proof.samples.forEach(({ path }, i) => {
      expect(inputs.merklePaths[i]?.slice(0, path.length)).toEqual(path.map(BigInt))
    })
    expect(toHex(sha256(utf8(JSON.stringify(proofInputsJson(inputs)))))).toBe(proof.circuitInputSha256)
    const cells = await sampleCells(challengeEntropy(proof.challenge), inputs.slotRoot, expected.numSlotCells, 5)
    expect(cells).toEqual(proof.samples.map(({ cellIndex }) => cellIndex))
  })
}

/** A tenth of one cell of each block has content, of many blocks the same cell, so that the twin has little to hash. */
function sparse(blocks: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(blocks * BLOCK - 1000)
  for (let block = 0; block < blocks; block++) {
    const cell = ((blocks > MANY_BLOCKS ? 0 : block * 7) + seed) % 31
    noise(1, 100, seed + block).forEach((content) => bytes.set(content, block * BLOCK + cell * 2048 + 1000))
  }
  return bytes
}

function besideTheTwin({ buildDataset, proofInputs }: Entry): void {
  const sizes: readonly (readonly [blocks: number, k: number, m: number])[] = [
    [1, 1, 0],
    [1, 1, 1],
    [2, 1, 1],
    [2, 2, 0],
    [3, 1, 0],
    [3, 2, 1],
    [3, 3, 2],
    [4, 4, 3],
    [5, 2, 1],
    [5, 5, 1],
    [6, 1, 1],
    [7, 2, 2],
    [7, 7, 4],
    [8, 1, 1],
    [8, 3, 2],
    [8, 8, 8],
    [9, 1, 1],
    [13, 3, 1],
    [17, 2, 2],
    [33, 4, 1],
  ]

  it.each(sizes)('%i blocks in %i and %i slots (T30)', async (blocks, k, m) => {
    await expectTwin(sparse(blocks, 100 * k + m), k, m, [0, k - 1, k + m - 1])
  })

  it.each(MANY_SLOTS)('%i and %i slots of a single block', async (k, m) => {
    await expectTwin(sparse(k, k), k, m, [0, 1, k, k + m - 1])
  })

  it('bytes in every cell, a last block of one byte', async () => {
    await expectTwin(noise(1, 2 * BLOCK + 1, 12)[0] ?? new Uint8Array(), 2, 1, [0, 1, 2])
  })

  it('nothing but zeros', async () => {
    await expectTwin(new Uint8Array(3 * BLOCK), 2, 2, [0, 1, 2, 3])
  })

  async function expectTwin(bytes: Uint8Array, k: number, m: number, slotIndices: readonly number[]): Promise<void> {
    const expected = twinDataset(bytes, k, m)
    const dataset = await buildDataset(bytes, { ecK: k, ecM: m })
    expect(dataset.slotRoots).toEqual(expected.slotRoots)
    expect(dataset.datasetRoot).toBe(expected.datasetRoot)
    expect(toHex(dataset.plain.treeCid.digest)).toBe(toHex(expected.originalRoot))
    expect(toHex(dataset.protected.treeCid.digest)).toBe(toHex(expected.protectedRoot))
    expect(dataset.verifiable).toMatchObject({
      datasetSize: expected.digests.length * BLOCK,
      originalDatasetSize: bytes.length,
      ecK: k,
      ecM: m,
      cellSize: 2048,
      protectedStrategy: 'stepped',
      verifiableStrategy: 'linear',
    })
    for (const slot of new Set(slotIndices)) {
      const challenge = sha256(Uint8Array.of(slot, k, m))
      expect(await proofInputs(dataset, slot, `0x${toHex(challenge)}`)).toEqual(twinInputs(expected, slot, challenge))
    }
  }
}

function ownership({ buildDataset, proofInputs }: Entry): void {
  it('copies the bytes before it returns, changes and detaches none', async () => {
    const whole = sparse(3, 5)
    const before = whole.slice()
    const building = buildDataset(whole, { ecK: 2, ecM: 1 })
    expect(toHex(sha256(whole))).toBe(toHex(sha256(before)))
    whole.fill(255)
    const [dataset, again] = [await building, await buildDataset(before, { ecK: 2, ecM: 1 })]
    expect(dataset).toEqual(again)
    const challenge = `0x${'ab'.repeat(32)}`
    expect(await proofInputs(dataset, 0, challenge)).toEqual(await proofInputs(again, 0, challenge))
  })

  it('takes views, and shared memory', async () => {
    const bytes = sparse(2, 9)
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length + 7)).subarray(3, bytes.length + 3)
    shared.set(bytes)
    expect(await buildDataset(shared, { ecK: 1, ecM: 1 })).toEqual(await buildDataset(bytes, { ecK: 1, ecM: 1 }))
  })

  it('writes the names it is given into all manifests', async () => {
    const names = { filename: 'a.txt', mimetype: 'text/plain' }
    const dataset = await buildDataset(Uint8Array.of(1), { ecK: 1, ecM: 1, ...names })
    for (const kind of ['plain', 'protected', 'verifiable'] as const) expect(dataset[kind]).toMatchObject(names)
    const without = await buildDataset(Uint8Array.of(1), { ecK: 1, ecM: 1, filename: '' })
    expect(without.verifiable).not.toHaveProperty('filename')
  })

  it.each([
    [{ ecK: 1, ecM: 1, blocksize: 65_536 }, 'slots/bad-options', 'blocksize'],
    [{ ecK: 1, ecM: 1, cellSize: 2048 }, 'slots/bad-options', 'cellSize'],
    [{ ecK: 1, ecM: 1, blockSize: 32_768 }, 'erasure/wrong-block-size', 'blockSize'],
    [{ ecK: 1, ecM: 1, blockSize: '65536' as never }, 'erasure/wrong-block-size', 'blockSize'],
  ])('refuses options that it would not keep to: %o', async (options, code, what) => {
    const refused = { code, detail: { what } }
    await expect(buildDataset(Uint8Array.of(1), options)).rejects.toMatchObject(refused)
    const said = await buildDataset(Uint8Array.of(1), { ecK: 1, ecM: 1, blockSize: 65_536 })
    expect(said).toEqual(await buildDataset(Uint8Array.of(1), { ecK: 1, ecM: 1 }))
  })

  it('builds and proves several at the same time', async () => {
    const all = await Promise.all([2, 3, 4].map((blocks) => buildDataset(sparse(blocks, blocks), { ecK: 2, ecM: 1 })))
    const one = await buildDataset(sparse(3, 3), { ecK: 2, ecM: 1 })
    expect(all[1]).toEqual(one)
  })
}
