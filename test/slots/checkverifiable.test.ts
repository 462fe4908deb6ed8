import { describe, expect, it } from 'vitest'
import { fromHex, toHex } from '../../src/lib/bytes.ts'
import { CodexError } from '../../src/lib/errors.ts'
import { makeCid } from '../../src/protocol/cid.ts'
import type { VerifiableManifest } from '../../src/protocol/manifest.ts'
import { decodeManifest } from '../../src/protocol/manifestcodec.ts'
import { checkVerifiable } from '../../src/slots/checkverifiable.ts'
import { packElements } from '../../src/slots/fieldelements.ts'
import { hashJobs } from '../../src/slots/hashjobs.ts'
import { PooledPoseidon2 } from '../../src/slots/pooledposeidon2.ts'
import { localPool } from '../../src/workers/localpool.ts'
import { loadPoseidon2 } from '../../wasm/poseidon2/loadposeidon2.ts'
import vectors from '../vectors/slots.json' with { type: 'json' }

const options = { signal: new AbortController().signal, rank: 'sale' } as const
const poseidon2 = new PooledPoseidon2(localPool(hashJobs(loadPoseidon2)))
const [, known] = vectors.cases
if (known === undefined) throw new Error('no second case')
const decoded = decodeManifest(fromHex(known.verifiable.manifestHex))
if (decoded.kind !== 'verifiable') throw new Error('not verifiable')
const good: VerifiableManifest = decoded
const plain = decodeManifest(fromHex(known.plain.manifestHex))
const slotRoot = makeCid(0xcd04, 0, packElements([5n]))

const refusal = (manifest: unknown, more: object = {}): Promise<unknown> =>
  checkVerifiable(poseidon2, manifest as VerifiableManifest, { ...options, ...more }).catch((error: unknown) => error)

describe('a verifiable manifest', () => {
  it.each(vectors.cases)(
    '$name holds, also against its request',
    async ({ verifiable, merkleRootOnChain, ...expected }) => {
      const manifest = decodeManifest(fromHex(verifiable.manifestHex))
      for (const merkleRoot of [undefined, merkleRootOnChain, `0x${merkleRootOnChain.slice(2).toUpperCase()}`]) {
        const checked = await checkVerifiable(poseidon2, manifest, { ...options, merkleRoot })
        expect(checked.manifest).toEqual(manifest)
        expect(checked.datasetRoot).toBe(BigInt(expected.verifyRoot))
        expect(checked.slotRoots).toEqual(expected.slots.map((slot) => BigInt(slot.slotRoot)))
        expect(checked.geometry.slotBytes).toBe(expected.slotSizeOnChain)
        expect(`0x${toHex(checked.verificationNodes.subarray(-32))}`).toBe(merkleRootOnChain)
      }
    },
  )

  const withCode = (ecK: number, ecM: number, blocks: number): VerifiableManifest => {
    const steps = Math.ceil(blocks / ecK)
    return {
      ...good,
      ecK,
      ecM,
      originalDatasetSize: blocks * 65_536,
      datasetSize: steps * (ecK + ecM) * 65_536,
      slotRoots: Array.from({ length: ecK + ecM }, () => slotRoot),
    }
  }

  it.each([
    ['no manifest', null, 'manifest/bad-kind', {}],
    ['a plain one', plain, 'slots/not-verifiable', { kind: 'plain' }],
    ['a protected one', { ...good, kind: 'protected' }, 'slots/not-verifiable', { kind: 'protected' }],
    ['another layout', { ...good, layout: 'newer' }, 'slots/unsupported-layout', { what: 'layout' }],
    [
      'smaller blocks',
      { ...good, blockSize: 32_768, datasetSize: (14 * 5 * 32_768) / 7, originalDatasetSize: 6 * 32_768 },
      'erasure/wrong-block-size',
      { what: 'blockSize' },
    ],
    ['another cell size', { ...good, cellSize: 4096 }, 'slots/wrong-cell-size', { what: 'cellSize', foundBytes: 4096 }],
    ['cells that do not divide', { ...good, cellSize: 2000 }, 'manifest/bad-cell-size', {}],
    ['more parity than data', withCode(2, 3, 2), 'erasure/bad-code', { ecK: 2, ecM: 3 }],
    ['K = 0', { ...good, ecK: 0 }, 'manifest/bad-code', {}],
    ['257 slots', withCode(129, 128, 129), 'manifest/too-many-slots', {}],
    [
      'fewer blocks than K',
      { ...withCode(3, 2, 2), datasetSize: 5 * 65_536 },
      'erasure/too-small',
      { ecK: 3, foundBlocks: 2 },
    ],
    [
      'blocks dealt out otherwise',
      { ...good, protectedStrategy: 'linear' },
      'slots/unsupported-strategy',
      { what: 'protectedStrategy' },
    ],
    [
      'slots dealt out otherwise',
      { ...good, verifiableStrategy: 'stepped' },
      'slots/unsupported-strategy',
      { what: 'verifiableStrategy' },
    ],
    [
      'a size that is not that of its code',
      { ...good, datasetSize: good.datasetSize + 65_536 },
      'manifest/sizes-disagree',
      {},
    ],
    ['a slot root too few', { ...good, slotRoots: good.slotRoots.slice(1) }, 'manifest/slot-roots-disagree', {}],
    [
      'a tree for a slot root',
      { ...good, slotRoots: good.slotRoots.with(1, good.treeCid) },
      'manifest/wrong-cid-kind',
      { what: 'slotRoots[1]' },
    ],
    [
      'another slot root',
      { ...good, slotRoots: good.slotRoots.with(1, slotRoot) },
      'slots/wrong-verify-root',
      { what: 'verifyRoot' },
    ],
    [
      'slot roots in another order',
      { ...good, slotRoots: [...good.slotRoots].reverse() },
      'slots/wrong-verify-root',
      {},
    ],
    [
      'another verify root',
      { ...good, verifyRoot: makeCid(0xcd05, 0, packElements([7n])) },
      'slots/wrong-verify-root',
      {},
    ],
  ] as const)('with %s does not', async (_, manifest, code, detail) => {
    const error = await refusal(manifest)
    expect(CodexError.is(error, code), String(error)).toBe(true)
    expect(error).toMatchObject({ detail })
  })

  it('of another request does not', async () => {
    const bigEndian = `0x${(known.merkleRootOnChain.slice(2).match(/../g) ?? []).reverse().join('')}`
    for (const merkleRoot of [bigEndian, `0x${'00'.repeat(32)}`])
      expect(await refusal(good, { merkleRoot })).toMatchObject({
        code: 'slots/wrong-merkle-root',
        detail: { what: 'merkleRoot' },
      })
    for (const merkleRoot of ['', '0x', known.merkleRootOnChain.slice(2), `${known.merkleRootOnChain}00`, 7, null, {}])
      expect(await refusal(good, { merkleRoot })).toMatchObject({ code: 'slots/bad-merkle-root' })
  })

  it('holds with another cell size where the circuit has it', async () => {
    expect(await refusal({ ...good, cellSize: 1024 }, { cellSize: 1024 })).toMatchObject({
      geometry: { cellsPerBlock: 64 },
    })
    expect(await refusal(good, { cellSize: 1024 })).toMatchObject({ code: 'slots/wrong-cell-size' })
  })
})
