// The laws of the Hasher seam. Run against every implementation.

import { sha256 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex, utf8 } from '../../src/lib/bytes.ts'
import type { Hasher } from '../../src/storage/hasher.ts'

/** From FIPS 180-2, appendix B, and the digest of nothing. */
const KNOWN: readonly (readonly [Uint8Array, string])[] = [
  [new Uint8Array(0), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  [utf8('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    utf8('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'),
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
  [new Uint8Array(1_000_000).fill(0x61), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
]

export function hasherSuite(name: string, make: () => Hasher): void {
  describe(`${name} as a Hasher`, () => {
    test('known digests, in order, whatever the mix of lengths', async () => {
      const digests = await make().sha256(KNOWN.map(([message]) => message))
      expect(digests.map(toHex)).toEqual(KNOWN.map(([, digest]) => digest))
      expect(await make().sha256([])).toEqual([])
    })

    test('digests of many messages equal those in script, lengths around every limit included', async () => {
      const length = fc.oneof(
        fc.nat(200),
        fc.constantFrom(2047, 2048, 2049, 32_767, 32_768, 65_536, (1 << 20) - 1, 1 << 20, (1 << 20) + 1),
      )
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(length, fc.nat(255)), { maxLength: 12 }), async (shapes) => {
          const messages = shapes.map(([size, fill]) => new Uint8Array(size).fill(fill))
          expect((await make().sha256(messages)).map(toHex)).toEqual(messages.map((message) => toHex(sha256(message))))
        }),
        { numRuns: 25 },
      )
    })

    test('messages are borrowed: unchanged, views respected, none detached', async () => {
      const whole = new Uint8Array(200_000).map((_, i) => i)
      const view = whole.subarray(5, 100_005)
      const before = whole.slice()
      const [digest] = await make().sha256([view])
      expect(toHex(digest ?? new Uint8Array(0))).toBe(toHex(sha256(view)))
      expect(toHex(sha256(whole))).toBe(toHex(sha256(before)))
    })

    test('the event loop gets turns while much is hashed', async () => {
      let turns = 0
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => {
        turns++
        port2.postMessage(undefined)
      }
      port2.postMessage(undefined)
      const small = Array.from({ length: 20_000 }, () => new Uint8Array(1000))
      const digests = await make().sha256([...small, new Uint8Array(8 << 20)])
      port1.close()
      expect(digests).toHaveLength(20_001)
      expect(turns).toBeGreaterThan(10)
    })

    test('bulk in memory of its own, twice over, and when that memory holds something else by then', async () => {
      const hasher = make()
      const memory = hasher.memory(2 * 1024 * 1024 + 4096)
      expect(memory).toHaveLength(2 * 1024 * 1024 + 4096)
      expect(memory.every((byte) => byte === 0)).toBe(true)
      for (const seed of [1, 2]) {
        for (let i = 0; i < memory.length; i++) memory[i] = (i * seed) >> 3
        const messages = Array.from({ length: 33 }, (_, i) => memory.subarray(i * 65_000, i * 65_000 + 65_536))
        const expected = messages.map((message) => toHex(sha256(message.slice())))
        const [first, second] = await Promise.all([hasher.sha256(messages), hasher.sha256(messages.slice(7))])
        expect(first.map(toHex)).toEqual(expected)
        expect(second.map(toHex)).toEqual(expected.slice(7))
      }
    })
  })
}
