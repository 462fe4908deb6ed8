// Cutting a stream of bytes into messages, however the bytes come.

import { expect, test } from 'vitest'

import { FrameReader, framePrefix } from '../../src/exchange/framereader.ts'
import { MessageMemory } from '../../src/exchange/messagememory.ts'
import { concatBytes } from '../../src/lib/bytes.ts'
import { seededBytes } from '../fakes/memorystore.ts'

const reading = (): FrameReader => new FrameReader(() => 2 ** 20, new MessageMemory())
const framed = (message: Uint8Array): Uint8Array => concatBytes(framePrefix(message.length), message)

test('pieces of any size make the same messages', () => {
  const messages = [0, 1, 5000, 70_000, 3].map((length, seed) => seededBytes(length, seed))
  const stream = concatBytes(...messages.map(framed))
  for (const size of [1, 2, 4095, 4096, 5000, 65_536, stream.length]) {
    const reader = reading()
    const found: Uint8Array[] = []
    for (let at = 0; at < stream.length; at += size) found.push(...reader.push(stream.subarray(at, at + size)))
    expect(found.map((message) => new Uint8Array(message))).toEqual(messages)
    expect([reader.isPartial, reader.partialBytes]).toEqual([false, 0])
  }
})

test('short pieces are copied together: none keeps alive what it came in', () => {
  const message = seededBytes(10_000, 1)
  const stream = framed(message)
  const reader = reading()
  const found: Uint8Array[] = []
  for (let at = 0; at < stream.length; at++) {
    const piece = stream.slice(at, at + 1)
    found.push(...reader.push(piece))
    // The first piece may be a view.
    if (at > 0) piece.fill(0xff)
  }
  expect(new Uint8Array(found[0] ?? [])).toEqual(message)
})
