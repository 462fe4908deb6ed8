// The checksum that capital letters make of an address (EIP-55): one wrong character in it is found before anything is sent there.

import { keccak_256 } from '@noble/hashes/sha3.js'
import { toHex, utf8 } from '../lib/bytes.ts'

/** Of an address in lower case, as wallets show it. */
export function withChecksum(address: string): string {
  const digits = address.slice(2).toLowerCase()
  const hash = toHex(keccak_256(utf8(digits)))
  return `0x${Array.from(digits, (digit, i) => (parseInt(hash.charAt(i), 16) >= 8 ? digit.toUpperCase() : digit)).join('')}`
}

/** @param address `0x` and 40 hex digits. Without a capital letter, or with nothing else, it has no checksum to be wrong. */
export function hasWrongChecksum(address: string): boolean {
  const digits = address.slice(2)
  if (digits === digits.toLowerCase() || digits === digits.toUpperCase()) return false
  return withChecksum(address) !== `0x${digits}`
}
