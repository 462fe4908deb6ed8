import { base58btc } from 'multiformats/bases/base58'
import { describe, expect, it } from 'vitest'
import {
  blockCid,
  Cid,
  decodeCid,
  EMPTY_BLOCK_CID,
  equalCids,
  isBlockCid,
  isEmptyBlockCid,
  isManifestCid,
  isSlotCellCid,
  isSlotRootCid,
  isTreeCid,
  isVerifyRootCid,
  makeCid,
  manifestCid,
  parseCid,
} from '../../src/entries/protocol.ts'
import { fromHex, toHex, utf8 } from '../../src/lib/bytes.ts'
import vectors from '../vectors/cids.json' with { type: 'json' }
import { survives } from './hostile.ts'

const HELLO = 'zDxWB8ED1aT6toYW9R1grC12wesgfBLxovs7KLq5WwfzvwsYTSV9'
const DIGEST = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'
const FIELD_ORDER_LE = '010000f093f5e1439170b97948e833285d588181b64550b829a031e1724e6430'

describe('a CID', () => {
  it.each(vectors.cases)('reads and writes: $name', ({ codec, hash, digest, bytes, string }) => {
    for (const cid of [
      parseCid(string),
      decodeCid(fromHex(bytes)),
      makeCid(Number(codec), Number(hash), fromHex(digest)),
    ]) {
      expect(String(cid)).toBe(string)
      expect(toHex(cid.bytes)).toBe(bytes)
      expect(toHex(cid.digest)).toBe(digest)
      expect(cid.codec).toBe(Number(codec))
      expect(cid.hashCode).toBe(Number(hash))
      expect(cid).toEqual(parseCid(string))
      expect(cid).toBeInstanceOf(Cid)
      expect(JSON.stringify({ cid })).toBe(JSON.stringify({ cid: string }))
    }
  })

  it('knows its kind', () => {
    const checks = [
      isBlockCid,
      isBlockCid,
      isBlockCid,
      isTreeCid,
      isSlotRootCid,
      isVerifyRootCid,
      isSlotCellCid,
      isSlotRootCid,
    ]
    const kinds = new Set([isManifestCid, ...checks])
    for (const [i, vector] of vectors.cases.entries())
      for (const is of kinds) expect(is(parseCid(vector.string))).toBe(is === checks[i])
    expect(isManifestCid(manifestCid(utf8('anything')))).toBe(true)
    expect(String(manifestCid(utf8('anything')))).toMatch(/^zDv/)
  })

  it('hashes blocks, the empty one too', () => {
    expect(String(blockCid(utf8('hello')))).toBe(HELLO)
    expect(String(blockCid(new Uint8Array(65_536)))).toBe('zDxWB8EDDWK5FyQxd7ZvgwYjWN7znXGrohEGiqaCUs717sM1SwMi')
    expect(String(EMPTY_BLOCK_CID)).toBe('zDxWB8EDDsokSpiTXNRpv1jS2LXjEdLgTiDfxFd7Eo8CSPKVj93r')
    expect(isEmptyBlockCid(blockCid(new Uint8Array(0)))).toBe(true)
    expect(isEmptyBlockCid(blockCid(new Uint8Array(65_536)))).toBe(false)
  })

  it('is a value: equal by bytes, and keeps its own copy', () => {
    const input = fromHex(`01829a031220${DIGEST}`)
    const cid = decodeCid(input)
    input.fill(0)
    expect(String(cid)).toBe(HELLO)
    expect(equalCids(cid, parseCid(HELLO))).toBe(true)
    expect(equalCids(cid, EMPTY_BLOCK_CID)).toBe(false)
    expect(cid).not.toEqual(EMPTY_BLOCK_CID)
  })

  const text = (hex: string): string => base58btc.encode(fromHex(hex))
  it.each([
    ['nothing', '', 'cid/not-base58btc'],
    ['a bare prefix', 'z', 'cid/not-base58btc'],
    ['a space before', ` ${HELLO}`, 'cid/not-base58btc'],
    ['a space after', `${HELLO} `, 'cid/not-base58btc'],
    ['a line end after', `${HELLO}\n`, 'cid/not-base58btc'],
    ['no prefix', HELLO.slice(1), 'cid/not-base58btc'],
    ['another multibase', `f01829a031220${DIGEST}`.slice(0, 60), 'cid/not-base58btc'],
    ['a character base58 leaves out', HELLO.replace('6', '0'), 'cid/not-base58btc'],
    ['a character beyond bytes', HELLO.replace('6', '\u4e00'), 'cid/not-base58btc'],
    ['a leading zero byte', `z1${HELLO.slice(1)}`, 'cid/unsupported-version'],
    ['its last character gone', HELLO.slice(0, -1), undefined],
    ['one more character', `${HELLO}1`, undefined],
    ['far too long a text', `z${'1'.repeat(100_000)}`, 'cid/text-too-long'],
    ['version 0 as text', 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKU3gP', 'cid/not-base58btc'],
    ['version 0 as bytes', text(`1220${DIGEST}`), 'cid/unsupported-version'],
    ['version 2', text(`02829a031220${DIGEST}`), 'cid/unsupported-version'],
    ['an overlong version', text(`8100829a031220${DIGEST}`), 'cid/not-canonical'],
    ['an overlong codec', text(`01829a83001220${DIGEST}`), 'cid/not-canonical'],
    ['an overlong hash code', text(`01829a03920020${DIGEST}`), 'cid/not-canonical'],
    ['an overlong length', text(`01829a0312a000${DIGEST}`), 'cid/not-canonical'],
    ['a short digest', text(`01829a03121f${DIGEST.slice(2)}`), 'cid/wrong-digest-length'],
    ['a digest cut short', text(`01829a031220${DIGEST.slice(2)}`), 'cid/truncated'],
    ['bytes after its digest', text(`01829a031220${DIGEST}00`), 'cid/trailing-bytes'],
    ['a foreign codec', text(`01551220${DIGEST}`), 'cid/unknown-codec'],
    ['a codec beyond 2^53', text(`01ffffffffffffffff7f1220${DIGEST}`), 'cid/unknown-codec'],
    ['a foreign hash', text(`01829a031320${DIGEST}`), 'cid/unknown-hash'],
    ['the hash of another kind', text(`01829a030020${DIGEST}`), 'cid/wrong-hash'],
    ['a slot root hashed like a block', text(`01849a031220${DIGEST}`), 'cid/wrong-hash'],
    ['a slot root equal to the field order', text(`01849a030020${FIELD_ORDER_LE}`), 'cid/digest-not-in-field'],
    ['a verify root above the field order', text(`01859a030020${'ff'.repeat(32)}`), 'cid/digest-not-in-field'],
    ['a slot cell above the field order', text(`01869a03919a0320${'ff'.repeat(32)}`), 'cid/digest-not-in-field'],
  ])('is refused with %s', (_, input, code) => {
    expect(() => parseCid(input)).toThrow(
      expect.objectContaining({ name: 'CodexError', code: code ?? expect.stringMatching(/^cid\//) }),
    )
  })

  it.each([
    ['zDv', 'cid/truncated', 'expected at least 52 characters of a CID, found 3: "zDv". Copy all of it'],
    [HELLO.slice(0, 20), 'cid/truncated', 'found 20: "zDxWB8ED1aT6toYW9R1g"'],
    [HELLO.slice(0, -1), 'cid/truncated', 'found 51: '],
    [HELLO.replace('zDx', 'zEx'), 'cid/unknown-codec', `, in "${HELLO.replace('zDx', 'zEx')}": compare`],
    [HELLO.replace('zDx', 'z7x'), 'cid/', `, in "${HELLO.replace('zDx', 'z7x')}": compare`],
    [text(`1220${DIGEST}`), 'cid/unsupported-version', 'expected CID version 1, found version 0'],
    [`${HELLO}\u202e`, 'cid/not-base58btc', `found "${HELLO}\\u{202e}"`],
    ['z'.repeat(1000), 'cid/text-too-long', `found 1000: "${'z'.repeat(77)}…"`],
    ['', 'cid/not-base58btc', 'found ""'],
  ])('names the text %j in its refusal', (input, code, message) => {
    expect(() => parseCid(input)).toThrow(
      expect.objectContaining({
        code: expect.stringContaining(code) as string,
        message: expect.stringContaining(message) as string,
      }),
    )
  })

  it('every text cut short is called so, or named whole', () => {
    for (const { string } of vectors.cases)
      for (let length = 1; length < 52; length++) {
        const cut = string.slice(0, length)
        expect(() => parseCid(cut)).toThrow(cut)
      }
  })

  it('is one of ours: what only looks like one is refused', () => {
    const cid = parseCid(HELLO)
    const alike = { kind: cid.kind, codec: cid.codec, hashCode: cid.hashCode, digest: cid.digest, bytes: cid.bytes }
    expect(Cid.is(cid)).toBe(true)
    for (const other of [alike, Object.create(Cid.prototype), HELLO, cid.bytes, null, undefined]) {
      expect(Cid.is(other)).toBe(false)
      const refusal = expect.objectContaining({ name: 'CodexError', code: 'cid/not-a-cid' })
      expect(() => equalCids(cid, other as never)).toThrow(refusal)
      expect(() => isBlockCid(other as never)).toThrow(refusal)
    }
    expect(Object.is(makeCid(0xcd04, -0, new Uint8Array(32)).hashCode, 0)).toBe(true)
  })

  it('is refused when it is not even text, or not bytes', () => {
    for (const input of [undefined, null, 7, new Uint8Array(38)])
      expect(() => parseCid(input as never)).toThrow(expect.objectContaining({ code: 'cid/not-base58btc' }))
    for (const input of [undefined, null, 7, HELLO])
      expect(() => decodeCid(input as never)).toThrow(expect.objectContaining({ code: 'cid/not-bytes' }))
    for (const input of [undefined, null, DIGEST, new Uint8Array(31)])
      expect(() => makeCid(0xcd02, 0x12, input as never)).toThrow(
        expect.objectContaining({ code: 'cid/wrong-digest-length' }),
      )
  })

  it('reaches up to the field order, and no hash is bound by it', () => {
    const last = fromHex(FIELD_ORDER_LE)
    last[0] = 0
    expect(isSlotRootCid(makeCid(0xcd04, 0, last))).toBe(true)
    expect(isBlockCid(makeCid(0xcd02, 0x12, new Uint8Array(32).fill(255)))).toBe(true)
  })

  it('survives hostile bytes and hostile text', () => {
    const samples = vectors.cases.map(({ bytes }) => fromHex(bytes))
    survives(decodeCid, samples)
    survives((bytes) => parseCid(base58btc.encode(bytes)), samples)
    survives(
      (bytes) => parseCid(String.fromCharCode(...bytes)),
      vectors.cases.map(({ string }) => utf8(string)),
    )
  })
})
