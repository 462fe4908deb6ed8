import { sha256 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Manifest, ProtectedManifest, VerifiableManifest } from '../../src/entries/protocol.ts'
import {
  blocksCount,
  contentBytes,
  decodeManifest,
  encodeManifest,
  makeCid,
  manifestCid,
  MAX_MANIFEST_BYTES,
  originalBlocksCount,
  parseCid,
  roundedBlocksCount,
  slotBlocksCount,
  slotsCount,
  stepsCount,
} from '../../src/entries/protocol.ts'
import { fromHex, toHex, utf8 } from '../../src/lib/bytes.ts'
import { CodexError } from '../../src/lib/errors.ts'
import { FIELD_ORDER } from '../../src/protocol/cid.ts'
import { manifestBytes } from '../../src/protocol/manifestcodec.ts'
import { WireWriter } from '../../src/protocol/wire.ts'
import vectors from '../vectors/manifest.json' with { type: 'json' }
import uploads from '../vectors/upload.json' with { type: 'json' }
import { survives } from './hostile.ts'

const TREE = makeCid(0xcd03, 0x12, sha256(utf8('tree')))
const ORIGINAL_TREE = makeCid(0xcd03, 0x12, sha256(utf8('orig')))
const field = (value: number): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, i) => (i < 4 ? (value >> (8 * i)) & 255 : 0))
const slotRoot = (value: number) => makeCid(0xcd04, 0, field(value))
const VERIFY_ROOT = makeCid(0xcd05, 0, field(7))

const plain: Manifest = { kind: 'plain', layout: 'marketplace', treeCid: TREE, blockSize: 65_536, datasetSize: 100_000 }
const guarded: ProtectedManifest = {
  kind: 'protected',
  layout: 'marketplace',
  treeCid: TREE,
  blockSize: 65_536,
  datasetSize: 12 * 65_536,
  ecK: 2,
  ecM: 2,
  originalTreeCid: ORIGINAL_TREE,
  originalDatasetSize: 5 * 65_536 - 1,
  protectedStrategy: 'stepped',
}
const verifiable: VerifiableManifest = {
  ...guarded,
  kind: 'verifiable',
  verifyRoot: VERIFY_ROOT,
  slotRoots: [0, 1, 2, 3].map(slotRoot),
  cellSize: 2048,
  verifiableStrategy: 'linear',
}

/** A header of the marketplace layout, with fields replaced, left out (null) or added. */
function header(change: Readonly<Record<number, number | Uint8Array | null>> = {}): Uint8Array {
  const fields = { 1: TREE.bytes, 2: 65_536, 3: 100_000, 4: 0xcd02, 5: 0x12, 6: 2, ...change }
  return new WireWriter().bytes(1, message(fields)).finish()
}

function erasure(change: Readonly<Record<number, number | Uint8Array | null>> = {}): Uint8Array {
  return message({ 1: 2, 2: 2, 3: ORIGINAL_TREE.bytes, 4: 5 * 65_536 - 1, 5: 1, ...change })
}

function message(fields: Readonly<Record<number, number | Uint8Array | null>>): Uint8Array {
  const writer = new WireWriter()
  for (const [number, value] of Object.entries(fields))
    if (typeof value === 'number') writer.number(Number(number), value)
    else if (value !== null) writer.bytes(Number(number), value)
  return writer.finish()
}

function verification(roots: readonly Uint8Array[], change: Readonly<Record<number, number>> = {}): Uint8Array {
  const writer = new WireWriter().bytes(1, VERIFY_ROOT.bytes)
  for (const root of roots) writer.bytes(2, root)
  return writer
    .number(3, change[3] ?? 2048)
    .number(4, change[4] ?? 0)
    .finish()
}

const guardedHeader = (change: Readonly<Record<number, number | Uint8Array | null>>): Uint8Array =>
  header({ 3: 12 * 65_536, 7: erasure(change) })
const roots = (...values: number[]): Uint8Array[] => values.map((value) => slotRoot(value).bytes)

describe('a manifest', () => {
  it.each(vectors.cases)('is read and written: $name', ({ hex, length, cid }) => {
    const bytes = fromHex(hex)
    expect(bytes).toHaveLength(length)
    expect(String(manifestCid(bytes))).toBe(cid)
    const manifest = decodeManifest(bytes)
    expect(toHex(encodeManifest(manifest))).toBe(hex)
    expect(decodeManifest(encodeManifest(manifest))).toEqual(manifest)
  })

  it('says what the vectors say', () => {
    const [first, named, , guardedOne, provable] = vectors.cases.map(({ hex }) => decodeManifest(fromHex(hex)))
    expect(first).toEqual({ ...plain, datasetSize: 100 * 2 ** 20 })
    expect(named).toEqual({ ...plain, datasetSize: 100 * 2 ** 20, filename: 'codex.png', mimetype: 'image/png' })
    const sizes = { blockSize: 2 ** 20, datasetSize: 200 * 2 ** 20, originalDatasetSize: 100 * 2 ** 20 }
    expect(guardedOne).toEqual({ ...guarded, ...sizes })
    expect(provable).toEqual({ ...verifiable, ...sizes, verifyRoot: (provable as VerifiableManifest).verifyRoot })
  })

  it.each(uploads.newerLayout)('is read in the newer layout: $rule $filename', (vector) => {
    const fields = new WireWriter()
      .number(1, 0)
      .bytes(2, parseCid(vector.treeCid).bytes)
      .number(3, 65_536)
      .number(4, vector.datasetSize)
      .number(5, 0xcd02)
      .number(6, 0x12)
      .number(7, 2)
    if (vector.filename !== null) fields.bytes(8, utf8(vector.filename))
    fields.bytes(9, utf8(vector.mimetype))
    const bytes = new WireWriter().bytes(1, fields.finish()).finish()
    expect(String(manifestCid(bytes))).toBe(vector.manifestCidLogosLayout)
    const manifest = decodeManifest(bytes)
    expect(manifest).toEqual({
      kind: 'plain',
      layout: 'newer',
      treeCid: parseCid(vector.treeCid),
      blockSize: 65_536,
      datasetSize: vector.datasetSize,
      ...(vector.filename !== null && { filename: vector.filename }),
      mimetype: vector.mimetype,
    })
    expect(decodeManifest(encodeManifest(manifest))).toEqual({ ...manifest, layout: 'marketplace' })
  })

  it('gives the numbers that follow from it', () => {
    expect([blocksCount(plain), originalBlocksCount(plain), contentBytes(plain)]).toEqual([2, 2, 100_000])
    expect([blocksCount(guarded), originalBlocksCount(guarded), contentBytes(guarded)]).toEqual([12, 5, 5 * 65_536 - 1])
    const numbers = [roundedBlocksCount, stepsCount, slotsCount, slotBlocksCount].map((of) => of(verifiable))
    expect(numbers).toEqual([6, 3, 4, 3])
    const huge = { ...plain, blockSize: 3, datasetSize: Number.MAX_SAFE_INTEGER }
    expect(blocksCount(huge)).toBe(Number((BigInt(Number.MAX_SAFE_INTEGER) + 2n) / 3n))
  })

  it('fits with 256 slots and the longest names', () => {
    const slotRoots = Array.from({ length: 256 }, (_, i) => slotRoot(i))
    const sizes = { ecK: 128, ecM: 128, datasetSize: 256 * 65_536, originalDatasetSize: 128 * 65_536 }
    const manifest: Manifest = {
      ...verifiable,
      ...sizes,
      slotRoots,
      filename: 'x'.repeat(4096),
      mimetype: 'y'.repeat(255),
    }
    expect(decodeManifest(encodeManifest(manifest))).toEqual(manifest)
    expect(encodeManifest(manifest).length).toBeLessThan(MAX_MANIFEST_BYTES / 4)
  })

  it('takes absent numbers as 0, empty names and parts as absent, and skips what it does not know', () => {
    expect(decodeManifest(header({ 3: null }))).toEqual({ ...plain, datasetSize: 0 })
    const empty = new Uint8Array(0)
    expect(decodeManifest(header({ 7: empty, 8: empty, 9: empty }))).toEqual(plain)
    expect(decodeManifest(guardedHeader({ 6: empty })).kind).toBe('protected')
    expect(decodeManifest(header({ 10: 7, 11: utf8('later'), 1000: 2 ** 52 }))).toEqual(plain)
    const outer = Uint8Array.from([...header(), ...message({ 2: 5, 3: utf8('later') })])
    expect(decodeManifest(outer)).toEqual(plain)
    expect(encodeManifest({ ...plain, filename: '', mimetype: '' })).toEqual(encodeManifest(plain))
  })

  it('reads names that are not UTF-8 byte by byte, and keeps the bytes for whoever stores it', () => {
    const bytes = header({ 8: Uint8Array.of(0x63, 0x61, 0x66, 0xe9), 9: Uint8Array.of(0xe2, 0x82), 77: 5 })
    const manifest = decodeManifest(bytes)
    expect(manifest).toMatchObject({ filename: 'café', mimetype: '\u00e2\u0082' })
    bytes.fill(0, 0, 1)
    expect(manifestBytes(manifest)).toEqual(
      header({ 8: Uint8Array.of(0x63, 0x61, 0x66, 0xe9), 9: Uint8Array.of(0xe2, 0x82), 77: 5 }),
    )
    expect(manifestBytes({ ...manifest })).toEqual(encodeManifest(manifest))
    expect(manifestBytes(plain)).toEqual(encodeManifest(plain))
  })

  it('keeps names as they are: marks, controls, any script', () => {
    for (const filename of ['\ufeffmark', 'żółć.txt', '../../etc/passwd', '🗂', 'a\u0000b'])
      expect(decodeManifest(encodeManifest({ ...plain, filename }))).toEqual({ ...plain, filename })
  })

  it.each([
    ['no bytes', new Uint8Array(0), 'no-header'],
    ['something else than bytes', 'zDv' as never, 'not-bytes'],
    ['too many bytes', new Uint8Array(MAX_MANIFEST_BYTES + 1), 'too-long'],
    ['a header that is a number', message({ 1: 7 }), 'wrong-wire-type'],
    ['two headers', Uint8Array.from([...header(), ...header()]), 'duplicate-field'],
    ['an empty header', message({ 1: new Uint8Array(0) }), 'unknown-codec'],
    ['no tree CID', header({ 1: null }), 'bad-cid'],
    ['an unparsable tree CID', header({ 1: utf8('no CID') }), 'bad-cid'],
    ['a tree CID with a byte more', header({ 1: Uint8Array.from([...TREE.bytes, 0]) }), 'bad-cid'],
    ['the CID of a block as tree', header({ 1: makeCid(0xcd02, 0x12, sha256(utf8('b'))).bytes }), 'wrong-cid-kind'],
    ['blocks of no bytes', header({ 2: 0 }), 'bad-size'],
    ['blocks larger than any message', header({ 2: 2 ** 26 + 1 }), 'bad-size'],
    ['another codec', header({ 4: 0x55 }), 'unknown-codec'],
    ['another hash', header({ 5: 0x13 }), 'unknown-hash'],
    ['CID version 0', header({ 6: 1 }), 'unknown-version'],
    ['no CID version', header({ 6: null }), 'unknown-version'],
    ['a long filename', header({ 8: new Uint8Array(4097).fill(65) }), 'bad-text'],
    ['a long mimetype', header({ 9: new Uint8Array(256).fill(65) }), 'bad-text'],
    ['a filename that is a number', header({ 8: 5 }), 'wrong-wire-type'],
    ['a block count that differs from steps·(K+M)', header({ 3: 13 * 65_536, 7: erasure() }), 'sizes-disagree'],
    ['an original size that differs', guardedHeader({ 4: 7 * 65_536 }), 'sizes-disagree'],
    ['a protected size that is not whole blocks', header({ 3: 12 * 65_536 - 1, 7: erasure() }), 'sizes-disagree'],
    [
      'sizes that overflow',
      header({ 2: 1, 3: 2 ** 53 - 1, 7: erasure({ 2: 60_000, 4: 2 ** 53 - 1 }) }),
      'sizes-disagree',
    ],
    ['K of 0', guardedHeader({ 1: 0 }), 'bad-code'],
    ['no K', guardedHeader({ 1: null }), 'bad-code'],
    ['K + M beyond the code', guardedHeader({ 1: 65_536 }), 'bad-code'],
    ['a huge K', guardedHeader({ 1: 2 ** 53 - 1, 2: 2 ** 53 - 1 }), 'bad-code'],
    ['no original tree CID', guardedHeader({ 3: null }), 'bad-cid'],
    ['a strategy of 2', guardedHeader({ 5: 2 }), 'bad-strategy'],
    ['no slot root', guardedHeader({ 6: verification([]) }), 'slot-roots-disagree'],
    ['a slot root too few', guardedHeader({ 6: verification(roots(1, 2, 3)) }), 'slot-roots-disagree'],
    ['a slot root too many', guardedHeader({ 6: verification(roots(1, 2, 3, 4, 5)) }), 'slot-roots-disagree'],
    ['an unparsable slot root', guardedHeader({ 6: verification([...roots(1, 2, 3), utf8('no')]) }), 'bad-cid'],
    ['a tree CID as slot root', guardedHeader({ 6: verification([...roots(1, 2, 3), TREE.bytes]) }), 'wrong-cid-kind'],
    ['a verification without verify root', guardedHeader({ 6: message({ 3: 2048 }) }), 'bad-cid'],
    ['cells of no bytes', guardedHeader({ 6: verification(roots(1, 2, 3, 4), { 3: 0 }) }), 'bad-cell-size'],
    [
      'cells that do not divide a block',
      guardedHeader({ 6: verification(roots(1, 2, 3, 4), { 3: 3000 }) }),
      'bad-cell-size',
    ],
    ['a slot strategy of 7', guardedHeader({ 6: verification(roots(1, 2, 3, 4), { 4: 7 }) }), 'bad-strategy'],
    ['a newer version', message({ 1: message({ 1: 1, 2: TREE.bytes }) }), 'unknown-version'],
    ['the newer layout without a tree', message({ 1: message({ 1: 0, 5: 0xcd02, 6: 0x12, 7: 2 }) }), 'bad-cid'],
  ])('is refused with %s', (_, bytes, code) => {
    expect(() => decodeManifest(bytes)).toThrow(
      expect.objectContaining({ name: 'CodexError', code: `manifest/${code}` }),
    )
  })

  it('tells which slot has a root that is no element of the field, or no root', () => {
    // The order itself, little-endian as digests are.
    const order = Uint8Array.from({ length: 32 }, (_, i) => Number((FIELD_ORDER >> BigInt(8 * i)) & 0xffn))
    const beyond = slotRoot(3).bytes.slice()
    beyond.set(order, beyond.length - order.length)
    const refused = (roots: Uint8Array[]) => () => decodeManifest(guardedHeader({ 6: verification(roots) }))
    expect(refused([...roots(1, 2), beyond, ...roots(4)])).toThrow(
      expect.objectContaining({
        code: 'manifest/bad-cid',
        message: expect.stringMatching(/^expected slotRoots\[2\] .* below the field order/) as string,
        detail: { what: 'slotRoots[2]', slotIndex: 2 },
      }),
    )
    expect(refused([...roots(1, 2, 3), TREE.bytes])).toThrow(
      expect.objectContaining({ code: 'manifest/wrong-cid-kind', detail: { what: 'slotRoots[3]', slotIndex: 3 } }),
    )
  })

  it.each([
    ['a size of 64 bits', '18ffffffffffffffffff01', 'number-too-large'],
    ['a size of exactly 2^53', '1880808080808080' + '10', 'number-too-large'],
    ['a size beyond 64 bits', '18ffffffffffffffffff7f', 'not-canonical'],
    ['a size in a longer form', '188000', 'not-canonical'],
    ['field number 0', '0000', 'bad-field-number'],
    ['a group', '2b2c', 'unknown-wire-type'],
    ['a length beyond its end', '42ffffff7f', 'truncated'],
  ])('is refused with %s on the wire', (_, hex, code) => {
    const fields = message({ 1: TREE.bytes, 2: 65_536, 4: 0xcd02, 5: 0x12, 6: 2 })
    const bytes = new WireWriter().bytes(1, Uint8Array.from([...fields, ...fromHex(hex)])).finish()
    expect(() => decodeManifest(bytes)).toThrow(expect.objectContaining({ code: `manifest/${code}` }))
  })

  it.each<[string, object, string]>([
    ['no manifest', { kind: 'whole' }, 'bad-kind'],
    ['the text of a CID', { treeCid: String(TREE) }, 'wrong-cid-kind'],
    ['the kind of a CID alone', { treeCid: { kind: 'tree' } }, 'wrong-cid-kind'],
    ['text for the bytes of a CID', { treeCid: { kind: 'tree', bytes: 'x' } }, 'wrong-cid-kind'],
    ['a look-alike of a CID', { verifyRoot: { ...VERIFY_ROOT } }, 'wrong-cid-kind'],
    ['a look-alike of a list', { slotRoots: { length: 4 } }, 'slot-roots-disagree'],
    ['a list with holes', { slotRoots: new Array(4) }, 'wrong-cid-kind'],
    ['a fraction of a byte', { datasetSize: 0.5 }, 'bad-size'],
    ['a negative size', { datasetSize: -1 }, 'bad-size'],
    ['a size beyond 2^53', { datasetSize: 2 ** 53 }, 'bad-size'],
    ['half a character', { filename: 'a\ud800' }, 'bad-text'],
    ['a name that is no text', { mimetype: 7 }, 'bad-text'],
    ['an unknown strategy', { protectedStrategy: 'zigzag' }, 'bad-strategy'],
    ['a missing list of roots', { slotRoots: undefined }, 'slot-roots-disagree'],
    [
      'more slots than the circuit knows',
      { ecK: 200, ecM: 57, originalDatasetSize: 1, datasetSize: 257 * 65_536 },
      'too-many-slots',
    ],
  ])('is not written with %s', (_, change, code) => {
    expect(() => encodeManifest({ ...verifiable, ...change })).toThrow(
      expect.objectContaining({ name: 'CodexError', code: `manifest/${code}` }),
    )
  })

  it('reads back what it wrote, whatever the manifest', () => {
    const name = fc.option(fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }), { nil: undefined })
    const anyManifest = fc.record({
      kind: fc.constantFrom<Manifest['kind']>('plain', 'protected', 'verifiable'),
      blockSize: fc.constantFrom(1, 4096, 65_536, 2 ** 20),
      size: fc.nat(2 ** 33),
      ecK: fc.integer({ min: 1, max: 40 }),
      ecM: fc.integer({ min: 0, max: 40 }),
      filename: name,
      mimetype: name,
      strategy: fc.constantFrom<'linear' | 'stepped'>('linear', 'stepped'),
    })
    fc.assert(
      fc.property(anyManifest, ({ kind, blockSize, size, ecK, ecM, filename, mimetype, strategy }) => {
        const names = { ...(filename !== undefined && { filename }), ...(mimetype !== undefined && { mimetype }) }
        const steps = Math.ceil(Math.ceil(size / blockSize) / ecK)
        const datasetSize = kind === 'plain' ? size : steps * (ecK + ecM) * blockSize
        const common = { layout: 'marketplace' as const, treeCid: TREE, blockSize, datasetSize, ...names }
        const code = {
          ecK,
          ecM,
          originalTreeCid: ORIGINAL_TREE,
          originalDatasetSize: size,
          protectedStrategy: strategy,
        }
        const slots = {
          ...code,
          verifyRoot: VERIFY_ROOT,
          slotRoots: Array.from({ length: ecK + ecM }, (_, i) => slotRoot(i)),
        }
        const manifest: Manifest =
          kind === 'plain'
            ? { kind, ...common }
            : kind === 'protected'
              ? { kind, ...common, ...code }
              : { kind, ...common, ...slots, cellSize: 1, verifiableStrategy: strategy }
        expect(decodeManifest(encodeManifest(manifest))).toEqual(manifest)
      }),
    )
  })

  it('survives hostile bytes', () => {
    survives(
      decodeManifest,
      vectors.cases.map(({ hex }) => fromHex(hex)),
      1500,
    )
    survives(
      (bytes) => {
        const manifest = decodeManifest(bytes)
        try {
          encodeManifest(manifest)
        } catch (error) {
          throw CodexError.is(error) ? new Error(`read but not writable: ${error.message}`, { cause: error }) : error
        }
      },
      [encodeManifest(verifiable)],
    )
  })
})
