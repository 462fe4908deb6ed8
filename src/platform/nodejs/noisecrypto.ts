// The cryptography of Noise by Node's own. Records come as lists of pieces: they are joined first and ciphered in one call. The library's own way
// ciphers each piece by itself and hands it on by itself, and then each of them becomes a system call.

import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
} from 'node:crypto'
import type { KeyObject } from 'node:crypto'

import type { ICryptoInterface, KeyPair } from '@libp2p/noise'
import { pureJsCrypto } from '@libp2p/noise'
import { Uint8ArrayList } from 'uint8arraylist'
import { concatBytes, fromHex } from '../../lib/bytes.ts'
import type { Bytes } from '../../lib/units.ts'
import { HeapFloor } from './heapfloor.ts'

const CIPHER = 'chacha20-poly1305'
const TAG_BYTES: Bytes = 16
/** The longest that Noise knows. */
const RECORD_BYTES: Bytes = 65_535
const KEY_BYTES: Bytes = 32
/** What stands before the 32 bytes of an X25519 key in PKCS#8 and in SPKI (RFC 8410). */
const PRIVATE_KEY_HEAD = fromHex('302e020100300506032b656e04220420')
const PUBLIC_KEY_HEAD = fromHex('302a300506032b656e032100')

/** Where the pieces of a record are joined: the cipher reads them before it returns. */
const joined = new Uint8Array(RECORD_BYTES)
const heapFloor = new HeapFloor()

export const noiseCrypto: ICryptoInterface = {
  getHKDF: (chainingKey, input) => pureJsCrypto.getHKDF(chainingKey, input),

  hashSHA256: (data) => createHash('sha256').update(join(data)).digest(),

  generateX25519KeyPair() {
    const { privateKey } = generateKeyPairSync('x25519')
    return keyPair(privateKey, privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-KEY_BYTES))
  },

  generateX25519KeyPairFromSeed: (seed) => keyPair(privateKeyOf(seed), seed),

  generateX25519SharedKey(privateKey, publicKey) {
    const key = concatBytes(PUBLIC_KEY_HEAD, publicKey.subarray())
    return diffieHellman({
      privateKey: privateKeyOf(privateKey.subarray()),
      publicKey: createPublicKey({ key: Buffer.from(key.buffer), format: 'der', type: 'spki' }),
    })
  },

  chaCha20Poly1305Encrypt(plaintext, nonce, ad, key) {
    heapFloor.made(plaintext.byteLength)
    const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
    if (ad.length > 0) cipher.setAAD(ad, { plaintextLength: plaintext.byteLength })
    const ciphertext = cipher.update(join(plaintext))
    // No more bytes come of it, but without it there is no tag.
    cipher.final()
    return new Uint8ArrayList(ciphertext, cipher.getAuthTag())
  },

  chaCha20Poly1305Decrypt(ciphertext, nonce, ad, key, copy) {
    const length = ciphertext.byteLength - TAG_BYTES
    if (length < 0) throw new Error(`expected a record of at least ${TAG_BYTES} bytes, found ${ciphertext.byteLength}`)
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
    if (ad.length > 0) decipher.setAAD(ad, { plaintextLength: length })
    decipher.setAuthTag(ciphertext.subarray(length))
    // For the place of the plaintext the library has joined the pieces already.
    const whole = copy?.byteLength === length ? copy : ciphertext instanceof Uint8Array ? ciphertext : undefined
    if (whole !== undefined) {
      const plaintext = decipher.update(whole.subarray(0, length))
      decipher.final()
      return plaintext
    }
    const plaintext = new Uint8ArrayList()
    for (const piece of (ciphertext as Uint8ArrayList).sublist(0, length)) plaintext.append(decipher.update(piece))
    decipher.final()
    return plaintext
  },
}

function keyPair(key: KeyObject, privateKey: Uint8Array): KeyPair {
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-KEY_BYTES)
  return { publicKey, privateKey }
}

function privateKeyOf(bytes: Uint8Array): KeyObject {
  const key = concatBytes(PRIVATE_KEY_HEAD, bytes)
  return createPrivateKey({ key: Buffer.from(key.buffer), format: 'der', type: 'pkcs8' })
}

/** The same bytes in one piece, until the next call. */
function join(bytes: Uint8Array | Uint8ArrayList): Uint8Array {
  if (bytes instanceof Uint8Array) return bytes
  if (bytes.byteLength > RECORD_BYTES) return bytes.subarray()
  let at = 0
  for (const piece of bytes) {
    joined.set(piece, at)
    at += piece.byteLength
  }
  return joined.subarray(0, at)
}
