import { describe, expect, it } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import { decodeManifest } from '../../src/protocol/manifestcodec.ts'
import type { ProtectedManifest, VerifiableManifest } from '../../src/protocol/manifest.ts'
import { isPowerOfTwo, slotBlockIndex, slotGeometry } from '../../src/slots/slotgeometry.ts'
import { fromHex } from '../../src/lib/bytes.ts'
import vectors from '../vectors/slots.json' with { type: 'json' }

function manifestOf(hex: string): ProtectedManifest | VerifiableManifest {
  const manifest = decodeManifest(fromHex(hex))
  if (manifest.kind === 'plain') throw new Error('no slots')
  return manifest
}

const [first] = vectors.cases
const sample = manifestOf(first?.verifiable.manifestHex ?? '')

describe.each(vectors.cases)('$name', (known) => {
  it.each(['protected', 'verifiable'] as const)('has the geometry of its %s manifest', (kind) => {
    expect(slotGeometry(manifestOf(known[kind].manifestHex))).toEqual({
      slotCount: known.ecK + known.ecM,
      slotBlocks: known.numSlotBlocks,
      paddedBlocks: known.numSlotBlocksTotal,
      cellsPerBlock: 32,
      cellCount: known.numSlotCells,
      slotBytes: known.slotSizeOnChain,
    })
  })

  it('deals its blocks out', () => {
    const geometry = slotGeometry(manifestOf(known.verifiable.manifestHex))
    for (const { index, blockIndices, padPositions } of known.slots) {
      const found = blockIndices.map((_, position) => slotBlockIndex(geometry, index, position))
      expect(found).toEqual(
        blockIndices.map((block, i) => ((padPositions as number[]).includes(i) ? undefined : block)),
      )
    }
  })
})

describe('slot geometry', () => {
  const big = (blocks: number): ProtectedManifest =>
    ({
      kind: 'protected',
      blockSize: 65_536,
      datasetSize: blocks * 65_536,
      originalDatasetSize: blocks * 65_536,
      ecK: 1,
      ecM: 0,
    }) as ProtectedManifest

  it.each([
    [1, 1],
    [2, 2],
    [3, 4],
    [2 ** 20 - 1, 2 ** 20],
    [2 ** 20, 2 ** 20],
    [2 ** 20 + 1, 2 ** 21],
    [2 ** 27, 2 ** 27],
  ])('pads %i blocks to %i', (blocks, padded) => {
    expect(slotGeometry(big(blocks)).paddedBlocks).toBe(padded)
  })

  it.each([
    ['slots/slot-too-large', () => slotGeometry(big(2 ** 27 + 1))],
    ['slots/blocks-disagree', () => slotGeometry({ ...sample, datasetSize: sample.datasetSize + 65_536 })],
    ['slots/blocks-disagree', () => slotGeometry({ ...sample, datasetSize: 0 })],
    ['slots/bad-cell-size', () => slotGeometry(sample, 3000)],
    ['slots/bad-cell-size', () => slotGeometry(sample, 0)],
    ['slots/bad-cell-size', () => slotGeometry(sample, 131_072)],
    ['slots/bad-cell-size', () => slotGeometry(sample, 0.5)],
    ['slots/no-such-slot', () => slotBlockIndex(slotGeometry(sample), 3, 0)],
    ['slots/no-such-slot', () => slotBlockIndex(slotGeometry(sample), -1, 0)],
    ['slots/no-such-slot', () => slotBlockIndex(slotGeometry(sample), 0.5, 0)],
    ['slots/no-such-block', () => slotBlockIndex(slotGeometry(sample), 0, 1)],
    ['slots/no-such-block', () => slotBlockIndex(slotGeometry(sample), 0, -1)],
  ] as const)('refuses with %s', (code, compute) => {
    let found: unknown
    try {
      compute()
    } catch (error) {
      found = error
    }
    expect(CodexError.is(found, code), String(found)).toBe(true)
  })

  it('takes another cell size that is asked for', () => {
    expect(slotGeometry(sample, 65_536)).toMatchObject({ cellsPerBlock: 1, cellCount: 1 })
    expect(slotGeometry(sample, 1024)).toMatchObject({ cellsPerBlock: 64, cellCount: 64 })
  })

  it('knows powers of two', () => {
    expect([1, 2, 4, 2 ** 32, 2 ** 52].every(isPowerOfTwo)).toBe(true)
    expect([0, -2, 3, 2 ** 32 - 1, 2 ** 52 + 1, 0.5, Infinity, Number.NaN, '4' as never].some(isPowerOfTwo)).toBe(false)
  })
})
