// Messages of the block exchange against the vectors, against each other, and against whoever sends nonsense.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Message, MessageInput } from '../../src/entries/exchange.ts'
import { decodeMessage, encodeMessage } from '../../src/entries/exchange.ts'
import {
  MAX_DATA_BYTES,
  MAX_DELIVERIES,
  MAX_MESSAGE_BYTES,
  MAX_PRESENCES,
  MAX_WANTS,
} from '../../src/exchange/message.ts'
import { writeMessage } from '../../src/exchange/encodemessage.ts'
import { concatBytes, fromHex, toHex } from '../../src/lib/bytes.ts'
import { blockCid } from '../../src/protocol/block.ts'
import type { Cid } from '../../src/protocol/cid.ts'
import { makeCid, parseCid } from '../../src/protocol/cid.ts'
import { decodeProof, encodeProof, verifyMerkleProof } from '../../src/protocol/merkleproof.ts'
import { merkleTree, treeCid } from '../../src/protocol/merkletree.ts'
import { WireWriter } from '../../src/protocol/wire.ts'
import { survives } from '../protocol/hostile.ts'
import vectors from '../vectors/blockexc.json' with { type: 'json' }

/** A case of test/vectors/blockexc.json. */
interface Case {
  readonly name: string
  readonly messageHex: string
  readonly full?: boolean
  readonly wants?: readonly { cid?: string; treeCid?: string; index?: number; wantType: 0 | 1 }[]
  readonly presences?: readonly { cid?: string; treeCid?: string; index?: number; type: string; price: string }[]
  readonly deliveries?: readonly { cid: string; dataHex: string; treeCid?: string; index?: number; proofHex?: string }[]
}
const CASES = vectors.cases as readonly Case[]
const SAMPLES = CASES.map(({ messageHex }) => fromHex(messageHex))

const leaves = [5, 6, 7].map((byte) => blockCid(new Uint8Array(9).fill(byte)))
const tree = merkleTree(leaves.map(({ digest }) => digest))
const root = treeCid(tree.root)
const EMPTY: Message = { wants: [], full: false, presences: [], deliveries: [] }

function inputOf({ full, wants, presences, deliveries }: Case): MessageInput {
  return {
    full,
    wants,
    presences: presences?.map((presence) => ({ ...presence, type: presence.type as 'have' | 'dontHave' })),
    deliveries: deliveries?.map(({ dataHex, proofHex, ...delivery }) => ({
      ...delivery,
      data: fromHex(dataHex),
      proof: proofHex === undefined ? undefined : fromHex(proofHex),
    })),
  }
}

describe('messages of the vectors', () => {
  it.each(CASES)('writes: $name', (vector) => {
    expect(toHex(encodeMessage(inputOf(vector)))).toBe(vector.messageHex)
  })

  it.each(CASES)('reads and writes again: $name', (vector) => {
    const message = decodeMessage(fromHex(vector.messageHex))
    expect(toHex(encodeMessage(message))).toBe(vector.messageHex)
    expect(message.wants).toHaveLength(vector.wants?.length ?? 0)
    expect(message.full).toBe(vector.full ?? false)
    for (const [i, want] of (vector.wants ?? []).entries())
      expect(JSON.parse(JSON.stringify(message.wants[i]))).toMatchObject(want)
    for (const [i, { price, ...rest }] of (vector.presences ?? []).entries()) {
      const found = message.presences[i]
      expect(String(found?.price)).toBe(price)
      expect(JSON.parse(JSON.stringify({ ...found, price: undefined }))).toMatchObject(rest)
    }
    for (const [i, { cid, dataHex, treeCid: tree, index, proofHex }] of (vector.deliveries ?? []).entries()) {
      const found = message.deliveries[i]
      expect([String(found?.cid), toHex(found?.data ?? new Uint8Array(1))]).toEqual([cid, dataHex])
      expect([found?.treeCid && String(found.treeCid), found?.index]).toEqual([tree, index])
      expect(found?.proof && toHex(encodeProof(found.proof))).toBe(proofHex)
      if (found?.treeCid !== undefined)
        expect(verifyMerkleProof(found.treeCid.digest, found.cid.digest, found.proof)).toBe(true)
    }
  })
})

const byteCid = (codec: number): fc.Arbitrary<Cid> =>
  fc.uint8Array({ minLength: 32, maxLength: 32 }).map((digest) => makeCid(codec, 0x12, digest))
const cidAddress = fc.record({ cid: fc.oneof(byteCid(0xcd01), byteCid(0xcd02)) })
const index = fc.oneof(fc.nat(), fc.maxSafeNat())
const leafAddress = fc.record({ treeCid: byteCid(0xcd03), index })
const address = fc.oneof(cidAddress, leafAddress)
const proof = fc.nat(2).map((i) => tree.proof(i))
const messages: fc.Arbitrary<Message> = fc.record({
  wants: fc.array(
    fc
      .tuple(
        address,
        fc.record({
          wantType: fc.constantFrom(0 as const, 1 as const),
          priority: fc.nat(),
          cancel: fc.boolean(),
          sendDontHave: fc.boolean(),
        }),
      )
      .map(([where, what]) => ({ ...where, ...what })),
    { maxLength: 8 },
  ),
  full: fc.boolean(),
  presences: fc.array(
    fc
      .tuple(
        address,
        fc.record({
          type: fc.constantFrom('have' as const, 'dontHave' as const),
          price: fc.bigInt(0n, 2n ** 256n - 1n),
        }),
      )
      .map(([where, what]) => ({ ...where, ...what })),
    { maxLength: 8 },
  ),
  deliveries: fc.array(
    fc.oneof(
      fc.record({ cid: byteCid(0xcd02), data: fc.uint8Array({ maxLength: 99 }) }),
      fc.record({
        cid: byteCid(0xcd02),
        data: fc.uint8Array({ maxLength: 99 }),
        treeCid: byteCid(0xcd03),
        index,
        proof,
      }),
    ),
    { maxLength: 8 },
  ),
})

describe('any message', () => {
  it('comes back as it was written, and in chunks the same', () => {
    fc.assert(
      fc.property(messages, fc.nat(120), (message, borrowFrom) => {
        const bytes = encodeMessage(message)
        expect(JSON.stringify(decodeMessage(bytes), plainly)).toBe(JSON.stringify(message, plainly))
        const writer = writeMessage(message)
        expect(writer.length).toBe(bytes.length)
        expect(concatBytes(...writer.chunks(borrowFrom))).toEqual(bytes)
      }),
    )
  })

  it('is sent with large data as they were given', () => {
    const data = new Uint8Array(65_536).fill(3)
    expect(writeMessage({ deliveries: [{ cid: blockCid(data), data }] }).chunks(4096)).toContain(data)
  })

  it('is read with data that are views', () => {
    const bytes = encodeMessage({ deliveries: [{ cid: leaves[0] as Cid, data: new Uint8Array(9).fill(5) }] })
    expect(decodeMessage(bytes).deliveries[0]?.data.buffer).toBe(bytes.buffer)
  })
})

function plainly(this: unknown, key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value)
  if (key === 'priority' || key === '') return value
  return typeof value === 'bigint' ? String(value) : value
}

describe('reading', () => {
  it('takes absent fields for their defaults', () => {
    expect(decodeMessage(new Uint8Array(0))).toEqual(EMPTY)
    expect(
      decodeMessage(
        message((m) =>
          m.message(
            1,
            list((l) => l.message(1, wantOf(leaf(0)))),
          ),
        ),
      ),
    ).toEqual({
      ...EMPTY,
      wants: [{ treeCid: root, index: 0, wantType: 0, priority: 0, cancel: false, sendDontHave: false }],
    })
    expect(decodeMessage(message((m) => m.message(4, new WireWriter().message(1, leaf(2))))).presences).toEqual([
      { treeCid: root, index: 2, type: 'have', price: 0n },
    ])
  })

  it('takes a delivery without data for one of no bytes', () => {
    const empty = blockCid(new Uint8Array(0))
    const delivery = new WireWriter().bytes(1, empty.bytes).message(3, cidOnly(empty))
    expect(decodeMessage(message((m) => m.message(3, delivery))).deliveries).toEqual([
      { cid: empty, data: new Uint8Array(0) },
    ])
  })

  it('passes over what it does not know, within reason', () => {
    const known = encodeMessage({ full: true })
    const extra = (count: number): Uint8Array =>
      concatBytes(known, ...new Array<Uint8Array>(count).fill(fromHex('fa0100')))
    expect(decodeMessage(extra(12))).toEqual({ ...EMPTY, full: true })
    expect(() => decodeMessage(extra(MAX_DELIVERIES + MAX_PRESENCES + 16))).toThrow(code('exchange/too-many-fields'))
  })

  it('takes the last of a field that comes twice, and skips one of another type, as the network does', () => {
    const entry = wantOf(leaf(0)).number(4, 0).message(1, leaf(2)).number(4, 1).bytes(5, Uint8Array.of(1)).number(1, 7)
    const twice = message((m) =>
      m
        .message(
          1,
          list((l) => l.message(1, wantOf(leaf(1)))),
        )
        .number(1, 3)
        .message(
          1,
          list((l) => l.number(2, 0).message(1, entry).number(2, 1)),
        ),
    )
    expect(decodeMessage(twice)).toEqual({
      ...EMPTY,
      full: true,
      wants: [{ treeCid: root, index: 2, wantType: 1, priority: 0, cancel: false, sendDontHave: false }],
    })
    const [first, second] = leaves as [Cid, Cid]
    const delivery = new WireWriter().bytes(1, second.bytes).bytes(2, Uint8Array.of(7)).message(3, cidOnly(second))
    delivery.bytes(1, first.bytes).bytes(2, Uint8Array.of(8)).message(3, cidOnly(first))
    expect(decodeMessage(message((m) => m.message(3, delivery))).deliveries).toEqual([
      { cid: first, data: Uint8Array.of(8) },
    ])
  })

  it('refuses a third value of an enum', () => {
    for (const field of [3, 4, 5]) {
      const entry = wantOf(leaf(0)).number(field, 2)
      expect(() =>
        decodeMessage(
          message((m) =>
            m.message(
              1,
              list((l) => l.message(1, entry)),
            ),
          ),
        ),
      ).toThrow(code('exchange/bad-enum'))
    }
    const presence = new WireWriter().message(1, leaf(0)).number(2, 2)
    expect(() => decodeMessage(message((m) => m.message(4, presence)))).toThrow(code('exchange/bad-enum'))
    expect(() =>
      decodeMessage(
        message((m) =>
          m.message(
            1,
            list((l) => l.number(2, 2)),
          ),
        ),
      ),
    ).toThrow(code('exchange/bad-enum'))
  })

  it('refuses entries without an address, and addresses without a CID', () => {
    const asWant = (entry: WireWriter): Uint8Array =>
      message((m) =>
        m.message(
          1,
          list((l) => l.message(1, entry)),
        ),
      )
    expect(() => decodeMessage(asWant(new WireWriter().number(2, 0)))).toThrow(code('exchange/address-missing'))
    expect(() => decodeMessage(asWant(wantOf(new WireWriter().number(1, 1))))).toThrow(code('exchange/cid-missing'))
    expect(() => decodeMessage(asWant(wantOf(new WireWriter().number(1, 0))))).toThrow(code('exchange/cid-missing'))
    expect(() => decodeMessage(asWant(wantOf(new WireWriter().bytes(4, new Uint8Array(4)))))).toThrow(/CID/)
  })

  it('refuses a leaf without proof, with an empty one, and a block at the address of another', () => {
    const block = (): WireWriter =>
      new WireWriter().bytes(1, (leaves[0] as Cid).bytes).bytes(2, new Uint8Array(9).fill(5))
    const delivered = (delivery: WireWriter): Uint8Array => message((m) => m.message(3, delivery))
    expect(() => decodeMessage(delivered(block().message(3, leaf(0))))).toThrow(code('exchange/proof-missing'))
    expect(() => decodeMessage(delivered(block().message(3, leaf(0)).bytes(4, new Uint8Array(0))))).toThrow(
      code('exchange/proof-missing'),
    )
    const pathless = new WireWriter().number(1, 0x12).number(2, 0).number(3, 1).finish()
    expect(() => decodeMessage(delivered(block().message(3, leaf(0)).bytes(4, pathless)))).toThrow(
      code('merkle/bad-proof'),
    )
    expect(() => decodeMessage(delivered(block().message(3, cidOnly(leaves[1] as Cid))))).toThrow(
      code('exchange/cid-mismatch'),
    )
  })

  it('refuses a price of more than 32 bytes', () => {
    const presence = (bytes: number): WireWriter =>
      new WireWriter().message(1, leaf(0)).bytes(3, new Uint8Array(bytes).fill(1))
    expect(decodeMessage(message((m) => m.message(4, presence(32)))).presences).toHaveLength(1)
    expect(() => decodeMessage(message((m) => m.message(4, presence(33))))).toThrow(code('exchange/bad-price'))
  })

  it('keeps its limits: one more of anything is refused (T33)', () => {
    const wants = (count: number) => ({ wants: new Array(count).fill({ treeCid: root, index: 1, wantType: 1 }) })
    const most = encodeMessage(wants(MAX_WANTS))
    expect(decodeMessage(most).wants).toHaveLength(MAX_WANTS)
    expect(() => encodeMessage(wants(MAX_WANTS + 1))).toThrow(code('exchange/too-many-entries'))
    const oneMore = message((m) => {
      const entries = new WireWriter()
      for (let i = 0; i <= MAX_WANTS; i++) entries.message(1, wantOf(leaf(0)))
      m.message(1, entries)
    })
    expect(() => decodeMessage(oneMore)).toThrow(code('exchange/too-many-entries'))
    const million = concatBytes(...new Array<Uint8Array>(100_000).fill(fromHex('2200')))
    expect(() => decodeMessage(million)).toThrow(code('exchange/too-many-fields'))
    expect(() => decodeMessage(new Uint8Array(MAX_MESSAGE_BYTES + 1))).toThrow(code('exchange/too-long'))
    const large = new WireWriter()
      .bytes(1, root.bytes)
      .bytes(2, new Uint8Array(MAX_DATA_BYTES + 1))
      .message(3, leaf(0))
    expect(() => decodeMessage(message((m) => m.message(3, large)))).toThrow(code('exchange/data-too-large'))
    const delivery = { cid: root, data: new Uint8Array(MAX_DATA_BYTES) }
    expect(() => encodeMessage({ deliveries: new Array(33).fill(delivery) })).toThrow(code('exchange/too-long'))
  })

  it('survives hostile bytes', () => {
    survives(decodeMessage, SAMPLES)
  })
})

describe('writing', () => {
  const block = { cid: leaves[0] as Cid, data: new Uint8Array(9).fill(5) }
  it.each<readonly [string, unknown]>([
    ['a third want type', { wants: [{ cid: root, wantType: 2 }] }],
    ['a want of no address', { wants: [{ wantType: 1 }] }],
    ['an address of both kinds', { wants: [{ cid: root, treeCid: root, index: 1, wantType: 1 }] }],
    ['a leaf without index', { wants: [{ treeCid: root, wantType: 1 }] }],
    ['an index beyond what others read', { wants: [{ treeCid: root, index: 2 ** 63, wantType: 1 }] }],
    ['a cancel that is no boolean', { wants: [{ cid: root, wantType: 1, cancel: 2 }] }],
    ['a priority beyond 31 bits', { wants: [{ cid: root, wantType: 1, priority: 2 ** 31 }] }],
    ['a third presence', { presences: [{ cid: root, type: 'perhaps' }] }],
    ['a price beyond 32 bytes', { presences: [{ cid: root, type: 'have', price: 2n ** 256n }] }],
    ['a negative price', { presences: [{ cid: root, type: 'have', price: -1 }] }],
    ['a delivery without data', { deliveries: [{ cid: root }] }],
    ['a leaf without proof', { deliveries: [{ ...block, treeCid: root, index: 0 }] }],
    ['a proof without leaf', { deliveries: [{ ...block, proof: tree.proof(0) }] }],
  ])('refuses %s', (_, hostile) => {
    expect(() => encodeMessage(hostile as MessageInput)).toThrow(code('exchange/bad-message'))
  })

  it('refuses an empty proof, whichever way it is given', () => {
    const leafOf = (proof: unknown): MessageInput =>
      ({ deliveries: [{ ...block, treeCid: root, index: 0, proof }] }) as MessageInput
    expect(() => encodeMessage(leafOf({ ...tree.proof(0), path: [] }))).toThrow(code('merkle/bad-proof'))
    expect(() => encodeMessage(leafOf(new Uint8Array(0)))).toThrow(code('merkle/bad-proof'))
    expect(encodeMessage(leafOf(tree.proof(0)))).toEqual(encodeMessage(leafOf(encodeProof(tree.proof(0)))))
    expect(decodeProof(encodeProof(tree.proof(0)))).toEqual(tree.proof(0))
  })

  it('always writes the data field', () => {
    const empty = blockCid(new Uint8Array(0))
    const bytes = encodeMessage({ deliveries: [{ cid: empty, data: new Uint8Array(0) }] })
    expect(toHex(bytes)).toContain(`${toHex(empty.bytes)}1200`)
  })

  it('takes texts for CIDs', () => {
    const text = 'zDzSvJTfFFbXvFjbFFDNFou2K7mijuHWe6YhQwSxSQNG44ZVhaQ9'
    const want = { index: 3, wantType: 0 } as const
    expect(encodeMessage({ wants: [{ ...want, treeCid: text }] })).toEqual(
      encodeMessage({ wants: [{ ...want, treeCid: parseCid(text) }] }),
    )
  })
})

function message(fill: (writer: WireWriter) => void): Uint8Array {
  const writer = new WireWriter()
  fill(writer)
  return writer.finish()
}
function list(fill: (writer: WireWriter) => void): WireWriter {
  const writer = new WireWriter()
  fill(writer)
  return writer
}
function wantOf(address: WireWriter): WireWriter {
  return new WireWriter().message(1, address)
}
function leaf(index: number): WireWriter {
  return new WireWriter().number(1, 1).bytes(2, root.bytes).number(3, index)
}
function cidOnly(cid: Cid): WireWriter {
  return new WireWriter().number(1, 0).bytes(4, cid.bytes)
}
function code(expected: string): object {
  return expect.objectContaining({ code: expected }) as object
}
