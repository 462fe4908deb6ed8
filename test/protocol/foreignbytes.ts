// What every function that takes bytes must do with those of another realm or another class: the same as with plain ones.

import { expect } from 'vitest'
import * as protocol from '../../src/entries/protocol.ts'
import { toHex } from '../../src/lib/bytes.ts'

/** Runs every function that takes bytes with `foreign(bytes)`; what comes out must be plain bytes, and must not change with the input. */
export function takesForeignBytes(foreign: (bytes: Uint8Array) => Uint8Array): void {
  const digests = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte))
  const tree = protocol.merkleTree(digests)
  const proof = tree.proof(1)
  const manifest = protocol.plainManifest(protocol.treeCid(tree.root), 100_000)
  const content = { cid: manifest.treeCid.bytes, merkleRoot: `0x${'22'.repeat(32)}` }
  const ask = {
    proofProbability: 1,
    pricePerBytePerSecond: 1,
    collateralPerByte: 1,
    slots: 1,
    slotSize: 1,
    duration: 1,
    maxSlotLoss: 1,
  }
  const request = { client: `0x${'11'.repeat(20)}`, ask, content, expiry: 1, nonce: `0x${'33'.repeat(32)}` }
  const upload = new Uint8Array(70_000).fill(9)

  same(protocol.blockCid, upload)
  same(protocol.manifestCid, upload)
  same(protocol.describeUpload, upload)
  same(protocol.decodeCid, manifest.treeCid.bytes)
  same((bytes) => protocol.makeCid(0xcd03, 0x12, bytes), tree.root)
  same(protocol.treeCid, tree.root)
  same(protocol.decodeManifest, protocol.encodeManifest(manifest))
  same(protocol.decodeProof, protocol.encodeProof(proof))
  same((bytes) => [...protocol.decodeTree(bytes).nodes()], protocol.encodeTree(tree))
  same((bytes) => protocol.merkleRoot([bytes]), tree.root)
  same((bytes) => protocol.merkleProof([bytes, bytes], 0), tree.root)
  same((bytes) => protocol.encodeProof({ ...proof, path: [bytes, bytes] }), tree.root)
  same((cid) => protocol.checkedRequest({ ...request, content: { ...content, cid } }), content.cid)
  same((cid) => protocol.requestId({ ...request, content: { ...content, cid } }), content.cid)
  const path = proof.path.map(foreign)
  const leaf = digests[1] as Uint8Array
  expect(protocol.verifyMerkleProof(foreign(tree.root), foreign(leaf), { ...proof, path })).toBe(true)

  function same(run: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void {
    const input = foreign(bytes)
    expect(toHex(input)).toBe(toHex(bytes))
    const result = run(input)
    expect(plainCopy(result)).toEqual(plainCopy(run(bytes)))
    input.fill(0xff)
    expect(plainCopy(result)).toEqual(plainCopy(run(bytes)))
  }
}

/** Bytes as hex, CIDs as text; breaks off at bytes that are not plain. */
function plainCopy(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) {
    expect(Object.getPrototypeOf(value)).toBe(Uint8Array.prototype)
    return toHex(value as Uint8Array)
  }
  if (protocol.Cid.is(value)) return [String(value), plainCopy(value.bytes), plainCopy(value.digest)]
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(plainCopy)
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plainCopy(part)]))
}
