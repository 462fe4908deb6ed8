import { describe, expect, it } from 'vitest'
import type { StorageRequestInput } from '../../src/entries/protocol.ts'
import { checkedRequest, checkedRequestId, checkedSlotId, requestId, slotId } from '../../src/entries/protocol.ts'
import { fromHex, toHex } from '../../src/lib/bytes.ts'
import { encodeRequest } from '../../src/protocol/ids.ts'
import { MAX_CONTENT_CID_BYTES } from '../../src/protocol/request.ts'
import vectors from '../vectors/ids.json' with { type: 'json' }

type Vector = (typeof vectors.cases)[number]

function requestOf({ request }: Vector): StorageRequestInput {
  const uints = Object.fromEntries(Object.entries(request.ask).map(([name, value]) => [name, BigInt(value)]))
  return {
    ...request,
    ask: uints as unknown as StorageRequestInput['ask'],
    content: { ...request.content, cid: fromHex(request.content.cid) },
    expiry: BigInt(request.expiry),
  }
}

const first = requestOf(vectors.cases[0] as Vector)
const firstId = vectors.cases[0]?.requestId ?? ''

describe('request and slot ids', () => {
  it.each(vectors.cases)('reproduces $fromSlotsCase', (vector) => {
    const request = requestOf(vector)
    expect(`0x${toHex(encodeRequest(checkedRequest(request)))}`).toBe(vector.abiEncoded)
    expect(requestId(request)).toBe(vector.requestId)
    for (const { slotIndex, slotId: expected } of vector.slotIds) {
      expect(slotId(vector.requestId, slotIndex)).toBe(expected)
      expect(slotId(requestId(request), BigInt(slotIndex))).toBe(expected)
    }
  })

  it('does not depend on the case of hex, the type of numbers, or the form of the CID', () => {
    const shouted = {
      client: `0x${first.client.slice(2).toUpperCase()}`,
      ask: Object.fromEntries(Object.entries(first.ask).map(([name, value]) => [name, Number(value)])) as never,
      content: {
        cid: `0x${toHex(first.content.cid as Uint8Array).toUpperCase()}`,
        merkleRoot: `0x${first.content.merkleRoot.slice(2).toUpperCase()}`,
      },
      expiry: Number(first.expiry),
      nonce: first.nonce,
    }
    expect(requestId(shouted)).toBe(firstId)
    const mixed = (client: string): string => requestId({ ...first, client })
    expect(mixed('0xdeAdBEefDEADbeefdeadBEEFdeadbeefdeadbeef')).toBe(
      mixed('0xdeadbeefdeadbeefdeadbeefdeadbeefdeadbeef'),
    )
    expect(slotId(`0x${firstId.slice(2).toUpperCase()}`, 1)).toBe(vectors.cases[0]?.slotIds[1]?.slotId)
  })

  it('hashes a content CID of any length that fits, the empty one too', () => {
    const ids = [0, 31, 32, 33, 64].map((length) =>
      requestId({ ...first, content: { ...first.content, cid: new Uint8Array(length) } }),
    )
    expect(new Set(ids).size).toBe(ids.length)
    expect(encodeRequest(checkedRequest({ ...first, content: { ...first.content, cid: '0x' } }))).toHaveLength(15 * 32)
  })

  it('accepts numbers up to their bounds', () => {
    const ask = { ...first.ask, slots: 2n ** 64n - 1n, proofProbability: 2n ** 256n - 1n }
    expect(requestId({ ...first, ask })).toMatch(/^0x[0-9a-f]{64}$/)
    expect(slotId(firstId, 2n ** 64n - 1n)).toMatch(/^0x[0-9a-f]{64}$/)
  })

  it.each([
    ['slots beyond 64 bits', { ask: { ...first.ask, slots: 2n ** 64n } }, 'request/out-of-range'],
    ['a price beyond 256 bits', { ask: { ...first.ask, pricePerBytePerSecond: 2n ** 256n } }, 'request/out-of-range'],
    ['a negative duration', { ask: { ...first.ask, duration: -1n } }, 'request/out-of-range'],
    ['a negative expiry', { expiry: -1 }, 'request/out-of-range'],
    ['an unsafe number', { expiry: 2 ** 53 }, 'request/not-a-uint'],
    ['a fraction', { expiry: 0.5 }, 'request/not-a-uint'],
    ['a number as text', { expiry: '3600' }, 'request/not-a-uint'],
    ['a number left out', { expiry: undefined }, 'request/not-a-uint'],
    ['no ask', { ask: undefined }, 'request/missing-field'],
    ['no content', { content: null }, 'request/missing-field'],
    ['an address of 19 bytes', { client: `0x${'11'.repeat(19)}` }, 'request/wrong-length'],
    ['an address of 32 bytes', { client: `0x${'11'.repeat(32)}` }, 'request/wrong-length'],
    ['an address without 0x', { client: '11'.repeat(20) }, 'request/not-hex'],
    ['an address with a stray letter', { client: `0x${'1g'.repeat(20)}` }, 'request/not-hex'],
    ['a short nonce', { nonce: '0x01' }, 'request/wrong-length'],
    ['a nonce of half bytes', { nonce: '0x1' }, 'request/not-hex'],
    ['a merkle root that is a number', { content: { ...first.content, merkleRoot: 7 } }, 'request/not-hex'],
    ['a CID that is no hex', { content: { ...first.content, cid: 'zDv' } }, 'request/not-hex'],
    [
      'a huge CID',
      { content: { ...first.content, cid: new Uint8Array(MAX_CONTENT_CID_BYTES + 1) } },
      'request/wrong-length',
    ],
    [
      'a huge CID in hex',
      { content: { ...first.content, cid: `0x${'00'.repeat(MAX_CONTENT_CID_BYTES + 1)}` } },
      'request/wrong-length',
    ],
  ])('refuses %s', (_, change, code) => {
    expect(() => requestId({ ...first, ...change } as never)).toThrow(
      expect.objectContaining({ name: 'CodexError', code }),
    )
  })

  it('reads a CID of any length that an answer of the chain can hold', () => {
    const content = { ...first.content, cid: new Uint8Array(70_000) }
    expect(checkedRequest({ ...first, content } as never).content.cid.length).toBe(70_000)
  })

  it('brings ids from outside into one spelling', () => {
    const shouted = `0x${firstId.slice(2).toUpperCase()}`
    expect(checkedRequestId(shouted)).toBe(firstId)
    expect(checkedSlotId(shouted)).toBe(firstId)
    expect(() => checkedSlotId('0x')).toThrow(expect.objectContaining({ code: 'request/wrong-length' }))
  })

  it('refuses a slot of no request, and slot indices out of range', () => {
    expect(() => slotId('0x12', 0)).toThrow(expect.objectContaining({ code: 'request/wrong-length' }))
    expect(() => slotId(firstId, -1)).toThrow(expect.objectContaining({ code: 'request/out-of-range' }))
    expect(() => slotId(firstId, 2n ** 64n)).toThrow(expect.objectContaining({ code: 'request/out-of-range' }))
  })
})
