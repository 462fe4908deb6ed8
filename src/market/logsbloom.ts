// The bloom filter in a block's head: tells without asking for logs whether a contract may have logged in it. It never says "no" wrongly.

import { keccak256 } from 'ethers/crypto'
import { fromHex } from '../lib/bytes.ts'

/** Places of the three bits of one value. */
export type BloomBits = readonly number[]

const BITS_PER_VALUE = 3
const BIT_MASK = 2047

/** @param hash keccak256 of the contract's address or of a topic */
export function bloomBits(hash: Uint8Array): BloomBits {
  // Each bit is named by the low 11 bits of a pair of bytes (yellow paper §4.3.1).
  return Array.from(
    { length: BITS_PER_VALUE },
    (_, i) => (((hash[2 * i] as number) << 8) | (hash[2 * i + 1] as number)) & BIT_MASK,
  )
}

/** @param bloom of a block, `0x…`, 256 bytes */
export function mayHold(bloom: string, values: readonly BloomBits[]): boolean {
  const bytes = fromHex(bloom)
  const isSet = (bit: number) => ((bytes[bytes.length - 1 - (bit >> 3)] as number) & (1 << (bit & 7))) !== 0
  return values.every((bits) => bits.every(isSet))
}

/** @param address of a contract, `0x…` @returns whether the block may hold logs of it whose first topic is one of `topics` */
export function eventBloom(
  address: string,
  topics: readonly string[],
): (block: { readonly logsBloom: string | undefined }) => boolean {
  const bitsOf = (hex: string) => bloomBits(fromHex(keccak256(hex)))
  const contract = bitsOf(address)
  const events = topics.map(bitsOf)
  return ({ logsBloom }) => logsBloom !== undefined && events.some((event) => mayHold(logsBloom, [contract, event]))
}
