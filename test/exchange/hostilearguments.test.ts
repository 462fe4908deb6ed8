// Every function of `codex-light/exchange` with every hostile value in every place: a value or a CodexError comes out, nothing else.

import { describe, expect, it } from 'vitest'
import * as exchange from '../../src/entries/exchange.ts'
import { CodexError } from '../../src/lib/errors.ts'
import { blockCid } from '../../src/protocol/block.ts'
import { merkleTree, treeCid } from '../../src/protocol/merkletree.ts'
import { hostileCalls, HOSTILE, refusesPolitely } from '../protocol/hostilevalues.ts'

const block = blockCid(new Uint8Array(9))
const tree = merkleTree([block.digest, block.digest])
const root = treeCid(tree.root)
const message = {
  wants: [
    { treeCid: root, index: 0, wantType: 1, priority: 0, cancel: false, sendDontHave: true },
    { cid: block, wantType: 0 },
  ],
  full: true,
  presences: [{ cid: block, type: 'have', price: 5n }],
  deliveries: [
    { cid: block, data: new Uint8Array(9) },
    { cid: block, data: new Uint8Array(9), treeCid: root, index: 0, proof: tree.proof(0) },
  ],
} as const satisfies exchange.MessageInput
const record = { privateKey: new Uint8Array(32).fill(7), seqNo: 1, addresses: ['/ip4/192.0.2.1/tcp/8070'] }

const RIGHT: Readonly<Record<string, readonly unknown[]>> = {
  encodeMessage: [message],
  decodeMessage: [exchange.encodeMessage(message)],
  encodeSpr: [exchange.signSpr(record)],
  signSpr: [record],
  decodeSpr: [exchange.encodeSpr(record)],
}
/** Made by us only. */
const CLASSES = ['CodexError']

const called = (name: string): ((...args: readonly unknown[]) => unknown) =>
  exchange[name as keyof typeof exchange] as never

describe('codex-light/exchange', () => {
  it('has all its functions in the table', () => {
    const functions = Object.entries(exchange).filter(([, value]) => typeof value === 'function')
    expect(Object.keys(RIGHT).toSorted()).toEqual(
      functions
        .map(([name]) => name)
        .filter((name) => !CLASSES.includes(name))
        .toSorted(),
    )
  })

  it.each(Object.entries(RIGHT))('%s gives a value or a CodexError, whatever it is called with', (name, right) => {
    expect(() => called(name)(...right)).not.toThrow()
    for (const args of hostileCalls(right)) refusesPolitely(name, () => called(name)(...args))
  })

  it.each(HOSTILE)('takes %s for no message and no record', (_, hostile) => {
    const isBytes = hostile instanceof Uint8Array
    for (const name of ['encodeSpr', 'signSpr', 'decodeSpr']) expect(() => called(name)(hostile)).toThrow(CodexError)
    if (!isBytes || hostile.length > 0) expect(() => exchange.decodeMessage(hostile as never)).toThrow(CodexError)
  })

  it('takes bytes of another realm', () => {
    const foreign = structuredClone(exchange.encodeMessage(message))
    const copy = exchange.decodeMessage(foreign)
    expect(exchange.encodeMessage(copy)).toEqual(exchange.encodeMessage(message))
  })
})
