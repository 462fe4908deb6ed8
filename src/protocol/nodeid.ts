// The id of a node in the network's hash table, which is made of its peer id (data reference §11). The table itself is elsewhere.

import { keccak_256 } from '@noble/hashes/sha3.js'
import { base58btc } from 'multiformats/bases/base58'
import { toHex } from '../lib/bytes.ts'

/** keccak256 of the peer id's bytes, as 0x-hex of 32 bytes. */
export function nodeIdOf(peerId: string): string {
  return `0x${toHex(keccak_256(base58btc.baseDecode(peerId)))}`
}
