// Peer ids of secp256k1 keys, the network's only kind: the public key itself, wrapped. Ids of other kinds are the transports' business.

import { base58btc } from 'multiformats/bases/base58'
import { concatBytes, equalBytes } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'

export const PUBLIC_KEY_BYTES = 33

/** A public key message: `1: key type secp256k1`, `2: 33 bytes`. */
const KEY_PREFIX = Uint8Array.of(0x08, 0x02, 0x12, PUBLIC_KEY_BYTES)
/** An identity multihash of such a message. */
const ID_PREFIX = Uint8Array.of(0x00, KEY_PREFIX.length + PUBLIC_KEY_BYTES)

/** The protobuf of a compressed public key. */
export function encodePublicKey(publicKey: Uint8Array): Uint8Array {
  return concatBytes(KEY_PREFIX, publicKey)
}

/** The compressed public key in a key message, copied. @throws CodexError `peer/unsupported-key` */
export function decodePublicKey(message: Uint8Array): Uint8Array {
  const isOurs = equalBytes(message.subarray(0, KEY_PREFIX.length), KEY_PREFIX)
  if (isOurs && message.length === KEY_PREFIX.length + PUBLIC_KEY_BYTES) return message.slice(KEY_PREFIX.length)
  throw new CodexError(
    'peer/unsupported-key',
    `expected a secp256k1 public key of ${PUBLIC_KEY_BYTES} bytes, found another key`,
  )
}

/** The binary form of the peer id of a compressed public key. */
export function peerIdBytes(publicKey: Uint8Array): Uint8Array {
  return concatBytes(ID_PREFIX, encodePublicKey(publicKey))
}

/** Its text: `16Uiu2HA…`, base58btc without a prefix. */
export function peerIdText(publicKey: Uint8Array): string {
  return base58btc.baseEncode(peerIdBytes(publicKey))
}
