import { describe, expect, it } from 'vitest'
import { decodeManifest, describeUpload, encodeManifest, manifestCid } from '../../src/entries/protocol.ts'
import { toHex, utf8 } from '../../src/lib/bytes.ts'
import vectors from '../vectors/upload.json' with { type: 'json' }

/** The bytes a vector's rule names. */
function bytesOf(rule: string): Uint8Array {
  if (rule.startsWith('text:')) return utf8(rule.slice('text:'.length))
  if (rule.startsWith('fill:')) return new Uint8Array(65_536).fill(0x41)
  const [, length, seed] = /^xorshift32 len=(\d+) seed=(\d+)$/.exec(rule) ?? []
  let state = Number(seed)
  return Uint8Array.from({ length: Number(length) }, () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state & 255
  })
}

describe('describeUpload', () => {
  it.each(vectors.cases)('reproduces $rule $filename $mimetype', (vector) => {
    const { rule, filename, mimetype, datasetSize } = vector
    const names = { ...(filename !== null && { filename }), ...(mimetype !== null && { mimetype }) }
    const upload = describeUpload(bytesOf(rule), names)
    expect(upload.manifest.datasetSize).toBe(datasetSize)
    expect(String(upload.treeCid)).toBe(vector.treeCid)
    expect(String(upload.manifestCid)).toBe(vector.manifestCid)
    const bytes = encodeManifest(upload.manifest)
    expect(toHex(bytes)).toBe(vector.manifestHex)
    expect(decodeManifest(bytes)).toEqual(upload.manifest)
    expect(String(manifestCid(bytes))).toBe(vector.manifestCid)
  })

  it.each(vectors.newerLayout)('has the tree a later node gave for $rule', ({ rule, treeCid }) => {
    expect(String(describeUpload(bytesOf(rule)).treeCid)).toBe(treeCid)
  })

  it('takes empty names as none', () => {
    const bytes = utf8('payload')
    expect(describeUpload(bytes, { filename: '', mimetype: undefined })).toEqual(describeUpload(bytes))
    expect(describeUpload(bytes, { filename: null, mimetype: null })).toEqual(describeUpload(bytes))
    expect(describeUpload(bytes, null)).toEqual(describeUpload(bytes))
  })

  it('refuses nothing, what is not bytes, and names no manifest may hold', () => {
    expect(() => describeUpload(new Uint8Array(0))).toThrow(expect.objectContaining({ code: 'upload/empty' }))
    expect(() => describeUpload('payload' as never)).toThrow(expect.objectContaining({ code: 'upload/not-bytes' }))
    expect(() => describeUpload(utf8('a'), 'name' as never)).toThrow(
      expect.objectContaining({ code: 'upload/bad-names' }),
    )
    for (const mimetype of [0, false, 7])
      expect(() => describeUpload(utf8('a'), { mimetype: mimetype as never })).toThrow(
        expect.objectContaining({ code: 'manifest/bad-text' }),
      )
    const filename = 'x'.repeat(5000)
    expect(() => describeUpload(utf8('a'), { filename })).toThrow(
      expect.objectContaining({ code: 'manifest/bad-text' }),
    )
  })
})
