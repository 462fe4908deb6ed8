// The id of a node in the network's hash table, which is made of its peer id (data reference §11). The table itself is elsewhere.

import { keccak_256 } from '@noble/hashes/sha3.js'
import { base58btc } from 'multiformats/bases/base58'

/** keccak256 of the peer id's bytes, read big-endian, in decimal digits. */
export function nodeIdOf(peerId: string): string {
  const digest = keccak_256(base58btc.baseDecode(peerId))
  return String(digest.reduce((number, byte) => number * 256n + BigInt(byte), 0n))
}
