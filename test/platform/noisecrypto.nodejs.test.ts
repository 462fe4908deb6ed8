// Node's cryptography for Noise beside the library's in script: each reads what the other wrote.

import { randomBytes } from 'node:crypto'

import { pureJsCrypto } from '@libp2p/noise'
import { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, it } from 'vitest'

import { toHex } from '../../src/lib/bytes.ts'
import { noiseCrypto } from '../../src/platform/nodejs/noisecrypto.ts'

const LENGTHS = [0, 1, 15, 16, 17, 1199, 1200, 4096, 65_519]
const key = randomBytes(32)
const nonce = randomBytes(12)
const ad = new Uint8Array(0)

/** The same bytes in three pieces. */
function pieces(bytes: Uint8Array): Uint8ArrayList {
  const third = Math.ceil(bytes.length / 3)
  return new Uint8ArrayList(bytes.subarray(0, third), bytes.subarray(third, 2 * third), bytes.subarray(2 * third))
}

/** As text, because comparing long lists takes long. */
const hex = (bytes: { subarray(): Uint8Array }): string => toHex(bytes.subarray())

describe('noise by Node', () => {
  it.each(LENGTHS)('writes and reads records of %i bytes as script does, in one piece or many', (length) => {
    const text = new Uint8Array(randomBytes(length))
    const theirs = pureJsCrypto.chaCha20Poly1305Encrypt(text, nonce, ad, key)
    for (const given of [text, pieces(text)])
      expect(hex(noiseCrypto.chaCha20Poly1305Encrypt(given, nonce, ad, key))).toBe(hex(theirs))
    const record = theirs.subarray()
    for (const given of [record, pieces(record)]) {
      expect(hex(noiseCrypto.chaCha20Poly1305Decrypt(given, nonce, ad, key))).toBe(hex(text))
      // As the library calls it: with a place for the plaintext that holds the ciphertext.
      const copy = Uint8Array.from(record).subarray(0, length)
      expect(hex(noiseCrypto.chaCha20Poly1305Decrypt(given, nonce, ad, key, copy))).toBe(hex(text))
    }
  })

  it('refuses what was changed: text, tag, additional data', () => {
    const record = noiseCrypto.chaCha20Poly1305Encrypt(new Uint8Array(100), nonce, ad, key).subarray()
    for (const at of [0, 99, 100, 115]) {
      const changed = Uint8Array.from(record).with(at, (record[at] ?? 0) ^ 1)
      for (const given of [changed, pieces(changed)])
        expect(() => noiseCrypto.chaCha20Poly1305Decrypt(given, nonce, ad, key)).toThrow()
    }
    expect(() => noiseCrypto.chaCha20Poly1305Decrypt(record, nonce, Uint8Array.of(1), key)).toThrow()
    expect(() => noiseCrypto.chaCha20Poly1305Decrypt(new Uint8Array(5), nonce, ad, key)).toThrow()
  })

  it('agrees on keys and hashes with script', () => {
    const [ours, theirs] = [noiseCrypto.generateX25519KeyPair(), pureJsCrypto.generateX25519KeyPair()]
    const shared = hex(pureJsCrypto.generateX25519SharedKey(theirs.privateKey, ours.publicKey))
    expect(hex(noiseCrypto.generateX25519SharedKey(ours.privateKey, theirs.publicKey))).toBe(shared)
    expect(hex(noiseCrypto.generateX25519SharedKey(ours.privateKey, pieces(theirs.publicKey)))).toBe(shared)
    const seed = new Uint8Array(randomBytes(32))
    const { publicKey, privateKey } = noiseCrypto.generateX25519KeyPairFromSeed(seed)
    expect(hex(publicKey)).toBe(hex(pureJsCrypto.generateX25519KeyPairFromSeed(seed).publicKey))
    expect(hex(privateKey)).toBe(hex(seed))
    const long = new Uint8Array(randomBytes(70_000))
    for (const data of [long, pieces(long), pieces(long.subarray(0, 300))])
      expect(hex(noiseCrypto.hashSHA256(data))).toBe(hex(pureJsCrypto.hashSHA256(data)))
    expect(noiseCrypto.getHKDF(key, seed)).toEqual(pureJsCrypto.getHKDF(key, seed))
  })
})
