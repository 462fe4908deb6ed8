// Signed peer records against the published ones, against whoever forges one, and the addresses in them.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeSpr, encodeSpr, signSpr } from '../../src/entries/exchange.ts'
import { decodeMultiaddr, encodeMultiaddr, MAX_MULTIADDR_BYTES } from '../../src/exchange/multiaddr.ts'
import { MAX_SPR_ADDRESSES, MAX_SPR_CHARS } from '../../src/exchange/spr.ts'
import { fromHex, toHex } from '../../src/lib/bytes.ts'
import { CodexError } from '../../src/lib/errors.ts'
import { mutationOf } from '../protocol/hostile.ts'
import vectors from '../vectors/spr.json' with { type: 'json' }

const privateKey = new Uint8Array(32).fill(7)
const RECORD = {
  privateKey,
  seqNo: 1_700_000_000,
  addresses: ['/ip4/192.0.2.1/tcp/8070', '/dns4/a.example/tcp/443/wss'],
}

describe('records of the vectors', () => {
  it.each(vectors.cases)('reads and writes again the record of $peerId', (vector) => {
    const spr = decodeSpr(vector.spr)
    expect({ ...spr, publicKey: toHex(spr.publicKey), signature: toHex(spr.signature) }).toEqual({
      publicKey: vector.publicKeyHex,
      peerId: vector.peerId,
      seqNo: vector.seqNo,
      addresses: vector.addresses,
      signature: vector.signatureDerHex,
    })
    expect(encodeSpr(spr)).toBe(vector.spr)
  })
})

describe('a record of our own', () => {
  it('is read as it was signed', () => {
    const spr = decodeSpr(encodeSpr(RECORD))
    expect(spr).toEqual(signSpr(RECORD))
    expect(spr).toMatchObject({ seqNo: RECORD.seqNo, addresses: RECORD.addresses })
    expect(spr.peerId).toMatch(/^16Uiu2/)
  })

  it('is the same each time', () => {
    expect(encodeSpr(RECORD)).toBe(encodeSpr(RECORD))
  })

  it.each([
    ['another number', { seqNo: 1 }],
    ['other addresses', { addresses: ['/ip4/192.0.2.1/tcp/8071'] }],
    ['addresses in another order', { addresses: RECORD.addresses.toReversed() }],
    ['no addresses', { addresses: [] }],
    ['no signature', { signature: new Uint8Array(0) }],
  ])('is not written with %s under the old signature', (_, change) => {
    expect(() => encodeSpr({ ...signSpr(RECORD), ...change })).toThrow(code('spr/bad-signature'))
  })

  it('is not written under the key of another', () => {
    const { signature } = signSpr(RECORD)
    const other = signSpr({ ...RECORD, privateKey: new Uint8Array(32).fill(8) })
    expect(() => encodeSpr({ ...other, signature })).toThrow(code('spr/bad-signature'))
    expect(() => encodeSpr({ ...other, peerId: signSpr(RECORD).peerId })).toThrow(code('spr/bad-record'))
  })

  it('needs a key, and no more than so many addresses', () => {
    expect(() => signSpr({ ...RECORD, privateKey: new Uint8Array(32) })).toThrow(code('spr/bad-record'))
    expect(() => signSpr({ ...RECORD, privateKey: new Uint8Array(31) })).toThrow(code('spr/bad-record'))
    const many = (count: number): string[] => new Array<string>(count).fill('/ip4/1.2.3.4/tcp/1')
    expect(decodeSpr(encodeSpr({ ...RECORD, addresses: many(MAX_SPR_ADDRESSES) })).addresses).toHaveLength(32)
    expect(() => signSpr({ ...RECORD, addresses: many(MAX_SPR_ADDRESSES + 1) })).toThrow(code('spr/bad-record'))
  })
})

describe('reading', () => {
  it('refuses every record with one byte changed', () => {
    const text = vectors.cases[0]?.spr ?? ''
    for (let at = 4; at < text.length; at++) {
      const other = text[at] === 'A' ? 'B' : 'A'
      expect(() => decodeSpr(text.slice(0, at) + other + text.slice(at + 1))).toThrow(CodexError)
    }
  })

  it('refuses what is no record', () => {
    for (const text of [
      '',
      'spr:',
      'enr:abc',
      'spr:*',
      `spr:${'A'.repeat(MAX_SPR_CHARS)}`,
      `${vectors.cases[0]?.spr}=`,
    ])
      expect(() => decodeSpr(text)).toThrow(CodexError)
  })

  it('answers any mutation with a typed error', () => {
    const texts = vectors.cases.map(({ spr }) => Uint8Array.from(spr, (char) => char.charCodeAt(0)))
    fc.assert(
      fc.property(mutationOf(texts), (bytes) => {
        const text = String.fromCharCode(...bytes)
        try {
          expect(encodeSpr(decodeSpr(text))).toBe(text)
        } catch (error) {
          if (!CodexError.is(error)) throw error
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('addresses', () => {
  it.each([
    ['/ip4/127.0.0.1/tcp/8070', '047f000001061f86'],
    ['/ip4/159.223.243.50/udp/30010', '049fdff332910275' + '3a'],
    ['/ip6/::1/tcp/80', '2900000000000000000000000000000001060050'],
    ['/ip6/2001:db8::1:0:0:1/udp/1', '2920010db8000000000001000000000001910200' + '01'],
    ['/dns4/a.example/tcp/443/wss', '3609612e6578616d706c650601bbde03'],
    ['/ip4/1.2.3.4/udp/5/webrtc-direct', '0401020304910200059802'],
    ['/p2p-circuit', 'a202'],
  ])('%s', (text, hex) => {
    expect(toHex(encodeMultiaddr(text))).toBe(hex)
    expect(decodeMultiaddr(fromHex(hex))).toBe(text)
  })

  it('keep a peer id and a certificate hash', () => {
    const text = `/ip4/1.2.3.4/udp/5/webrtc-direct/certhash/uEiAAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw/p2p/${vectors.cases[0]?.peerId}`
    expect(decodeMultiaddr(encodeMultiaddr(text))).toBe(text)
  })

  it.each([
    '',
    'ip4/1.2.3.4',
    '/',
    '/ip4',
    '/ip4/1.2.3',
    '/ip4/1.2.3.256',
    '/ip4/01.2.3.4',
    '/ip6/1::2::3',
    '/ip6/1:2:3:4:5:6:7',
    '/ip6/::12345',
    '/tcp/65536',
    '/tcp/-1',
    '/tcp/ 1',
    '/dns/a b',
    '/dns/a\u202eb',
    '/dns/',
    '/p2p/0OIl',
    '/onion/x',
    `/dns/${'a'.repeat(300)}`,
  ])('refuses %j', (text) => {
    expect(() => encodeMultiaddr(text)).toThrow(CodexError)
  })

  it.each(['', '04', '047f0000', '06ff', '36', '3605', '360161' + '00', '3603612f62', 'ffff03', '8400'])(
    'refuses bytes %s',
    (hex) => {
      expect(() => decodeMultiaddr(fromHex(hex))).toThrow(CodexError)
    },
  )

  it('have one text and one binary form', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat(0xffff), (ip, port) => {
        const bytes = Uint8Array.from([41, ...ip, 6, port >> 8, port & 0xff])
        expect(encodeMultiaddr(decodeMultiaddr(bytes))).toEqual(bytes)
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: MAX_MULTIADDR_BYTES + 10 }), (bytes) => {
        try {
          expect(encodeMultiaddr(decodeMultiaddr(bytes))).toEqual(bytes)
        } catch (error) {
          if (!CodexError.is(error)) throw error
        }
      }),
    )
  })
})

function code(expected: string): object {
  return expect.objectContaining({ code: expected }) as object
}
