// Every function of `codex-light/protocol` with every hostile value in every place: a value or a CodexError comes out, nothing else.

import { describe, expect, it } from 'vitest'
import * as protocol from '../../src/entries/protocol.ts'
import { CodexError } from '../../src/lib/errors.ts'
import { hostileCalls, HOSTILE, refusesPolitely } from './hostilevalues.ts'

const digest = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const digests = [digest(1), digest(2), digest(3)]
const tree = protocol.merkleTree(digests)
const proof = tree.proof(1)
const cid = protocol.treeCid(tree.root)
const plain: protocol.PlainManifest = protocol.plainManifest(cid, 100_000, { filename: 'a', mimetype: 'b/c' })
const verifiable: protocol.VerifiableManifest = {
  ...plain,
  kind: 'verifiable',
  datasetSize: 2 * 65_536,
  ecK: 1,
  ecM: 1,
  originalTreeCid: cid,
  originalDatasetSize: 65_536,
  protectedStrategy: 'stepped',
  verifyRoot: protocol.makeCid(0xcd05, 0, digest(7)),
  slotRoots: [5, 6].map((byte) => protocol.makeCid(0xcd04, 0, digest(byte))),
  cellSize: 2048,
  verifiableStrategy: 'linear',
}
const request: protocol.StorageRequestInput = {
  client: `0x${'11'.repeat(20)}`,
  ask: {
    proofProbability: 1n,
    pricePerBytePerSecond: 2,
    collateralPerByte: 3,
    slots: 4,
    slotSize: 5,
    duration: 6,
    maxSlotLoss: 7,
  },
  content: { cid: cid.bytes, merkleRoot: `0x${'22'.repeat(32)}` },
  expiry: 8,
  nonce: `0x${'33'.repeat(32)}`,
}
const range = { firstIndex: 0, lastIndex: 9, iterations: 3, groupCount: 1, padBlockCount: 2 }

/** Arguments that are right, by name of what is called. Methods have a dot. */
const RIGHT: Readonly<Record<string, readonly unknown[]>> = {
  blockCid: [digest(1)],
  manifestCid: [digest(1)],
  isEmptyBlockCid: [cid],
  'new Cid': [0xcd03, 0x12, digest(1)],
  'Cid.is': [cid],
  compareCids: [cid, cid],
  decodeCid: [cid.bytes],
  equalCids: [cid, cid],
  isBlockCid: [cid],
  isManifestCid: [cid],
  isSlotCellCid: [cid],
  isSlotRootCid: [cid],
  isTreeCid: [cid],
  isVerifyRootCid: [cid],
  makeCid: [0xcd03, 0x12, digest(1)],
  parseCid: [String(cid)],
  describeUpload: [digest(1), { filename: 'a', mimetype: 'b/c' }],
  plainManifest: [cid, 100, { filename: 'a', mimetype: 'b/c' }],
  requestId: [request],
  slotId: [`0x${'11'.repeat(32)}`, 0],
  checkedRequest: [request],
  checkedRequestId: [`0x${'11'.repeat(32)}`],
  checkedSlotId: [`0x${'11'.repeat(32)}`],
  indices: ['linear', range, 1],
  blocksCount: [verifiable],
  contentBytes: [verifiable],
  originalBlocksCount: [verifiable],
  roundedBlocksCount: [verifiable],
  slotBlocksCount: [verifiable],
  slotsCount: [verifiable],
  stepsCount: [verifiable],
  decodeManifest: [protocol.encodeManifest(verifiable)],
  encodeManifest: [verifiable],
  decodeProof: [protocol.encodeProof(proof)],
  encodeProof: [proof],
  verifyMerkleProof: [tree.root, digest(2), proof],
  merkleProof: [digests, 1],
  merkleRoot: [digests],
  merkleTree: [digests],
  treeCid: [tree.root],
  decodeTree: [protocol.encodeTree(tree)],
  encodeTree: [tree],
  'tree.proof': [1],
  'tree.node': [0, 1],
  'tree.layerLength': [1],
  'builder.push': [digest(1)],
  'CodexError.is': [new CodexError('a/b', 'c'), 'a/b'],
}

/** What is called by names that are no functions of the module. */
const METHODS: Readonly<Record<string, (...args: never[]) => unknown>> = {
  'new Cid': (...args: [number, number, Uint8Array]) => new protocol.Cid(...args),
  'Cid.is': (value: unknown) => protocol.Cid.is(value),
  'tree.proof': (index: number) => tree.proof(index),
  'tree.node': (layer: number, index: number) => tree.node(layer, index),
  'tree.layerLength': (layer: number) => tree.layerLength(layer),
  'builder.push': (leaf: Uint8Array) => new protocol.MerkleBuilder().push(leaf),
  'CodexError.is': (error: unknown, code?: string) => CodexError.is(error, code),
}
/** Covered by methods above; errors are constructed by us, and a builder takes no arguments. */
const CLASSES = ['Cid', 'CodexError', 'MerkleBuilder']

function called(name: string): (...args: readonly unknown[]) => unknown {
  const target: unknown = METHODS[name] ?? protocol[name as keyof typeof protocol]
  if (typeof target !== 'function') throw new Error(`${name} is no function: mend the table`)
  return target as (...args: readonly unknown[]) => unknown
}

describe('codex-light/protocol', () => {
  it('has all its functions in the table', () => {
    const functions = Object.entries(protocol).filter(([, value]) => typeof value === 'function')
    const names = functions.map(([name]) => name).filter((name) => !CLASSES.includes(name))
    expect(Object.keys(RIGHT).filter((name) => !(name in METHODS))).toEqual(expect.arrayContaining(names))
  })

  it.each(Object.entries(RIGHT))('%s gives a value or a CodexError, whatever it is called with', (name, right) => {
    const call = called(name)
    expect(() => call(...right)).not.toThrow()
    for (const args of hostileCalls(right)) {
      refusesPolitely(name, () => call(...args))
    }
  })

  it.each(HOSTILE)('answers with a typed error or false to %s where bytes, a CID or a proof belong', (_, hostile) => {
    const isBytes = hostile instanceof Uint8Array
    for (const name of ['blockCid', 'manifestCid', 'describeUpload'])
      if (!isBytes) expect(() => called(name)(hostile)).toThrow(CodexError)
    for (const name of ['decodeCid', 'decodeManifest', 'decodeProof', 'decodeTree', 'encodeProof', 'encodeManifest'])
      expect(() => called(name)(hostile)).toThrow(CodexError)
    for (const name of ['parseCid', 'requestId', 'slotId', 'merkleRoot', 'merkleProof', 'encodeTree', 'slotsCount'])
      expect(() => called(name)(hostile, 0)).toThrow(CodexError)
    if (!protocol.Cid.is(hostile))
      for (const name of ['equalCids', 'compareCids', 'isBlockCid', 'isEmptyBlockCid', 'plainManifest'])
        expect(() => called(name)(hostile, cid)).toThrow(CodexError)
    for (const place of [0, 1, 2])
      expect(called('verifyMerkleProof')(...[tree.root, digest(2), proof].with(place, hostile as never))).toBe(false)
    expect(protocol.verifyMerkleProof(tree.root, digest(2), { ...proof, path: [hostile as never, digest(0)] })).toBe(
      false,
    )
  })
})
